package action

import (
	"strings"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// hashNames are the field names of hash_fields: the names of ovs-fields(7) that a
// Load_Balancer's selection_fields and a static route's may hold, with the aliases
// that Open vSwitch accepts.
var hashNames = map[string]ir.Field{
	"eth_src": ir.EthSrc, "dl_src": ir.EthSrc,
	"eth_dst": ir.EthDst, "dl_dst": ir.EthDst,
	"eth_type": ir.EthType, "dl_type": ir.EthType,
	"vlan_tci": ir.VLANTCI,
	"ip_src":   ir.IP4Src, "nw_src": ir.IP4Src,
	"ip_dst": ir.IP4Dst, "nw_dst": ir.IP4Dst,
	"ipv6_src": ir.IP6Src, "ipv6_dst": ir.IP6Dst, "ipv6_label": ir.IP6Label,
	"ip_proto": ir.IPProto, "nw_proto": ir.IPProto,
	"tcp_src": ir.TCPSrc, "tp_src": ir.TCPSrc,
	"tcp_dst": ir.TCPDst, "tp_dst": ir.TCPDst,
	"udp_src": ir.UDPSrc, "udp_dst": ir.UDPDst,
	"sctp_src": ir.SCTPSrc, "sctp_dst": ir.SCTPDst,
}

// hashFields parses `="field,field"`.
func (p *parser) hashFields() string {
	p.force(expr.Equals)
	if !p.is(expr.String) {
		p.syntax("invalid hash_fields")
		return ""
	}
	names := p.lex.Tok.Text
	for name := range strings.SplitSeq(names, ",") {
		if _, ok := hashNames[strings.TrimSpace(name)]; !ok {
			p.syntax("invalid hash_fields: no field %q; want names of ovs-fields(7) such as ip_src, ipv6_dst or tcp_src", name)
			return ""
		}
	}
	p.lex.Next()
	return names
}

// hashIRFields are the fields to hash. For IPv6 packets the IPv4 addresses stand
// for the IPv6 ones: ovn-northd before 24.03 knows only the names of IPv4, and a
// hash of fields that the packet lacks would send everything to one place.
func hashIRFields(names string, ipv6 bool) []ir.Field {
	if names == "" {
		return nil
	}
	var fields []ir.Field
	for name := range strings.SplitSeq(names, ",") {
		f := hashNames[strings.TrimSpace(name)]
		switch {
		case ipv6 && f == ir.IP4Src:
			f = ir.IP6Src
		case ipv6 && f == ir.IP4Dst:
			f = ir.IP6Dst
		}
		fields = append(fields, f)
	}
	return fields
}
