package trace

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// binding is the key in the MAC bindings that the first two arguments of s name.
func (t *tracer) binding(args []expr.FieldRef, p *ir.Packet) bindingKey {
	var ip netip.Addr
	if sub := args[1].Sub(); sub.N == 32 {
		ip = ip4Of(p.GetSub(sub))
	} else {
		ip = ip6Of(p.GetSub(sub))
	}
	return bindingKey{uint32(p.GetSub(args[0].Sub()).Lo), ip}
}

func (t *tracer) getMAC(s statement, f *frame, node *Node) {
	args := t.fields(s)
	if len(args) != 2 {
		return
	}
	m, known := f.dp.macs[t.binding(args, f.p)]
	if known {
		node.add(Action, "/* MAC binding to %s. */", m)
	} else {
		node.add(Action, "/* No MAC binding. */")
	}
	f.p.Put(ir.EthDst, macValue(m))
	node.add(Modify, "eth.dst = %s", m)
}

func (t *tracer) lookupMAC(s statement, f *frame, node *Node) {
	args := t.fields(s)
	if len(args) != 3 {
		return
	}
	m, known := f.dp.macs[t.binding(args, f.p)]
	known = known && m == macOf(f.p.GetSub(args[2].Sub()))
	if known {
		node.add(Action, "/* MAC binding to %s found. */", macOf(f.p.Get(ir.EthDst)))
	} else {
		node.add(Action, "/* lookup failed - No MAC binding. */")
	}
	result(s, f.p, known)
}

func (t *tracer) lookupIP(s statement, f *frame, node *Node) {
	args := t.fields(s)
	if len(args) != 2 {
		return
	}
	_, known := f.dp.macs[t.binding(args, f.p)]
	if known {
		node.add(Action, "/* MAC binding found. */")
	} else {
		node.add(Action, "/* lookup failed - No MAC binding. */")
	}
	result(s, f.p, known)
}

func (t *tracer) getFDB(s statement, f *frame) {
	for _, ref := range t.fields(s) {
		f.p.Set(s.dst.Sub(), ir.V(uint64(f.dp.fdb[macOf(f.p.GetSub(ref.Sub()))])))
	}
}

func (t *tracer) lookupFDB(s statement, f *frame, node *Node) {
	args := t.fields(s)
	if len(args) != 2 {
		return
	}
	key, known := f.dp.fdb[macOf(f.p.GetSub(args[1].Sub()))]
	known = known && ir.V(uint64(key)) == f.p.GetSub(args[0].Sub())
	if known {
		node.add(Action, "/* MAC lookup for %s found in FDB. */", macOf(f.p.Get(ir.EthDst)))
	} else {
		node.add(Action, "/* lookup mac failed in mac learning table. */")
	}
	result(s, f.p, known)
}
