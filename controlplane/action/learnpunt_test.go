package action

import "testing"

func TestPunts(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `igmp;`,
			ops: `punt igmp;`},
		{in: `handle_dhcpv6_reply;`,
			ops: `punt handle_dhcpv6_reply;`},
		{in: `handle_bfd_msg();`,
			ops: `punt handle_bfd_msg;`},
		{in: `handle_svc_check(inport);`,
			ops: `punt handle_svc_check;`},
		{in: `handle_svc_check(outport);`,
			ops: `push inport; inport = outport; punt handle_svc_check; pop inport;`},
		{in: `bind_vport("lsp1", inport);`,
			ops: `punt bind_vport args=00000011;`},
		{in: `bind_vport("nowhere", inport);`,
			ops: `drop;`},
		{in: `put_arp(inport, arp.spa, arp.sha);`,
			ops: `push reg0; push eth.src; push arp.sha; push arp.spa; pop reg0; pop eth.src; punt put_arp; pop eth.src; pop reg0;`, prereq: `arp`},
		{in: `put_nd(inport, nd.target, nd.sll);`,
			ops: `push xxreg0; push eth.src; push nd.sll; push nd.target; pop xxreg0; pop eth.src; punt put_nd; pop eth.src; pop xxreg0;`, prereq: `nd && nd_ns`},
		{in: `put_fdb(inport, eth.src);`,
			ops: `punt put_fdb;`},
		{in: `put_fdb(inport, arp.sha);`,
			ops: `push eth.src; eth.src = arp.sha; punt put_fdb; pop eth.src;`, prereq: `arp`},
		{in: `reg1[0] = dns_lookup();`,
			ops: `punt dns_lookup pause result=reg1[0];`, prereq: `udp`},
		{in: `reg9[7] = dhcp_relay_req_chk(192.168.1.1,172.16.1.1);`,
			ops:    `punt dhcp_relay_req_chk pause result=reg9[7] args=c0a80101ac100101;`,
			format: `reg9[7] = dhcp_relay_req_chk(192.168.1.1, 172.16.1.1);`},
		{in: `reg9[8] = dhcp_relay_resp_chk(192.168.1.1, 172.16.1.1);`,
			ops: `punt dhcp_relay_resp_chk pause result=reg9[8] args=c0a80101ac100101;`},
	})
}

func TestLogAndEvent(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `log(verdict=drop);`,
			ops:    `punt log args=0106;`,
			format: `log(verdict=drop, severity=info);`},
		{in: `log(name="test1", verdict=pass, severity=alert, meter="acl");`,
			ops: `punt log meter="acl" args=03017465737431;`},
		{in: `trigger_event(event = "empty_lb_backends", vip = "10.0.0.1:80", protocol = "tcp", load_balancer = "12345678-abcd-9876-fedc-11119f8e7d6c");`,
			ops: `punt event args=000000000001000b31302e302e302e313a3830000200037463700003002431323334353637382d616263642d393837362d666564632d313131313966386537643663;`},
		{in: `trigger_event(event = "empty_lb_backends", vip = "[fd00::1]:80", meter = "event");`,
			ops:    `punt event meter="event" args=000000000001000c5b666430303a3a315d3a3830;`,
			format: `trigger_event(event = "empty_lb_backends", meter = "event", vip = "[fd00::1]:80");`},
	})
}
