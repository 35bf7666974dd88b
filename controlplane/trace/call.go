package trace

// call runs an action that assigns nothing.
func (t *tracer) call(s statement, f *frame, node *Node) {
	switch s.name {
	case "output":
		t.output(f.dp, f.p, f.at.Ingress, node)
	case "next":
		t.next(s, f, node)
	case "clone":
		sub := node.add(Transformation, "clone")
		t.run(t.statements(s.args), f.on(f.p.Copy()), sub)
	case "mirror":
		t.mirror(s, f, node)
	case "push":
		t.push(s, f, node)
	case "pop":
		t.pop(s, f, node)
	case "ip.ttl":
		t.decTTL(f, node)
	case "ct_next":
		t.ctNext(f, node)
	case "ct_dnat", "ct_snat", "ct_dnat_in_czone", "ct_snat_in_czone":
		t.ctNAT(s, f, node)
	case "ct_commit_nat":
		t.ctThrough("ct_commit_nat /* assuming no un-nat entry, so no change */", f, node)
	case "ct_commit_to_zone":
		t.ctThrough("ct_commit_to_zone("+s.args+")", f, node)
	case "ct_lb", "ct_lb_mark", "ct_lb_mark_local":
		t.ctLB(s, f, node)
	case "ct_clear":
		clearCT(f.p)
	case "ct_snat_to_vip":
		t.snatToVIP(f.p, node)
	case "arp", "nd_ns", "nd_na", "nd_na_router", "icmp4", "icmp4_error", "icmp6", "icmp6_error", "tcp_reset", "sctp_abort", "reject":
		t.transform(s, f, node)
	case "get_arp", "get_nd":
		t.getMAC(s, f, node)
	case "log":
		t.log(s, f, node)
	case "flood_remote":
		node.add(Output, "/* Flood to all remote chassis */")
	case "ct_commit", "put_arp", "put_nd", "put_fdb", "set_queue", "set_meter", "igmp", "trigger_event", "bind_vport",
		"handle_svc_check", "handle_dhcpv6_reply", "handle_bfd_msg", "fwd_group", "commit_ecmp_nh", "commit_lb_aff",
		"sample", "mac_cache_use":
		// They leave something outside of the packet, which has no further part in it.
	default:
		node.add(Error, "*** no model of action %s", s.name)
	}
}

// answer runs an action that assigns its result.
func (t *tracer) answer(s statement, f *frame, node *Node) {
	switch s.name {
	case "lookup_arp", "lookup_nd":
		t.lookupMAC(s, f, node)
	case "lookup_arp_ip", "lookup_nd_ip":
		t.lookupIP(s, f, node)
	case "get_fdb":
		t.getFDB(s, f)
	case "lookup_fdb":
		t.lookupFDB(s, f, node)
	case "get_remote_fdb":
		node.add(Output, "/* The remote FDB table is different per each chassis. */")
	case "chk_evpn_arp":
		node.add(Action, "/* EVPN ARP lookup: not available in trace. */")
		result(s, f.p, false)
	case "check_in_port_sec":
		result(s, f.p, !t.mayEnter(f.dp, f.p))
	case "check_out_port_sec":
		result(s, f.p, !t.mayLeave(f.dp, f.p))
	case "put_dhcp_opts", "put_dhcpv6_opts":
		node.add(Error, "/* We assume that this packet is DHCPDISCOVER or DHCPREQUEST. */")
		t.putOpts(s, f, node)
	case "put_nd_ra_opts":
		t.putOpts(s, f, node)
	case "dhcp_relay_req_chk", "dhcp_relay_resp_chk":
		t.relay(s, f, node)
	case "dns_lookup":
		result(s, f.p, false)
		node.add(Error, "*** dns_lookup action not implemented")
	case "select":
		t.selectOne(s, f, node)
	case "chk_lb_hairpin", "chk_lb_hairpin_reply":
		t.hairpin(s, f.p, node)
	case "ct_tp_dst", "ct_proto", "ct_state_save":
		t.ctAnswer(s, f.p, node)
	case "check_pkt_larger", "chk_ecmp_nh_mac", "chk_ecmp_nh", "chk_lb_aff", "ct_nw_dst", "ct_ip6_dst":
		// Nothing is known: the destination stays as it is.
	default:
		node.add(Error, "*** no model of action %s", s.name)
	}
}
