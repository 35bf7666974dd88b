package action

import (
	"errors"
	"strings"
	"testing"
)

func TestSyntaxErrors(t *testing.T) {
	p := testParser(t)
	for _, tt := range []struct{ in, want string }{
		{"drop; next;", "column 7: syntax error at `next' expecting end of input"},
		{"next; drop;", "column 7: syntax error at `drop' expecting action"},
		{"next", "column 5: syntax error at end of input expecting `;'"},
		{"next; 123;", "column 7: syntax error at `123' expecting action"},
		{"output; ^var", "column 9: unexpanded template variable ^var"},
		{"next();", "column 6: syntax error at `)' expecting \"pipeline\" or \"table\""},
		{"next(pipeline=both);", "expecting \"ingress\" or \"egress\""},
		{"next(10;", "syntax error at `;' expecting `)'"},
		{"clone {", "syntax error at end of input expecting action"},
		{strings.Repeat("clone { ", 40), "maximum depth of nested actions reached"},
		{"pkt.mark;", "syntax error at `pkt.mark' expecting action"},
		{"lookup_arp;", "syntax error at `lookup_arp' expecting action"},
		{"eth.dst[40] == 1;", "syntax error at `==' expecting `=' or `<->'"},

		{"inport[1] = 1;", "cannot select subfield of string field inport"},
		{"ip = 1;", "predicate symbol ip used where lvalue required"},
		{"ip.proto = 6;", "field ip.proto is not modifiable"},
		{"ct_mark = 1;", "field ct_mark is not modifiable"},
		{"ct_commit { ip4.dst = 192.168.0.1; };", "field ip4.dst is not modifiable"},
		{"inport = {\"a\", \"b\"};", "syntax error at `{' expecting constant"},
		{"pkt.mark = \"foo\";", "integer field pkt.mark is not compatible with string constant"},
		{"inport = 3;", "string field inport is not compatible with integer constant"},
		{"reg0 = fe80::1;", "128-bit constant fe80::1 is not compatible with 32-bit field reg0"},
		{"reg0 = ^x;", "unexpanded template variable ^x"},
		{"pkt.mark = foo;", "syntax error at `foo' expecting field name"},
		{"reg0 = reg1[0..10];", "can't assign 11-bit value to 32-bit destination"},
		{"reg0 <-> reg1[0..10];", "can't exchange 32-bit field with 11-bit field"},
		{"inport = reg0;", "can't assign integer field (reg0) to string field (inport)"},
		{"inport <-> reg0;", "can't exchange string field (inport) with integer field (reg0)"},
		{"reg0[0..7] <-> ip.proto;", "field ip.proto is not modifiable"},
		{"reg0 = icmp4.inner_ip4.src;", "field icmp4.inner_ip4.src cannot be read"},
		{"icmp4.inner_ip4.src = reg0;", "field icmp4.inner_ip4.src can only be assigned a constant"},
		{"icmp4.inner_ip4.src = 10.0.0.0/8;", "field icmp4.inner_ip4.src can only be written as a whole"},
		{"icmp4.inner_ip4.src = ct_nw_dst();", "field icmp4.inner_ip4.src can only be assigned a constant"},
		{"pop(eth.type);", "field eth.type is not modifiable"},
		{"ip.ttl;", "syntax error at `;' expecting `--'"},

		{"ct_next(ignore);", `"ct_next" action accepts only "dnat" or "snat" parameter`},
		{"ct_commit_to_zone;", "syntax error at `;' expecting `('"},
		{"ct_commit(ct_mark=0x100000000);", "33-bit constant is not compatible with 32-bit field ct_mark"},
		{"ct_commit(ct_mark=foo);", "syntax error at `foo' expecting integer"},
		{"ct_commit(foo=1);", "syntax error at `foo' expecting ct_mark or ct_label"},
		{"ct_dnat(foo);", "syntax error at `foo' expecting IPv4 or IPv6 address"},
		{"ct_dnat(192.168.1.2, 192.168.1.3);", "syntax error at `192.168.1.3' expecting Integer for port range"},
		{"ct_dnat(192.168.1.2, 0);", "syntax error at `0' range can't be 0"},
		{"ct_dnat(192.168.1.2, 1000-100);", "syntax error at `100' range high should be greater than range low"},
		{"ct_dnat(192.168.1.2, 1-70000);", "syntax error at `70000' expecting port number"},
		{"ct_lb_mark(192.168.1.2:80);", "syntax error at `192.168.1.2' expecting backends"},
		{"ct_lb_mark(backends=192.168.1.2:);", "syntax error at `)' expecting port number"},
		{"ct_lb_mark(backends=foo);", "syntax error at `foo' expecting IP address"},
		{"ct_lb_mark(backends=[192.168.1.2]);", "syntax error at `192.168.1.2' expecting IPv6 address"},
		{"ct_lb_mark(backends=10.0.0.1; hash_fields=eth_src);", "syntax error at `eth_src' invalid hash_fields"},
		{`ct_lb_mark(backends=10.0.0.1; hash_fields="ip_sec");`, `no field "ip_sec"`},
		{"ct_lb_mark(backends=10.0.0.1; no_snat);", "expecting hash_fields, skip_snat or force_snat"},
		{"ct_lb_mark_local(backends=10.0.0.1);", "expecting logical port name for distributed load balancer"},
		{"reg0 = select(1=0, 2);", "weight can't be 0"},
		{"reg0 = select(123);", "expecting at least 2 group members"},
		{"reg0[0..14] = select(1, 2);", `cannot use 15-bit field reg0[0..14] for "select", which requires at least 16 bits`},
		{"fwd_group(childports=eth0);", "syntax error at `eth0' expecting logical switch port"},
		{"fwd_group(liveness=xyzzy, childports=\"a\");", "syntax error at `xyzzy' expecting true or false"},

		{"get_arp(inport, eth.dst);", "cannot use 48-bit field eth.dst[0..47] where 32-bit field is required"},
		{"get_arp(inport, outport);", "cannot use string field outport where numeric field is required"},
		{"get_arp(reg0, ip4.dst);", "cannot use numeric field reg0 where string field is required"},
		{"get_arp(inport ip4.dst);", "syntax error at `ip4.dst' expecting `,'"},
		{"reg0 = chk_lb_hairpin();", "cannot use 32-bit field reg0[0..31] where 1-bit field is required"},
		{"reg0[0] = chk_lb_hairpin(foo);", "chk_lb_hairpin doesn't take any parameters"},
		{"xxreg1[16..47] = ct_nw_dst();", "xxreg1[16..47] overlaps reg7, in which ct_nw_dst leaves its answer; use another field"},
		{"reg0[0] = chk_evpn_arp(eth.src);", "chk_evpn_arp requires a 32-bit or 128-bit IP field"},
		{"reg0[1..3] = get_fdb(eth.src);", "cannot use 3-bit field reg0[1..3] where 32-bit field is required"},

		{"set_queue(65535);", "Queue ID 65535 for set_queue is not in valid range 0 to 61440"},
		{"set_meter(0);", "rate 0 for set_meter is not valid"},
		{"reg0[0] = check_pkt_larger(70000);", "syntax error at `70000' expecting packet length"},
		{"log(severity=notice);", "syntax error at `;' expecting verdict"},
		{"log(verdict=maybe);", "syntax error at `maybe' unknown verdict"},
		{"log(verdict=drop, severity=bad);", "syntax error at `bad' unknown severity"},
		{"log(verdict=drop, name=\"" + strings.Repeat("x", 64) + "\");", "name must be shorter than 64 characters"},
		{"log(colour=red);", "syntax error at `colour' unknown argument of log"},
		{`trigger_event(event = "foo");`, `unknown event "foo": expecting empty_lb_backends`},
		{`trigger_event(event = "empty_lb_backends", vip = "10.0.0");`, "Invalid load balancer VIP '10.0.0'"},
		{`trigger_event(event = "empty_lb_backends", vip = "[fd00::1");`, "Invalid load balancer VIP '[fd00::1'"},
		{`trigger_event(event = "empty_lb_backends", protocol = "aarp");`, "Load balancer protocol 'aarp' is not 'tcp', 'udp', or 'sctp'"},
		{`trigger_event(event = "empty_lb_backends", load_balancer = "bacon");`, "Load balancer 'bacon' is not a UUID"},
		{"sample(probability=0);", "probability must be greater than zero"},
		{"sample(probability=1,obs_domain=300);", "syntax error at `300' obs_domain must be 8-bit long"},
		{"sample(probability=10, obs_point=ct_label);", "cannot use 128-bit field ct_label[0..127] where 32-bit field is required"},
		{"commit_ecmp_nh(proto = sctp);", "syntax error at `proto' invalid parameter: expecting ipv6"},
		{"commit_ecmp_nh(ipv6 = true, proto = icmp);", "syntax error at `icmp' invalid protocol"},
		{`commit_lb_aff(vip = "1.2.3.4", backend = "::1", timeout = 1);`, "invalid protocol family"},
		{`commit_lb_aff(vip = "foo", backend = "::1", timeout = 1);`, "expecting an address and a port"},
		{"bind_vport(\"xyzzy\",;", "syntax error at `;' expecting field name"},
		{"mirror(lsp1);", "expecting port name string"},
		{"reg9[7] = dhcp_relay_req_chk(\"a\", 172.16.1.1);", "expecting IPv4 dhcp relay and server ips"},
		{"reg9[7] = dhcp_relay_req_chk(10.0.0.1, ::1);", "expecting IPv4 dhcp server ip"},
	} {
		a, err := p.Parse(tt.in)
		var se *SyntaxError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\n got  %v %v\n want %s", tt.in, a, err, tt.want)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	p := testParser(t)
	long := strings.Repeat("x", 256)
	for _, tt := range []struct{ in, want string }{
		{"put_dhcp_opts()", "put_dhcp_opts requires offerip to be specified"},
		{"put_dhcp_opts(x = 1.2.3.4)", "syntax error at `x' expecting DHCPv4 option name"},
		{`put_dhcp_opts(offerip="xyzzy")`, "DHCPv4 option offerip requires numeric value"},
		{"put_dhcp_opts(offerip=1.2.3.4, hostname=1.2.3.4)", "DHCPv4 option hostname requires string value"},
		{"put_dhcp_opts(offerip=1.2.3.4, mtu=70000)", "DHCPv4 option mtu: 70000 does not fit into 2 bytes"},
		{"put_dhcp_opts(offerip=1.2.3.4, mtu={1, 2})", "DHCPv4 option mtu: want one number"},
		{"put_dhcp_opts(offerip=1.2.3.4, hostname={\"a\", \"b\"})", "DHCPv4 option hostname: want one string"},
		{`put_dhcp_opts(offerip=1.2.3.4, hostname="` + long + `")`, "DHCPv4 option hostname: 256 bytes, at most 255 fit"},
		{"put_dhcp_opts(offerip=1.2.3.4, dns_server={1.1.1.1, \"a\"})", "expecting integer"},
		{"put_dhcp_opts(offerip=1.2.3.4, odd=1)", `unknown type "uint64" in table DHCP_Options`},
		{"put_dhcp_opts(offerip=1.2.3.4, far=1.2.3.4)", "no option has code 300 and type ipv4"},
		{"put_dhcp_opts(offerip=1.2.3.4, classless_static_route={1.2.3.4/255.0.255.0, 1.1.1.1})", "is no prefix"},
		{`put_dhcp_opts(offerip=1.2.3.4, domain_search_list="` + long + `")`, "is longer than 255 bytes"},
		{`put_dhcp_opts(offerip=1.2.3.4, domain_search_list="` + long[:64] + `.org")`, "is longer than 63 bytes"},
		{`put_dhcpv6_opts(ia_addr="ae70::4")`, "DHCPv6 option ia_addr requires numeric value"},
		{"put_dhcpv6_opts(odd=1)", `unknown type "uint64" in table DHCPv6_Options`},
		{"put_dhcpv6_opts(server_id=ae70::1)", "does not fit into 6 bytes"},
		{`put_dhcpv6_opts(fqdn="` + long[:64] + `")`, "is longer than 63 bytes"},
		{`put_nd_ra_opts(addr_mode = "slaac", mtu = 1500, prefix = aef0::/64)`, "slla option not present"},
		{`put_nd_ra_opts(addr_mode = "slaac", slla = ae:01:02:03:04:10)`, "prefix option needs to be set"},
		{`put_nd_ra_opts(addr_mode = "foo", slla = ae:01:02:03:04:10)`, `invalid value for "addr_mode" option`},
		{`put_nd_ra_opts(addr_mode = "slaac", prefix = aef0::, slla = ae:01:02:03:04:10)`, `invalid value for "prefix" option`},
		{`put_nd_ra_opts(mtu = 10.0.0.4)`, `invalid value for "mtu" option`},
		{`put_nd_ra_opts(mtu = "1500")`, "IPv6 ND RA option mtu requires numeric value"},
		{`put_nd_ra_opts(router_preference = "BEST")`, `invalid value for "router_preference" option`},
		{`put_nd_ra_opts(route_info = "aef1::/48")`, `invalid value for "route_info" option`},
		{`put_nd_ra_opts(route_info = "HIGH-10.0.0.0/8")`, `invalid value for "route_info" option`},
		{`put_nd_ra_opts(dnssl = "` + long[:64] + `")`, `invalid value for "dnssl" option`},
		{`put_nd_ra_opts(rdnss = {::1, ::2})`, `invalid value for "rdnss" option`},
	} {
		_, err := p.Parse("reg1[0] = " + tt.in + ";")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\n got  %v\n want %s", tt.in, err, tt.want)
		}
	}
	if _, err := p.Parse("reg1[0..1] = put_dhcp_opts(offerip = 1.2.3.4);"); err == nil {
		t.Error("a result of two bits was accepted")
	}
}

