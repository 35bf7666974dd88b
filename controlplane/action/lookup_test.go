package action

import "testing"

func TestLookup(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `get_arp(outport, reg0);`,
			ops: `eth.dst = 0; call mac_binding;`},
		{in: `get_arp(outport, ip4.dst);`,
			ops: `push reg0; reg0 = ip4.dst; eth.dst = 0; call mac_binding; pop reg0;`, prereq: `ip4`},
		{in: `get_arp(inport, reg1);`,
			ops: `push outport; push reg0; push reg1; push inport; pop outport; pop reg0; eth.dst = 0; call mac_binding; pop reg0; pop outport;`},
		{in: `get_nd(outport, xxreg0);`,
			ops: `eth.dst = 0; call mac_binding;`},
		{in: `get_nd(inport, ip6.dst);`,
			ops: `push outport; push xxreg0; push ip6.dst; push inport; pop outport; pop xxreg0; eth.dst = 0; call mac_binding; pop xxreg0; pop outport;`, prereq: `ip6`},
		{in: `reg9[2] = lookup_arp(inport, arp.spa, arp.sha);`,
			ops: `push reg0; push eth.src; push arp.sha; push arp.spa; pop reg0; pop eth.src; flags[6] = 0; call mac_lookup; pop eth.src; pop reg0; reg9[2] = flags[6];`, prereq: `arp`},
		{in: `reg0[0] = lookup_arp(inport, ip4.dst, eth.src);`,
			ops: `push reg0; reg0 = ip4.dst; flags[6] = 0; call mac_lookup; pop reg0; reg0[0] = flags[6];`, prereq: `ip4`},
		{in: `reg9[2] = lookup_nd(inport, nd.target, nd.tll);`,
			ops: `push xxreg0; push eth.src; push nd.tll; push nd.target; pop xxreg0; pop eth.src; flags[6] = 0; call mac_lookup; pop eth.src; pop xxreg0; reg9[2] = flags[6];`, prereq: `nd && nd_na`},
		{in: `reg9[3] = lookup_arp_ip(inport, arp.spa);`,
			ops: `push outport; push reg0; push arp.spa; push inport; pop outport; pop reg0; push eth.dst; flags[6] = 0; call mac_binding; pop eth.dst; pop reg0; pop outport; reg9[3] = flags[6];`, prereq: `arp`},
		{in: `reg9[3] = lookup_nd_ip(outport, xxreg0);`,
			ops: `push eth.dst; flags[6] = 0; call mac_binding; pop eth.dst; reg9[3] = flags[6];`},
		{in: `reg0[0] = chk_evpn_arp(arp.tpa);`,
			ops: `push reg0; reg0 = arp.tpa; flags[25] = 0; call evpn_arp_lookup; pop reg0; reg0[0] = flags[25];`, prereq: `arp`},
		{in: `reg0[0] = chk_evpn_arp(nd.target);`,
			ops: `push xxreg0; xxreg0 = nd.target; flags[25] = 0; call evpn_arp_lookup; pop xxreg0; reg0[0] = flags[25];`, prereq: `nd`},
	})
}

func TestFDB(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `outport = get_fdb(eth.dst); next;`,
			ops: `outport = 0; call get_fdb; call ingress.11;`},
		{in: `outport = get_fdb(eth.src);`,
			ops: `push eth.dst; eth.dst = eth.src; outport = 0; call get_fdb; pop eth.dst;`},
		{in: `reg0 = get_fdb(arp.tha);`,
			ops: `push outport; push eth.dst; eth.dst = arp.tha; outport = 0; call get_fdb; pop eth.dst; reg0 = outport; pop outport;`, prereq: `arp`},
		{in: `remote_outport = get_remote_fdb(eth.dst);`,
			ops: `reg1 = 0; call get_remote_fdb;`},
		{in: `reg5 = get_remote_fdb(eth.src);`,
			ops: `push reg1; push eth.dst; eth.dst = eth.src; reg1 = 0; call get_remote_fdb; pop eth.dst; reg5 = reg1; pop reg1;`},
		{in: `reg0[11] = lookup_fdb(inport, eth.src);`,
			ops: `flags[8] = 0; call lookup_fdb; reg0[11] = flags[8];`},
		{in: `reg0[0] = lookup_fdb(outport, arp.sha);`,
			ops: `push inport; push eth.src; push arp.sha; push outport; pop inport; pop eth.src; flags[8] = 0; call lookup_fdb; pop eth.src; pop inport; reg0[0] = flags[8];`, prereq: `arp`},
	})
}

func TestQuestions(t *testing.T) {
	checkLower(t, switchEnv, []lowerCase{
		{in: `reg0[6] = chk_lb_hairpin();`,
			ops: `flags[7] = 0; call chk_lb_hairpin; reg0[6] = flags[7];`},
		{in: `reg0[12] = chk_lb_hairpin_reply();`,
			ops: `flags[7] = 0; call chk_lb_hairpin_reply; reg0[12] = flags[7];`},
		{in: `reg0[15] = check_in_port_sec();`,
			ops: `flags[12] = 0; call chk_in_port_sec; reg0[15] = flags[12];`},
		{in: `reg0[15] = check_out_port_sec();`,
			ops: `flags[12] = 0; call chk_out_port_sec; reg0[15] = flags[12];`},
		{in: `reg9[5] = chk_ecmp_nh_mac();`,
			ops: `flags[13] = 0; call ecmp_nh_mac; reg9[5] = flags[13];`},
		{in: `reg9[5] = chk_ecmp_nh();`,
			ops: `flags[13] = 0; call ecmp_nh; reg9[5] = flags[13];`},
		{in: `reg9[6] = chk_lb_aff();`,
			ops: `flags[14] = 0; call chk_lb_affinity; reg9[6] = flags[14];`},
		{in: `reg1 = ct_nw_dst();`,
			ops: `push reg7; reg7 = 0; call ct_orig_nw_dst; reg1 = reg7; pop reg7;`},
		{in: `reg7 = ct_nw_dst();`,
			ops: `reg7 = 0; call ct_orig_nw_dst;`},
		{in: `xxreg1 = ct_ip6_dst();`,
			ops: `xxreg1 = 0; call ct_orig_ip6_dst;`},
		{in: `xxreg0 = ct_ip6_dst();`,
			ops: `push xxreg1; xxreg1 = 0; call ct_orig_ip6_dst; xxreg0 = xxreg1; pop xxreg1;`},
		{in: `reg1[0..15] = ct_tp_dst();`,
			ops: `push reg7[0..15]; reg7[0..15] = 0; call ct_orig_tp_dst; reg1[0..15] = reg7[0..15]; pop reg7[0..15];`},
		{in: `reg1[16..23] = ct_proto();`,
			ops: `push reg7[0..7]; reg7[0..7] = 0; call ct_orig_proto; reg1[16..23] = reg7[0..7]; pop reg7[0..7];`},
		{in: `reg4[0..7] = ct_state_save();`,
			ops: `reg4[0..7] = 0; call ct_state_save;`},
		{in: `reg8[0..7] = ct_state_save();`,
			ops: `push reg4[0..7]; reg4[0..7] = 0; call ct_state_save; reg8[0..7] = reg4[0..7]; pop reg4[0..7];`},
	})
}
