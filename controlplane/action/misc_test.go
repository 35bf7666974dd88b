package action

import "testing"

func TestQoSAndSample(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `set_queue(0);`,
			ops: `set_queue 0;`},
		{in: `set_queue(61440);`,
			ops: `set_queue 61440;`},
		{in: `set_meter(1);`,
			ops: `meter rate=1 burst=0;`},
		{in: `set_meter(100, 1000);`,
			ops: `meter rate=100 burst=1000;`},
		{in: `reg9[1] = check_pkt_larger(1514);`,
			ops: `reg9[1] = longer 1514;`},
		{in: `sample(probability=100,collector_set=200,obs_domain=10,obs_point=$cookie);`,
			ops: `sample probability=100 collector_set=200 obs_domain=179031535 obs_point=2863311530;`},
		{in: `sample(probability=10, collector_set=200, obs_point=ct_label.obs_point_id);`,
			ops:    `sample probability=10 collector_set=200 obs_domain=11259375 obs_point=ct_label[96..127];`,
			format: `sample(probability=10,collector_set=200,obs_domain=0,obs_point=ct_label.obs_point_id);`},
		{in: `sample(probability=10,collector_set=200);`,
			ops:    `sample probability=10 collector_set=200 obs_domain=11259375 obs_point=0;`,
			format: `sample(probability=10,collector_set=200,obs_domain=0,obs_point=0);`},
		{in: `sample(probability=100,collector_set=999,obs_domain=0,obs_point=1000);`,
			ops: `drop;`},
	})
}

func TestLearn(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `commit_ecmp_nh(ipv6 = "false", proto = tcp);`,
			ops:    `learn ecmp_nh_mac priority=32768 idle=20 hard=30 delete_learned match(datapath = datapath) match(eth.type = 2048) match(ip.proto = 6) match(eth.src = eth.src) match(ip4.src = ip4.src) match(ip4.dst = ip4.dst) match(tcp.src = tcp.src) match(tcp.dst = tcp.dst) load(flags[13] = 1); learn ecmp_nh priority=32768 idle=20 hard=30 delete_learned match(datapath = datapath) match(eth.type = 2048) match(ip.proto = 6) match(ip4.src = ip4.dst) match(ip4.dst = ip4.src) match(tcp.src = tcp.dst) match(tcp.dst = tcp.src) load(flags[13] = 1);`,
			format: `commit_ecmp_nh(ipv6 = false, proto = tcp);`},
		{in: `commit_ecmp_nh(ipv6 = true, proto = sctp);`,
			ops: `learn ecmp_nh_mac priority=32768 idle=20 hard=30 delete_learned match(datapath = datapath) match(eth.type = 34525) match(ip.proto = 132) match(eth.src = eth.src) match(ip6.src = ip6.src) match(ip6.dst = ip6.dst) match(sctp.src = sctp.src) match(sctp.dst = sctp.dst) load(flags[13] = 1); learn ecmp_nh priority=32768 idle=20 hard=30 delete_learned match(datapath = datapath) match(eth.type = 34525) match(ip.proto = 132) match(ip6.src = ip6.dst) match(ip6.dst = ip6.src) match(sctp.src = sctp.dst) match(sctp.dst = sctp.src) load(flags[13] = 1);`},
		{in: `commit_lb_aff(vip = "172.16.0.123:8080", backend = "10.0.0.3:8080", proto = tcp, timeout = 30);`,
			ops: `learn chk_lb_affinity priority=32768 idle=30 delete_learned match(datapath = datapath) match(eth.type = 2048) match(ip4.src = ip4.src) match(ip4.dst = 0xac10007b) match(ip.proto = 6) match(tcp.dst = 8080) load(flags[14] = 1) load(reg4 = 0xa000003) load(reg8[0..15] = 8080);`},
		{in: `commit_lb_aff(vip = "172.16.0.123", backend = "10.0.0.3", timeout = 30);`,
			ops: `learn chk_lb_affinity priority=32768 idle=30 delete_learned match(datapath = datapath) match(eth.type = 2048) match(ip4.src = ip4.src) match(ip4.dst = 0xac10007b) load(flags[14] = 1) load(reg4 = 0xa000003);`},
		{in: `commit_lb_aff(vip = "[::1]:8080", backend = "[::2]:8080", proto = udp, timeout = 30);`,
			ops: `learn chk_lb_affinity priority=32768 idle=30 delete_learned match(datapath = datapath) match(eth.type = 34525) match(ip6.src = ip6.src) match(ip6.dst = 1) match(ip.proto = 17) match(udp.dst = 8080) load(flags[14] = 1) load(xxreg0 = 2) load(reg8[0..15] = 8080);`},
	})
}
