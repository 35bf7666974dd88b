package trace

import (
	"strings"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// inRegister tells whether f is part of the pipeline's state and not of the packet.
func inRegister(f ir.Field) bool { return f >= ir.Reg0 && f <= ir.XXReg1 }

func (t *tracer) load(s statement, f *frame, node *Node) {
	text := strings.TrimSuffix(s.text, ";")
	if s.dst.Symbol == nil || s.dst.Symbol.OVNField != expr.NoOVNField {
		node.add(Modify, "%s", text)
		return
	}
	for _, op := range t.lower(s, f.dp, f.at) {
		set, ok := op.(ir.Set)
		if !ok {
			continue
		}
		if !inRegister(set.Dst.Field) {
			node.add(Modify, "%s", text)
		}
		f.p.Set(set.Dst, set.Value)
	}
}

// assigned writes "dst = value", the value as that of src.
func assigned(dst expr.FieldRef, src ir.Sub, v ir.Value) string {
	if src.Whole() {
		return dst.String() + " = " + valueText(src.Field, v)
	}
	return dst.String() + " = " + subText(v)
}

func (t *tracer) copy(dst, src expr.FieldRef, p *ir.Packet, node *Node) {
	v := p.GetSub(src.Sub())
	if !inRegister(dst.Sub().Field) {
		node.add(Modify, "%s", assigned(dst, src.Sub(), v))
	}
	p.Set(dst.Sub(), v)
}

func (t *tracer) exchange(s statement, p *ir.Packet, node *Node) {
	a, b := p.GetSub(s.dst.Sub()), p.GetSub(s.src.Sub())
	if !inRegister(s.dst.Sub().Field) {
		node.add(Modify, "%s", assigned(s.dst, s.src.Sub(), b))
	}
	if !inRegister(s.src.Sub().Field) {
		node.add(Modify, "%s", assigned(s.src, s.dst.Sub(), a))
	}
	p.Set(s.dst.Sub(), b)
	p.Set(s.src.Sub(), a)
}

func (t *tracer) push(s statement, f *frame, node *Node) {
	for _, ref := range t.fields(s) {
		v := f.p.GetSub(ref.Sub())
		node.add(Modify, "push(%s) -> %s", ref, subText(v))
		f.stack = append(f.stack, v)
	}
}

func (t *tracer) pop(s statement, f *frame, node *Node) {
	for _, ref := range t.fields(s) {
		n := len(f.stack)
		if n == 0 {
			node.add(Modify, "pop(%s) <- /* empty stack */", ref)
			continue
		}
		v := f.stack[n-1]
		f.stack = f.stack[:n-1]
		node.add(Modify, "pop(%s) <- %s", ref, subText(v))
		f.p.Set(ref.Sub(), v)
	}
}

func (t *tracer) decTTL(f *frame, node *Node) {
	ttl := f.p.Get(ir.IPTTL)
	switch {
	case !f.p.IsIP():
		node.add(Error, "*** TTL decrement of non-IP packet")
	case ttl.IsZero():
		node.add(Error, "*** TTL underflow")
	default:
		f.p.Put(ir.IPTTL, ttl.Sub(ir.V(1)))
		node.add(Modify, "ip.ttl--")
	}
}

// result writes the one-bit result of an action.
func result(s statement, p *ir.Packet, yes bool) {
	var v ir.Value
	if yes {
		v = ir.V(1)
	}
	p.Set(s.dst.Sub(), v)
}
