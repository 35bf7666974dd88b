package action

import "testing"

// Any text is either refused or parsed to actions with a stable canonical text,
// and these can be lowered, or refused, without a panic.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "drop;", "next;", "next(pipeline=egress, table=5);", `outport = "lsp1"; output;`,
		"reg0[7] = 1/1; xxreg0 = fe80::/10; eth.dst <-> eth.src;", "ip.ttl--; ip4.src = 10.0.0.0/255.0.255.0;",
		"clone { push(reg0); pop(reg1); };", "ct_commit { ct_mark.blocked = 1; ct_label = 2; };",
		"ct_commit(ct_mark=1/1, ct_label=0x2);", "ct_dnat(10.0.0.1, 1-3000); ct_snat_in_czone; ct_next(snat);",
		`ct_lb_mark(backends=10.0.0.1:80,[fd00::1]:8080; hash_fields="ip_src"; skip_snat);`,
		`ct_lb_mark_local(backends="lsp1":10.0.0.1);`, "reg0 = select(1=2, 3);", `fwd_group(liveness="true", childports="a", "b");`,
		"get_arp(outport, reg0); reg9[2] = lookup_nd(inport, nd.target, nd.tll);", "outport = get_fdb(eth.dst);",
		"reg1 = ct_nw_dst(); reg4[0..7] = ct_state_save();", "arp { eth.dst = ff:ff:ff:ff:ff:ff; output; }; output;",
		"icmp4 { icmp4.frag_mtu = 1500; output; };", "icmp4.inner_ip4.src = 10.0.0.40; next;",
		`reg0[0] = put_dhcp_opts(offerip = 1.2.3.4, dns_server = {1.1.1.1, 2.2.2.2}, hostname = "x");`,
		"reg0[0] = put_dhcpv6_opts(ia_addr = ae70::4);",
		`reg0[0] = put_nd_ra_opts(addr_mode = "slaac", prefix = aef0::/64, slla = ae:01:02:03:04:05, route_info = "HIGH-aef1::/48");`,
		`log(name="n", verdict=drop, severity=info, meter="m");`, `trigger_event(event = "empty_lb_backends", vip = "10.0.0.1:80");`,
		"sample(probability=1,collector_set=200,obs_domain=1,obs_point=$cookie);", "commit_ecmp_nh(ipv6 = true, proto = udp);",
		`commit_lb_aff(vip = "[::1]:80", backend = "[::2]", proto = tcp, timeout = 3);`, "set_queue(1); set_meter(1, 2);",
		`bind_vport("v", inport); mirror("lsp1"); handle_svc_check(inport); handle_bfd_msg();`, "reg0 = ^var; // comment",
	} {
		f.Add(s)
	}
	p := testParser(f)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := p.Parse(text)
		if err != nil {
			return
		}
		canonical := a.String()
		again, err := p.Parse(canonical)
		if err != nil {
			t.Fatalf("%q is written as %q: %v", text, canonical, err)
		}
		if got := again.String(); got != canonical {
			t.Errorf("%q is written as %q, then as %q", text, canonical, got)
		}
		for _, env := range []*Env{switchEnv(), {}} {
			a.Lower(env)
		}
	})
}
