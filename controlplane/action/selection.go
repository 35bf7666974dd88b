package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// selection is "FIELD = select(ID[=WEIGHT], ...);" and
// `FIELD = select(values=(ID[=WEIGHT], ...); hash_fields="...");`: one of the
// numbers, chosen by hash, into FIELD, then the next table.
type selection struct {
	dst    field
	values []weighted
	hash   string
}

type weighted struct{ id, weight uint16 }

const defaultWeight = 100

func parseSelect(p *parser, dst field) node {
	p.check(dst, dst.bits(), true)
	if dst.bits() < 16 {
		p.errorf(`cannot use %d-bit field %s for "select", which requires at least 16 bits`, dst.bits(), dst.ranged())
	}
	n := selection{dst: dst}
	p.force(expr.LParen)
	named := p.matchID("values")
	if named {
		p.force(expr.Equals)
		p.force(expr.LParen)
	}
	for !p.failed() && !p.match(expr.RParen) {
		w := weighted{p.uint16("id"), defaultWeight}
		if p.match(expr.Equals) {
			if w.weight = p.uint16("weight"); w.weight == 0 {
				p.syntax("weight can't be 0")
			}
		}
		p.match(expr.Comma)
		n.values = append(n.values, w)
	}
	if len(n.values) <= 1 {
		p.syntax("expecting at least 2 group members")
	}
	if named {
		p.force(expr.Semicolon)
		if !p.matchID("hash_fields") {
			p.syntax("expecting hash_fields")
		}
		n.hash = p.hashFields()
		p.force(expr.RParen)
	}
	return n
}

func (n selection) format(b []byte, _ Position) []byte {
	b = append(n.dst.append(b), " = select("...)
	if n.hash != "" {
		b = append(b, "values=("...)
	}
	for i, w := range n.values {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendUint(append(appendUint(b, uint64(w.id)), '='), uint64(w.weight))
	}
	b = append(b, ')')
	if n.hash != "" {
		b = append(expr.AppendQuoted(append(b, "; hash_fields="...), n.hash), ')')
	}
	return append(b, ';')
}

func (n selection) lower(l *lowering) {
	next, dst := l.next("select"), n.dst.sub()
	sel := ir.Select{Fields: hashIRFields(n.hash, false)}
	for _, w := range n.values {
		sel.Buckets = append(sel.Buckets, ir.Bucket{Weight: w.weight, Ops: []ir.Op{
			ir.Set{Dst: dst, Value: ir.V(uint64(w.id))},
			ir.Call{Stage: next},
		}})
	}
	l.emit(sel)
}