func TestUnknownAction(t *testing.T) {
	p := testParser(t)
	for _, tt := range []struct {
		in   string
		want UnknownActionError
	}{
		{"next; teleport(1);", UnknownActionError{"teleport", 7}},
		{"reg0[0] = chk_mood(inport);", UnknownActionError{"chk_mood", 11}},
		{"clone { dance; };", UnknownActionError{"dance", 9}},
	} {
		_, err := p.Parse(tt.in)
		var ue *UnknownActionError
		if !errors.As(err, &ue) || *ue != tt.want {
			t.Errorf("%s: got %v, want %+v", tt.in, err, tt.want)
		}
		if text := err.Error(); !strings.Contains(text, tt.want.Action) || !strings.Contains(text, "newer ovn-northd") {
			t.Errorf("%s: the error names no cause: %s", tt.in, text)
		}
	}
	// What is wrong before the unknown name is the error.
	var se *SyntaxError
	if _, err := p.Parse("ip.proto = 6; teleport;"); !errors.As(err, &se) {
		t.Errorf("got %v, want a syntax error", err)
	}
}

func TestLowerErrors(t *testing.T) {
	p := testParser(t)
	for _, tt := range []struct {
		in, want string
		table    int
	}{
		{"next(35);", "actions, column 1: next: cannot advance to table 35: the pipeline ends before table 35", 10},
		{"next;", "actions, column 1: next: cannot advance to table 35", 34},
		{"next(pipeline=egress, table=16);", "the pipeline ends before table 16", 10},
		{"ct_next;", "actions, column 1: ct_next: cannot advance", 34},
		{"ct_lb_mark(backends=10.0.0.1);", "actions, column 1: ct_lb_mark: cannot advance", 34},
		{"ct_commit_nat;", "actions, column 1: ct_commit_nat: cannot advance", 34},
		{"ct_dnat;", "actions, column 1: ct_dnat: cannot advance", 34},
		{"reg0 = select(1, 2);", "actions, column 1: select: cannot advance", 34},
		{"icmp4.frag_mtu = 1500;", "actions, column 1: icmp4.frag_mtu: only an ICMP error that is being made has it", 10},
		{"icmp4 { clone { icmp4.frag_mtu = 1500; }; };", "actions, column 17: icmp4.frag_mtu: only an ICMP error", 10},
		{"output; arp { icmp4.frag_mtu = 1500; };", "actions, column 15: icmp4.frag_mtu: only an ICMP error", 10},
		{"reg0 = 1;  ct_commit { output; };", "actions, column 12: ct_commit: only assignments to ct_mark and ct_label can be inside", 10},
		{"arp { output; }; next(35); next(36);", "actions, column 18: next: cannot advance to table 35", 10}, // the first error
	} {
		a, err := p.Parse(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		env := switchEnv()
		env.Table = tt.table
		ops, _, err := a.Lower(env)
		var le *LowerError
		if !errors.As(err, &le) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, %v, want %s", tt.in, ops, err, tt.want)
		}
	}
}
