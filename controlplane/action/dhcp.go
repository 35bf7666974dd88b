package action

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// putOpts is "R = put_dhcp_opts(...);", "R = put_dhcpv6_opts(...);" and
// "R = put_nd_ra_opts(...);": turn a request into its answer; R tells whether it
// was one. The arguments for the controller are made, and so checked, when the
// text is parsed.
type putOpts struct {
	name   string
	opcode ir.Opcode
	dst    field
	opts   []given
	args   []byte
}

func (n putOpts) format(b []byte, _ Position) []byte {
	b = append(append(append(n.dst.append(b), " = "...), n.name...), '(')
	return append(appendOptions(b, n.opts), ");"...)
}

func (n putOpts) lower(l *lowering) {
	l.punt(ir.Punt{Opcode: n.opcode, Args: n.args, Pause: true, Result: n.dst.sub()})
}

func parsePutDHCP(p *parser, dst field) node {
	n := putOpts{name: "put_dhcp_opts", opcode: ir.OpPutDHCPOpts, dst: dst}
	p.check(dst, 1, true)
	p.force(expr.LParen)
	n.opts = p.options(p.dhcpv4, "DHCPv4")
	var a DHCPv4Args
	for _, g := range n.opts {
		if p.failed() {
			return n
		}
		v, err := encodeDHCPv4(g)
		switch {
		case err != nil:
			p.errorf("DHCPv4 option %s: %v", g.Name, err)
		case g.Code == 0 && len(v) == 4: // offerip
			a.OfferIP = addr4(g.values[0].Const.Value)
		case g.Code == 0 || g.Code > 254:
			p.errorf("DHCPv4 option %s: no option has code %d and type %s", g.Name, g.Code, g.Type)
		default:
			a.Options = append(a.Options, DHCPv4Option{uint8(g.Code), v})
		}
	}
	if !a.OfferIP.IsValid() {
		p.errorf("put_dhcp_opts requires offerip to be specified")
	}
	n.args = a.Encode()
	return n
}

func parsePutDHCPv6(p *parser, dst field) node {
	n := putOpts{name: "put_dhcpv6_opts", opcode: ir.OpPutDHCPv6Opts, dst: dst}
	p.check(dst, 1, true)
	p.force(expr.LParen)
	n.opts = p.options(p.dhcpv6, "DHCPv6")
	var a DHCPv6Args
	for _, g := range n.opts {
		if p.failed() {
			return n
		}
		v, err := encodeDHCPv6(g)
		if err != nil {
			p.errorf("DHCPv6 option %s: %v", g.Name, err)
		}
		a.Options = append(a.Options, DHCPv6Option{g.Code, v})
	}
	n.args = a.Encode()
	return n
}

// encodeDHCPv4 is the value of an option as it is on the wire (RFC 2132).
func encodeDHCPv4(g given) (v []byte, err error) {
	switch g.Type {
	case "bool", "uint8":
		v, err = g.uint(1)
	case "uint16":
		v, err = g.uint(2)
	case "uint32":
		v, err = g.uint(4)
	case "ipv4":
		v, err = g.numbers(4)
	case "host_id":
		if g.values[0].Kind == expr.Text {
			var s string
			s, err = g.text()
			v = []byte(s)
		} else {
			v, err = g.uint(4)
		}
	case "static_routes":
		v, err = encodeRoutes(g)
	case "str":
		var s string
		s, err = g.text()
		v = []byte(s)
	case "domains":
		var s string
		if s, err = g.text(); err == nil {
			v, err = encodeDomains(s)
		}
	default:
		err = fmt.Errorf("unknown type %q in table DHCP_Options", g.Type)
	}
	if err == nil && len(v) > 255 {
		err = fmt.Errorf("%d bytes, at most 255 fit", len(v))
	}
	return v, err
}

// encodeRoutes encodes pairs of destination and gateway (RFC 3442). A destination
// without its gateway at the end is left out, as OVN does.
func encodeRoutes(g given) (b []byte, err error) {
	if _, err := g.numbers(4); err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(g.values); i += 2 {
		dst, gw := g.values[i].Const, g.values[i+1].Const
		n, err := prefixLen(dst, 32)
		if err != nil {
			return nil, err
		}
		b = append(b, byte(n))
		b = append(b, dst.Value.AppendBytes(nil, 4)[:(n+7)/8]...)
		b = gw.Value.AppendBytes(b, 4)
	}
	return b, nil
}

// encodeDHCPv6 is the value of an option; see DHCPv6Args.
func encodeDHCPv6(g given) (v []byte, err error) {
	var s string
	switch g.Type {
	case "ipv6":
		v, err = g.numbers(16)
	case "mac":
		v, err = g.uint(6)
	case "str":
		s, err = g.text()
		v = []byte(s)
	case "domain":
		if s, err = g.text(); err == nil {
			v, err = appendName(nil, s)
		}
	default:
		err = fmt.Errorf("unknown type %q in table DHCPv6_Options", g.Type)
	}
	if err == nil && len(v) > 65535 {
		err = fmt.Errorf("%d bytes, at most 65535 fit", len(v))
	}
	return v, err
}
