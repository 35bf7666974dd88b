package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// ctCommitV1 is the older "ct_commit(ct_mark=M[/MASK], ct_label=L[/MASK]);". OVN
// 24.09 stopped reading it.
type ctCommitV1 struct{ mark, label maskedValue }

// maskedValue is absent when its mask is 0.
type maskedValue struct{ value, mask ir.Value }

func parseCTCommitV1(p *parser) node {
	p.prereq("ip")
	p.force(expr.LParen)
	var n ctCommitV1
	for !p.failed() && !p.match(expr.RParen) {
		switch {
		case p.matchID("ct_mark"):
			p.force(expr.Equals)
			n.mark = p.maskedInt("ct_mark", 32)
		case p.matchID("ct_label"):
			p.force(expr.Equals)
			n.label = p.maskedInt("ct_label", 128)
		default:
			p.syntax("expecting ct_mark or ct_label")
		}
		p.match(expr.Comma)
	}
	if n == (ctCommitV1{}) {
		return ctCommit{}
	}
	return n
}

// maskedInt parses an integer of at most width bits with an optional mask.
func (p *parser) maskedInt(name string, width int) maskedValue {
	if !p.is(expr.Integer) && !p.is(expr.Masked) {
		p.syntax("expecting integer")
		return maskedValue{}
	}
	c := p.lex.Tok.Const
	if w := c.Width(); w > width {
		p.errorf("%d-bit constant is not compatible with %d-bit field %s", w, width, name)
	}
	p.lex.Next()
	if !c.Masked {
		c.Mask = ir.Ones(width)
	}
	return maskedValue{c.Value, c.Mask}
}

func (n ctCommitV1) format(b []byte, _ Position) []byte {
	b = append(b, "ct_commit("...)
	if !n.mark.mask.IsZero() {
		b = n.mark.append(append(b, "ct_mark="...), 32)
		if !n.label.mask.IsZero() {
			b = append(b, ", "...)
		}
	}
	if !n.label.mask.IsZero() {
		b = n.label.append(append(b, "ct_label="...), 128)
	}
	return append(b, ");"...)
}

func (v maskedValue) append(b []byte, width int) []byte {
	b = expr.Constant{Value: v.value, Format: expr.Hex}.AppendText(b)
	if v.mask != ir.Ones(width) {
		b = expr.Constant{Value: v.mask, Format: expr.Hex}.AppendText(append(b, '/'))
	}
	return b
}

func (n ctCommitV1) lower(l *lowering) {
	var exec []ir.Op
	exec = appendMaskedSet(exec, ir.All(ir.CTMark), n.mark.value, n.mark.mask)
	exec = appendMaskedSet(exec, ir.All(ir.CTLabel), n.label.value, n.label.mask)
	l.commit(exec)
}
