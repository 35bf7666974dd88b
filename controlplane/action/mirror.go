package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// mirror is `mirror("P");`: a copy of the packet to the logical port P.
type mirror struct{ port string }

func parseMirror(p *parser) node {
	p.force(expr.LParen)
	n := mirror{p.quoted("expecting port name string")}
	p.force(expr.RParen)
	return n
}

func (n mirror) format(b []byte, _ Position) []byte {
	return append(expr.AppendQuoted(append(b, "mirror("...), n.port), ");"...)
}

// lower does nothing when there is no such port. The copy came from no port, so
// that it can also go to the port that the packet came from.
func (n mirror) lower(l *lowering) {
	key, ok := l.port(n.port)
	if !ok {
		return
	}
	l.emit(ir.Clone{Ops: []ir.Op{
		ir.Set{Dst: ir.Bits(ir.InPort, 0, 16), Value: ir.V(0xffff)}, // 0 would not do: Open vSwitch drops such packets later
		ir.Set{Dst: ir.All(ir.Outport), Value: ir.V(uint64(key))},
		ir.Call{Stage: ir.RemoteOutput},
	}})
}
