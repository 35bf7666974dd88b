package trace

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

func (t *tracer) next(s statement, f *frame, node *Node) {
	for _, op := range t.lower(s, f.dp, f.at) {
		c, ok := op.(ir.Call)
		if !ok {
			continue
		}
		ingress, table, ok := c.Stage.Logical()
		if !ok {
			continue
		}
		if ingress != f.at.Ingress {
			text := "egress(dp=\"%s\", outport=\"%s\")"
			port := ir.Outport
			if ingress {
				text, port = "ingress(dp=\"%s\", inport=\"%s\")", ir.Inport
			}
			node = node.add(Pipeline, text, t.dpName(f.dp), t.portName(f.dp, f.p, port))
		}
		t.visit(f.dp, f.p, tableKey{ingress, table}, node)
	}
}

// output sends p to its outport: from ingress to the egress pipeline, from egress out.
func (t *tracer) output(d *datapath, p *ir.Packet, ingress bool, node *Node) {
	key := uint32(p.Get(ir.Outport).Lo)
	if key == 0 {
		node.add(Error, "*** output to null logical port")
		return
	}
	out, g := d.ports[key], d.groups[key]
	if out == nil && g == nil {
		node.add(Error, "*** unknown port or multicast group %d", key)
	}
	switch {
	case !ingress:
		t.deliver(d, p, out, g, node)
	case g != nil:
		t.multicast(d, p, g, node)
	default:
		t.toEgress(d, p, out, node)
	}
}

// deliver is the end of an egress pipeline: the port, or the peer's pipeline.
func (t *tracer) deliver(d *datapath, p *ir.Packet, out *port, g *group, node *Node) {
	name, typ, lport := "(unnamed)", "", ""
	switch {
	case out != nil:
		name, typ, lport = out.shown(!t.UUIDNames), out.row.Type, out.row.LogicalPort
	case g != nil:
		name = g.name
	}
	node.add(Output, "/* output to \"%s\", type \"%s\" */", name, typ)
	if out == nil || out.peer == nil {
		node.add(Modify, "output(\"%s\")", name)
		t.result.Outputs = append(t.result.Outputs, Delivery{lport, p.Copy()})
		return
	}
	peer := out.peer
	sub := node.add(Pipeline, "ingress(dp=\"%s\", inport=\"%s\")", t.dpName(peer.dp), peer.shown(!t.UUIDNames))
	q := p.Copy()
	q.Put(ir.Inport, ir.V(uint64(peer.key)))
	q.Put(ir.Outport, ir.Value{})
	q.Put(ir.Flags, ir.Value{})
	t.visit(peer.dp, q, tableKey{true, 0}, sub)
}

const omitted = "/* omitting output because inport == outport && !flags.loopback */"

func (t *tracer) multicast(d *datapath, p *ir.Packet, g *group, node *Node) {
	all := node.add(Pipeline, "multicast(dp=\"%s\", mcgroup=\"%s\")", t.dpName(d), g.name)
	for _, out := range g.ports {
		sub := all.add(Pipeline, "%s", t.egressTitle(d, p, out.shown(!t.UUIDNames)))
		if uint64(out.key) == p.Get(ir.Inport).Lo && !loopback(p) {
			sub.add(Output, "%s", omitted)
			continue
		}
		sub.indent = true
		t.visit(d, toPort(p, out.key), tableKey{false, 0}, sub)
	}
}

func (t *tracer) toEgress(d *datapath, p *ir.Packet, out *port, node *Node) {
	name, key := "(unnamed)", uint32(p.Get(ir.Outport).Lo)
	if out != nil {
		name = out.shown(!t.UUIDNames)
	}
	if out != nil && out.row.Type == "chassisredirect" {
		if out.distributed == nil {
			node.add(Error, "*** output to type \"%s\" port \"%s\" with no or invalid distributed port", out.row.Type, name)
			return
		}
		to := out.distributed.shown(!t.UUIDNames)
		node.add(Output, "/* Replacing type \"%s\" outport \"%s\" with distributed port \"%s\". */", out.row.Type, name, to)
		out, name, key = out.distributed, to, out.distributed.key
	}
	if !loopback(p) && (out == nil || uint64(key) == p.Get(ir.Inport).Lo) {
		node.add(Output, "%s", omitted)
		return
	}
	sub := node.add(Pipeline, "%s", t.egressTitle(d, p, name))
	t.visit(d, toPort(p, key), tableKey{false, 0}, sub)
}

func (t *tracer) egressTitle(d *datapath, p *ir.Packet, out string) string {
	return fmt.Sprintf("egress(dp=\"%s\", inport=\"%s\", outport=\"%s\")", t.dpName(d), t.portName(d, p, ir.Inport), out)
}

func loopback(p *ir.Packet) bool {
	return !p.GetSub(ir.Bits(ir.Flags, ir.FlagAllowLoopback, 1)).IsZero()
}

// toPort is p as it begins the egress pipeline: reg0 to reg9 are lost on the way, which
// may lead to another chassis.
func toPort(p *ir.Packet, key uint32) *ir.Packet {
	q := p.Copy()
	for f := ir.Reg0; f <= ir.Reg9; f++ {
		q.Put(f, ir.Value{})
	}
	q.Put(ir.Outport, ir.V(uint64(key)))
	return q
}

// mirror sends a copy to the egress pipeline of a port that listens.
func (t *tracer) mirror(s statement, f *frame, node *Node) {
	target := t.ports[expr.NewLexer(s.args).Tok.Text]
	if target == nil || target.dp != f.dp {
		node.add(Error, "/* omitting output because no target port found. */")
		return
	}
	q := f.p.Copy()
	q.Put(ir.Inport, ir.Value{})
	q.Put(ir.Outport, ir.V(uint64(target.key)))
	t.visit(f.dp, q, tableKey{false, 0}, node.add(Transformation, "clone"))
}
