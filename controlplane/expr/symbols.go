package expr

import (
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// The symbols of ovn-sb(5), column "match" of table Logical_Flow, and what they
// stand for (OVN's logical fields; positions of bits are private to OVN but
// shared by northd and the controller).

func (b *builder) ports() {
	b.str("inport", ir.Inport)
	b.str("outport", ir.Outport)
	// The same registers as numbers, for single bits of the key.
	b.field("__inport", ir.Inport, "")
	b.field("__outport", ir.Outport, "")
	b.predicates(`
		from_evpn_vtep __inport[31]
		to_evpn_vtep   __outport[31]`)
	b.str("remote_outport", ir.Reg1)
}

func (b *builder) registers() {
	for i := range 10 {
		b.field("reg"+strconv.Itoa(i), ir.Reg0+ir.Field(i), "")
	}
	for i := range 5 {
		b.field("xreg"+strconv.Itoa(i), ir.XReg0+ir.Field(i), "")
	}
	for i := range 2 {
		b.field("xxreg"+strconv.Itoa(i), ir.XXReg0+ir.Field(i), "")
	}
}

func (b *builder) flags() {
	b.field("flags", ir.Flags, "")
	for name, bit := range map[string]int{
		"loopback":            ir.FlagAllowLoopback,
		"force_snat_for_dnat": ir.FlagForceSNATForDNAT,
		"force_snat_for_lb":   ir.FlagForceSNATForLB,
		"skip_snat_for_lb":    ir.FlagSkipSNATForLB,
		"use_snat_zone":       ir.FlagUseSNATZone,
		"localnet":            ir.FlagLocalnet,
		"icmp_snat":           ir.FlagICMPSNAT,
		"tunnel_rx":           ir.FlagRxFromTunnel,
		"unsnat_new":          ir.FlagUnSNATNew,
		"unsnat_not_tracked":  ir.FlagUnSNATNotTracked,
		"from_ctrl":           ir.FlagFromCtrl,
		"igmp_loopback":       ir.FlagIGMPSnoopInject,
		"pkt_sampled":         ir.FlagPktSampled,
	} {
		b.sub("flags."+name, "flags["+strconv.Itoa(bit)+"]", "")
	}
	b.sub("flags.network_id", "flags[28..31]", "")
}

func (b *builder) conntrack() {
	b.field("ct_mark", ir.CTMark, "").Write = WriteCTCommit
	b.field("ct_label", ir.CTLabel, "").Write = WriteCTCommit
	b.subs("", `
		ct_mark.blocked           ct_mark[0]
		ct_mark.natted            ct_mark[1]
		ct_mark.skip_snat         ct_mark[2]
		ct_mark.force_snat        ct_mark[3]
		ct_mark.obs_stage         ct_mark[4..5]
		ct_mark.allow_established ct_mark[6]
		ct_mark.ecmp_reply_port   ct_mark[16..31]
		ct_mark.obs_collector_id  ct_mark[16..23]
		ct_label.nf               ct_label[7]
		ct_label.tun_if           ct_label[8]
		ct_label.nf_id            ct_label[17..24]
		ct_label.ecmp_reply_eth   ct_label[32..79]
		ct_label.acl_id           ct_label[80..95]
		ct_label.tun_if_id        ct_label[80..95]
		ct_label.label            ct_label[96..127]
		ct_label.obs_point_id     ct_label[96..127]
		ct_label.obs_unused       ct_label[0..95]`)
	// Until OVN 23.06 these were in the label too; a northd of then still says so.
	b.subs("", `
		ct_label.blocked          ct_label[0]
		ct_label.natted           ct_label[1]
		ct_label.skip_snat        ct_label[2]
		ct_label.force_snat       ct_label[3]
		ct_label.ecmp_reply_port  ct_label[80..95]`)
	b.field("ct_state", ir.CTState, "")
	b.sub("ct.trk", "ct_state[5]", "")
	b.subs("ct.trk", `
		ct.new  ct_state[0]
		ct.est  ct_state[1]
		ct.rel  ct_state[2]
		ct.rpl  ct_state[3]
		ct.inv  ct_state[4]
		ct.snat ct_state[6]
		ct.dnat ct_state[7]`)
}

func (b *builder) ethernet() {
	b.field("eth.src", ir.EthSrc, "")
	b.field("eth.dst", ir.EthDst, "")
	b.field("eth.type", ir.EthType, "")
	b.predicate("eth.bcast", "eth.dst == ff:ff:ff:ff:ff:ff")
	b.sub("eth.mcast", "eth.dst[40]", "")
	b.predicate("eth.mcastv6", "eth.dst[32..47] == 0x3333")
	b.field("vlan.tci", ir.VLANTCI, "")
	b.predicate("vlan.present", "vlan.tci[12]")
	b.subs("vlan.present", `
		vlan.pcp vlan.tci[13..15]
		vlan.vid vlan.tci[0..11]`)
}

func (b *builder) ip() {
	b.predicates(`
		ip4 eth.type == 0x800
		ip6 eth.type == 0x86dd
		ip  ip4 || ip6`)
	b.field("ip.proto", ir.IPProto, "ip")
	b.field("ip.dscp", ir.IPDSCP, "ip")
	b.field("ip.ecn", ir.IPECN, "ip")
	b.field("ip.ttl", ir.IPTTL, "ip")
	b.field("ip.frag", ir.IPFrag, "ip")
	b.field("ip4.src", ir.IP4Src, "ip4")
	b.field("ip4.dst", ir.IP4Dst, "ip4")
	b.field("ip6.src", ir.IP6Src, "ip6")
	b.field("ip6.dst", ir.IP6Dst, "ip6")
	b.field("ip6.label", ir.IP6Label, "ip6")
	b.predicates(`
		ip.is_frag     ip.frag[0]
		ip.later_frag  ip.frag[1]
		ip.first_frag  ip.is_frag && !ip.later_frag
		ip4.src_mcast  ip4.src[28..31] == 0xe
		ip4.mcast      eth.mcast && ip4.dst[28..31] == 0xe
		igmp           ip4.mcast && ip.proto == 2
		icmp4          ip4 && ip.proto == 1
		icmp6          ip6 && ip.proto == 58
		icmp           icmp4 || icmp6
		ip6.mcast           eth.mcastv6 && ip6.dst[120..127] == 0xff
		ip6.mcast_rsvd      ip6.dst == ff00::/fff0:ffff:ffff:ffff:ffff:ffff:ffff:ffff
		ip6.mcast_all_nodes ip6.dst == {ff01::1, ff02::1}
		ip6.mcast_all_rtrs  ip6.dst == {ff01::2, ff02::2, ff05::2}
		ip6.mcast_sol_node  ip6.dst == ff02::1:ff00:0/104
		ip6.mcast_flood     eth.mcastv6 && (ip6.mcast_rsvd || ip6.mcast_all_nodes || ip6.mcast_all_rtrs || ip6.mcast_sol_node)`)
	b.field("icmp4.type", ir.ICMP4Type, "icmp4")
	b.field("icmp4.code", ir.ICMP4Code, "icmp4")
	b.field("icmp6.type", ir.ICMP6Type, "icmp6")
	b.field("icmp6.code", ir.ICMP6Code, "icmp6")
}

// arp adds ARP and RARP, which share a layout and therefore the fields.
func (b *builder) arp() {
	b.predicates(`
		arp  eth.type == 0x806
		rarp eth.type == 0x8035`)
	for _, p := range []string{"arp", "rarp"} {
		b.field(p+".op", ir.ARPOp, p)
		b.field(p+".spa", ir.ARPSPA, p)
		b.field(p+".sha", ir.ARPSHA, p)
		b.field(p+".tpa", ir.ARPTPA, p)
		b.field(p+".tha", ir.ARPTHA, p)
	}
}

// neighbours adds neighbour discovery (RFC 4861) and multicast listener discovery
// (RFC 2710, RFC 3810).
func (b *builder) neighbours() {
	b.predicates(`
		nd          icmp6.type == {135, 136} && icmp6.code == 0 && ip.ttl == 255
		nd_ns       icmp6.type == 135 && icmp6.code == 0 && ip.ttl == 255
		nd_ns_mcast ip6.mcast && icmp6.type == 135 && icmp6.code == 0 && ip.ttl == 255
		nd_na       icmp6.type == 136 && icmp6.code == 0 && ip.ttl == 255
		nd_rs       icmp6.type == 133 && icmp6.code == 0 && ip.ttl == 255
		nd_ra       icmp6.type == 134 && icmp6.code == 0 && ip.ttl == 255
		mldv1       eth.mcastv6 && ip6.src == fe80::/10 && icmp6.type == {130, 131, 132}
		mldv2       eth.mcastv6 && ip6.dst == ff02::16 && icmp6.type == 143`)
	b.field("nd.target", ir.NDTarget, "nd")
	b.field("nd.sll", ir.NDSLL, "nd_ns")
	b.field("nd.tll", ir.NDTLL, "nd_na")
}

func (b *builder) transport() {
	b.predicates(`
		tcp  ip.proto == 6
		udp  ip.proto == 17
		sctp ip.proto == 132`)
	b.field("tcp.src", ir.TCPSrc, "tcp")
	b.field("tcp.dst", ir.TCPDst, "tcp")
	b.field("tcp.flags", ir.TCPFlags, "tcp")
	b.field("udp.src", ir.UDPSrc, "udp")
	b.field("udp.dst", ir.UDPDst, "udp")
	b.field("sctp.src", ir.SCTPSrc, "sctp")
	b.field("sctp.dst", ir.SCTPDst, "sctp")
	b.field("pkt.mark", ir.PktMark, "")
}

func (b *builder) ovnFields() {
	for _, f := range []Symbol{
		{Name: "icmp4.frag_mtu", Width: 16, OVNField: ICMP4FragMTU},
		{Name: "icmp6.frag_mtu", Width: 32, OVNField: ICMP6FragMTU},
		{Name: "icmp4.inner_ip4.src", Width: 32, OVNField: ICMP4InnerIP4Src},
	} {
		f.Write = WriteAnywhere
		b.add(&f, "")
	}
}
