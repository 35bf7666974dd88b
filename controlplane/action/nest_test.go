package action

import "testing"

func TestNest(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `arp { eth.dst = ff:ff:ff:ff:ff:ff; arp.op = 1; output; }; output;`,
			ops: `punt arp pause {eth.dst = 0xffffffffffff; arp.op = 1; call output;}; call output;`, prereq: `ip`},
		{in: `arp { output; };`,
			ops: `punt arp pause {call output;}; call output;`, prereq: `ip`},
		{in: `arp { };`,
			ops:    `punt arp pause; call output;`,
			format: `arp { drop; };`, prereq: `ip`},
		{in: `nd_ns { nd.target = xxreg0; output; };`,
			ops: `punt nd_ns pause {nd.target = xxreg0; call output;}; call output;`, prereq: `ip`},
		{in: `nd_na { eth.src = 12:34:56:78:9a:bc; nd.tll = 12:34:56:78:9a:bc; outport = inport; inport = ""; /* Allow sending out inport. */ output; };`,
			ops:    `punt nd_na {eth.src = 0x123456789abc; nd.tll = 0x123456789abc; outport = inport; inport = 0; call output;};`,
			format: `nd_na { eth.src = 12:34:56:78:9a:bc; nd.tll = 12:34:56:78:9a:bc; outport = inport; inport = ""; output; };`, prereq: `nd_ns`},
		{in: `nd_na_router { output; };`,
			ops: `punt nd_na_router {call output;};`, prereq: `nd_ns`},
		{in: `icmp4 { icmp4.type = 3; icmp4.frag_mtu = 1500; output; }; output;`,
			ops: `punt icmp args=00010004000005dc {icmp4.type = 3; call output;}; call output;`, prereq: `ip4`},
		{in: `icmp4_error { icmp4.inner_ip4.src = 10.0.0.40; };`,
			ops: `punt icmp4_error args=000200040a000028;`, prereq: `ip4`},
		{in: `icmp6 { };`,
			ops:    `punt icmp;`,
			format: `icmp6 { drop; };`, prereq: `ip6`},
		{in: `icmp6_error { icmp6.frag_mtu = 1400; next(pipeline=ingress, table=0); };`,
			ops:    `punt icmp6_error args=0001000400000578 {call ingress.0;};`,
			format: `icmp6_error { icmp6.frag_mtu = 1400; next(0); };`, prereq: `ip6`},
		{in: `icmp4.inner_ip4.src = 10.0.0.40; next;`,
			ops: `punt put_icmp4_inner_src pause args=0a000028; call ingress.11;`},
		{in: `tcp_reset { output; };`,
			ops: `punt tcp_reset {call output;};`, prereq: `tcp`},
		{in: `sctp_abort { output; };`,
			ops: `punt sctp_abort {call output;};`, prereq: `sctp`},
		{in: `reject { ip4.src <-> ip4.dst; next(pipeline=egress, table=5); };`,
			ops: `punt reject {push ip4.dst; push ip4.src; pop ip4.dst; pop ip4.src; call egress.5;};`, prereq: `ip4`},
	})
}
