package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// fwdGroup is `fwd_group(liveness="true", childports="p1", "p2");`: output to one
// of the ports, chosen by hash, with liveness only to one that can be reached.
type fwdGroup struct {
	liveness bool
	children []string
}

func parseFwdGroup(p *parser) node {
	var n fwdGroup
	p.force(expr.LParen)
	if p.matchID("liveness") {
		p.force(expr.Equals)
		n.liveness = p.boolean()
		p.force(expr.Comma)
	}
	if !p.matchID("childports") {
		p.syntax("expecting childports")
	}
	p.force(expr.Equals)
	for !p.failed() && !p.match(expr.RParen) {
		n.children = append(n.children, p.quoted("expecting logical switch port"))
		p.match(expr.Comma)
	}
	return n
}

func (n fwdGroup) format(b []byte, _ Position) []byte {
	b = append(b, "fwd_group("...)
	if n.liveness {
		b = append(b, `liveness="true", `...)
	}
	b = append(b, "childports="...)
	for i, c := range n.children {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = expr.AppendQuoted(b, c)
	}
	return append(b, ");"...)
}

// lower leaves out children that do not exist: the others can still be served.
func (n fwdGroup) lower(l *lowering) {
	var sel ir.Select
	for _, c := range n.children {
		key, ok := l.port(c)
		if !ok {
			continue
		}
		k := ir.Bucket{Weight: 100, Ops: []ir.Op{
			ir.Set{Dst: ir.All(ir.Outport), Value: ir.V(uint64(key))},
			ir.Call{Stage: l.output()},
		}}
		if n.liveness {
			// A child without such a port is on this chassis: nothing can fail.
			k.Watch = l.watch(c)
		}
		sel.Buckets = append(sel.Buckets, k)
	}
	if len(sel.Buckets) > 0 {
		l.emit(sel)
	}
}

func (l *lowering) watch(port string) uint32 {
	l.deps.Watch = append(l.deps.Watch, port)
	if l.env.WatchPort == nil {
		return 0
	}
	ofport, ok := l.env.WatchPort(port)
	if !ok {
		return 0
	}
	return ofport
}
