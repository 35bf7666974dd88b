package action

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// OptionTable are DHCP options by name.
type OptionTable map[string]Option

// Option is a row of the Southbound table DHCP_Options or DHCPv6_Options, or an
// option of router advertisements.
type Option struct {
	Name string
	Code uint16
	// Type is, for DHCPv4: bool, uint8, uint16, uint32, ipv4, static_routes, str,
	// host_id or domains; for DHCPv6: ipv6, mac, str or domain (ovn-sb(5)).
	Type string
}

// wantsText tells whether values of the type are strings; host_id takes both.
func (o Option) wantsText(isStr bool) bool {
	switch o.Type {
	case "str", "domain", "domains":
		return true
	case "host_id":
		return isStr
	}
	return false
}

// given is an option with its value, a constant or several in braces.
type given struct {
	Option
	values []expr.Operand
	curly  bool
}

// options parses "name = value, ...)"; protocol is for the texts of errors.
func (p *parser) options(table OptionTable, protocol string) (all []given) {
	for !p.failed() && !p.match(expr.RParen) {
		all = append(all, p.option(table, protocol))
		p.match(expr.Comma)
	}
	return all
}

func (p *parser) option(table OptionTable, protocol string) (g given) {
	if !p.is(expr.ID) {
		p.syntax("expecting %s option name", protocol)
		return g
	}
	var ok bool
	if g.Option, ok = table[p.lex.Tok.Text]; !ok {
		p.syntax("expecting %s option name", protocol)
		return g
	}
	p.lex.Next()
	p.force(expr.Equals)
	g.values, g.curly, ok = expr.ParseConstants(&p.lex)
	if !ok {
		return g
	}
	switch isStr := g.values[0].Kind == expr.Text; {
	case isStr == g.wantsText(isStr):
	case isStr:
		p.errorf("%s option %s requires numeric value", protocol, g.Name)
	default:
		p.errorf("%s option %s requires string value", protocol, g.Name)
	}
	return g
}

func appendOptions(b []byte, all []given) []byte {
	for i, g := range all {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(append(b, g.Name...), " = "...)
		b = expr.AppendConstants(b, g.values, g.curly)
	}
	return b
}

// text is the value of an option that has one string.
func (g given) text() (string, error) {
	if len(g.values) != 1 || g.values[0].Kind != expr.Text {
		return "", fmt.Errorf("want one string")
	}
	return g.values[0].Text, nil
}

// uint is the value, in n bytes, of an option that has one number.
func (g given) uint(n int) ([]byte, error) {
	if len(g.values) != 1 {
		return nil, fmt.Errorf("want one number")
	}
	return g.numbers(n)
}

// numbers are the values, in n bytes each.
func (g given) numbers(n int) (b []byte, err error) {
	for _, v := range g.values {
		if v.Kind != expr.Const || v.Const.Value.Len() > 8*n {
			return nil, fmt.Errorf("%s does not fit into %d bytes", v.AppendText(nil), n)
		}
		b = v.Const.Value.AppendBytes(b, n)
	}
	return b, nil
}

// isSingle tells whether there is one number of the format.
func (g given) isSingle(f expr.Format) bool {
	return len(g.values) == 1 && g.values[0].Kind == expr.Const && g.values[0].Const.Format == f
}

// prefixLen is the number of leading ones of a mask of so many bits.
func prefixLen(c expr.Constant, bits int) (int, error) {
	if !c.Masked {
		return bits, nil
	}
	n := c.Mask.OnesCount()
	if c.Mask != ir.Ones(n).Shl(bits-n) {
		return 0, fmt.Errorf("%s is no prefix", c)
	}
	return n, nil
}
