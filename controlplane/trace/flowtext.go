package trace

import (
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// flowText writes p in OpenFlow syntax, in the order and the form that Open vSwitch
// prints flows, so that the line can be given to ovs-appctl ofproto/trace.
func flowText(p *ir.Packet) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	field := func(name string, f ir.Field) { add("%s=%s", name, valueText(f, p.Get(f))) }
	nonzero := func(name string, f ir.Field) {
		if !p.Get(f).IsZero() {
			field(name, f)
		}
	}
	nonzero("pkt_mark", ir.PktMark)
	nonzero("ct_state", ir.CTState)
	nonzero("ct_mark", ir.CTMark)
	nonzero("ct_label", ir.CTLabel)
	keyword, hasType, hasProto := protocol(p)
	if keyword != "" {
		parts = append(parts, keyword)
	}
	for i, f := range registers {
		nonzero(fmt.Sprintf("reg%d", i), f)
	}
	nonzero("metadata", ir.Datapath)
	nonzero("in_port", ir.InPort)
	if tci := p.Get(ir.VLANTCI).Lo; tci&0x1000 != 0 {
		add("dl_vlan=%d", tci&0xfff)
		add("dl_vlan_pcp=%d", tci>>13)
		add("vlan_tci1=0x0000")
	} else {
		add("vlan_tci=0x%04x", tci)
	}
	field("dl_src", ir.EthSrc)
	field("dl_dst", ir.EthDst)
	if !hasType {
		add("dl_type=0x%04x", p.Get(ir.EthType).Lo)
	}
	switch {
	case p.Has(ir.IP6Src):
		field("ipv6_src", ir.IP6Src)
		field("ipv6_dst", ir.IP6Dst)
		add("ipv6_label=0x%05x", p.Get(ir.IP6Label).Lo)
	case p.Has(ir.IP4Src):
		field("nw_src", ir.IP4Src)
		field("nw_dst", ir.IP4Dst)
	case p.Has(ir.ARPOp):
		for _, x := range []struct {
			name string
			f    ir.Field
		}{{"arp_spa", ir.ARPSPA}, {"arp_tpa", ir.ARPTPA}, {"arp_op", ir.ARPOp}, {"arp_sha", ir.ARPSHA}, {"arp_tha", ir.ARPTHA}} {
			field(x.name, x.f)
		}
	}
	if p.IsIP() {
		if !hasProto {
			field("nw_proto", ir.IPProto)
		}
		add("nw_tos=%d", p.Get(ir.IPDSCP).Lo<<2)
		field("nw_ecn", ir.IPECN)
		field("nw_ttl", ir.IPTTL)
		field("nw_frag", ir.IPFrag)
		parts = append(parts, transportText(p)...)
	}
	return strings.Join(parts, ",")
}

// registers are the fields of reg0 to reg15.
var registers = [...]ir.Field{
	ir.Reg0, ir.Reg1, ir.Reg2, ir.Reg3, ir.Reg4, ir.Reg5, ir.Reg6, ir.Reg7, ir.Reg8, ir.Reg9,
	ir.Flags, ir.DNATZone, ir.SNATZone, ir.CTZone, ir.Inport, ir.Outport,
}

// protocol is the keyword for the kind of packet, and whether it says the
// ethertype and the IP protocol.
func protocol(p *ir.Packet) (keyword string, hasType, hasProto bool) {
	switch p.Get(ir.EthType).Lo {
	case 0x806:
		return "arp", true, true
	case 0x8035:
		return "rarp", true, true
	case 0x800, 0x86dd:
	default:
		return "", false, true
	}
	v6 := ""
	if p.Has(ir.IP6Src) {
		v6 = "6"
	}
	switch {
	case p.Has(ir.ICMP4Type), p.Has(ir.ICMP6Type):
		return "icmp" + v6, true, true
	case p.Has(ir.TCPSrc):
		return "tcp" + v6, true, true
	case p.Has(ir.UDPSrc):
		return "udp" + v6, true, true
	case p.Has(ir.SCTPSrc):
		return "sctp" + v6, true, true
	case v6 != "":
		return "ipv6", true, false
	}
	return "ip", true, false
}

func transportText(p *ir.Packet) []string {
	const later, igmp = 2, 2
	switch {
	case p.Get(ir.IPFrag).Lo&later != 0:
		return nil
	case p.Has(ir.IP4Src) && p.Get(ir.IPProto) == ir.V(igmp):
		return []string{"tp_src=0", "tp_dst=0"}
	}
	var parts []string
	for _, x := range []struct {
		name string
		f    ir.Field
	}{
		{"icmp_type", ir.ICMP4Type}, {"icmp_code", ir.ICMP4Code}, {"icmp_type", ir.ICMP6Type}, {"icmp_code", ir.ICMP6Code},
		{"nd_target", ir.NDTarget}, {"nd_sll", ir.NDSLL}, {"nd_tll", ir.NDTLL},
		{"tp_src", ir.TCPSrc}, {"tp_dst", ir.TCPDst}, {"tp_src", ir.UDPSrc}, {"tp_dst", ir.UDPDst},
		{"tp_src", ir.SCTPSrc}, {"tp_dst", ir.SCTPDst}, {"tcp_flags", ir.TCPFlags},
	} {
		// Open vSwitch shows both link-layer addresses of a neighbour message, whichever it has.
		if p.Has(x.f) || p.Has(ir.NDTarget) && (x.f == ir.NDSLL || x.f == ir.NDTLL) {
			parts = append(parts, x.name+"="+valueText(x.f, p.Get(x.f)))
		}
	}
	return parts
}
