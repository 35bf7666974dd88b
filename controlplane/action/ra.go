package action

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Codes of router advertisement options: those of Neighbor Discovery (RFC 4861,
// 4191, 8106), and two for fields of the header.
const (
	raSourceLinkAddr = 1
	raPrefix         = 3
	raMTU            = 5
	raRouteInfo      = 24
	raRDNSS          = 25
	raDNSSL          = 31
	raAddrMode       = 254
	raPreference     = 255
)

func raOptions() OptionTable {
	t := make(OptionTable)
	for _, o := range []Option{
		{"addr_mode", raAddrMode, "str"},
		{"router_preference", raPreference, "str"},
		{"slla", raSourceLinkAddr, "mac"},
		{"prefix", raPrefix, "ipv6"},
		{"mtu", raMTU, "uint32"},
		{"rdnss", raRDNSS, "ipv6"},
		{"dnssl", raDNSSL, "str"},
		{"route_info", raRouteInfo, "str"},
	} {
		t[o.Name] = o
	}
	return t
}

func parsePutNDRA(p *parser, dst field) node {
	n := putOpts{name: "put_nd_ra_opts", opcode: ir.OpPutNDRAOpts, dst: dst}
	p.check(dst, 1, true)
	p.force(expr.LParen)
	n.opts = p.options(p.ra, "IPv6 ND RA")
	if p.failed() {
		return n
	}
	var r routerAdvert
	for _, g := range n.opts {
		if g.Code == raAddrMode {
			r.mode(g)
		}
	}
	seen := make(map[uint16]bool)
	for _, g := range n.opts {
		seen[g.Code] = true
		if !r.add(g) {
			p.errorf(`invalid value for "%s" option`, g.Name)
			return n
		}
	}
	switch {
	case !seen[raSourceLinkAddr]:
		p.errorf("slla option not present")
	case r.flags&raManaged == 0 && !seen[raPrefix]:
		p.errorf("prefix option needs to be set when address mode is slaac/dhcpv6_stateless")
	}
	p.prereq("ip6")
	n.args = r.encode()
	return n
}

// Flags of the advertisement's header (RFC 4861, 4.2; RFC 4191, 2.2).
const (
	raManaged  = 0x80
	raOther    = 0x40
	raPrefHigh = 0x08
	raPrefLow  = 0x18
)

const forever = 0xffffffff // lifetime

// routerAdvert is a router advertisement being made.
type routerAdvert struct {
	flags byte
	opts  []byte
}

// encode is the ICMPv6 message: hop limit 255, lifetime 65535 s, and no say about
// reachable time and retransmission.
func (r *routerAdvert) encode() []byte {
	return append([]byte{134, 0, 0, 0, 255, r.flags, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}, r.opts...)
}

func (r *routerAdvert) mode(g given) bool {
	s, err := g.text()
	switch {
	case err != nil:
		return false
	case s == "dhcpv6_stateful":
		r.flags |= raManaged
	case s == "dhcpv6_stateless":
		r.flags |= raOther
	default:
		return s == "slaac"
	}
	return true
}

// add adds an option; false means that its value makes no sense.
func (r *routerAdvert) add(g given) bool {
	if len(g.values) != 1 {
		return false
	}
	v := g.values[0]
	be32 := binary.BigEndian.AppendUint32
	switch g.Code {
	case raAddrMode:
		return r.mode(g)
	case raPreference:
		flags, ok := preference(v.Text)
		r.flags |= flags
		return ok
	case raSourceLinkAddr:
		r.opts = v.Const.Value.AppendBytes(append(r.opts, raSourceLinkAddr, 1), 6)
		return g.isSingle(expr.Ethernet)
	case raPrefix:
		n, err := prefixLen(v.Const, 128)
		if err != nil || !g.isSingle(expr.IPv6) || !v.Const.Masked {
			return false
		}
		const onLink, autonomous = 0x80, 0x40
		flags := byte(onLink)
		if r.flags&raManaged == 0 {
			flags |= autonomous
		}
		r.opts = append(r.opts, raPrefix, 4, byte(n), flags)
		r.opts = be32(be32(be32(r.opts, forever), forever), 0)
		r.opts = v.Const.Value.AppendBytes(r.opts, 16)
	case raMTU:
		if !g.isSingle(expr.Decimal) || v.Const.Value.Len() > 32 {
			return false
		}
		r.opts = be32(append(r.opts, raMTU, 1, 0, 0), uint32(v.Const.Value.Lo))
	case raRDNSS:
		r.opts = be32(append(r.opts, raRDNSS, 3, 0, 0), forever)
		r.opts = v.Const.Value.AppendBytes(r.opts, 16)
		return g.isSingle(expr.IPv6)
	case raDNSSL:
		return r.addSearchList(v.Text)
	case raRouteInfo:
		return r.addRoutes(v.Text)
	}
	return true
}

func preference(s string) (flags byte, ok bool) {
	switch s {
	case "HIGH":
		return raPrefHigh, true
	case "LOW":
		return raPrefLow, true
	}
	return 0, s == "MEDIUM"
}

// addSearchList adds the DNS search list (RFC 8106, 5.2) of names separated by commas.
func (r *routerAdvert) addSearchList(list string) bool {
	var names []byte
	for name := range strings.SplitSeq(list, ",") {
		var err error
		if names, err = appendName(names, strings.TrimSpace(name)); err != nil {
			return false
		}
	}
	units := (8 + len(names) + 7) / 8
	if units > 255 {
		return false
	}
	r.opts = binary.BigEndian.AppendUint32(append(r.opts, raDNSSL, byte(units), 0, 0), forever)
	r.opts = append(r.opts, names...)
	r.opts = append(r.opts, make([]byte, 8*units-8-len(names))...)
	return true
}

// addRoutes adds route information (RFC 4191, 2.3), written as
// "PREFERENCE-PREFIX,PREFERENCE-PREFIX" with preference HIGH, MEDIUM or LOW.
func (r *routerAdvert) addRoutes(list string) bool {
	for item := range strings.SplitSeq(list, ",") {
		flags, prefix, err := routeInfo(strings.TrimSpace(item))
		if err != nil {
			return false
		}
		units := (prefix.Bits() + 63) / 64
		r.opts = append(r.opts, raRouteInfo, byte(1+units), byte(prefix.Bits()), flags)
		r.opts = binary.BigEndian.AppendUint32(r.opts, forever)
		r.opts = append(r.opts, prefix.Addr().AsSlice()[:8*units]...)
	}
	return true
}

func routeInfo(item string) (flags byte, prefix netip.Prefix, err error) {
	pref, text, ok := strings.Cut(item, "-")
	if !ok {
		return 0, prefix, fmt.Errorf("no preference")
	}
	flags, _ = preference(pref) // anything else is MEDIUM for OVN
	if !strings.Contains(text, "/") {
		text += "/128"
	}
	prefix, err = netip.ParsePrefix(text)
	if err == nil && !prefix.Addr().Is6() {
		err = fmt.Errorf("%s is not IPv6", prefix)
	}
	return flags, prefix.Masked(), err
}
