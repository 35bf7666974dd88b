package action

import "github.com/sluice-gw/sluice/controlplane/ir"

// nest is an action "NAME { ... };" that has the controller make another packet
// from this one and run the inner actions on it.
type nest struct {
	*nestKind
	inner list
}

type nestKind struct {
	name   string
	opcode ir.Opcode
	// prereq replaces the prerequisites of the inner actions: these run on the new
	// packet. "" when the new packet is of the same kind (reject).
	prereq string
	icmp   bool // has icmp4.frag_mtu and the like inside
	// resolves: the packet waits for the answer to the one that is made, and goes
	// on behind the action then.
	resolves bool
}

func (k nestKind) parse(p *parser) node { return nest{&k, p.block(p.scope, k.prereq)} }

func (n nest) format(b []byte, at Position) []byte { return formatBlock(b, n.name, n.inner, at) }

func (n nest) lower(l *lowering) {
	last := l.rest == 0
	outer := l.icmp
	l.icmp = nil
	var args ICMPArgs
	if n.icmp {
		l.icmp = &args
	}
	inner := l.nested(n.inner)
	l.icmp = outer
	l.punt(ir.Punt{Opcode: n.opcode, Args: args.Encode(), Inner: inner, Pause: n.resolves})
	if n.resolves && last {
		// ovn-northd before 24.09 (and before its backports) leaves the output of
		// the waiting packet to the controller; newer ones write it out.
		l.emit(ir.Call{Stage: l.output()})
	}
}
