package admin

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// walk follows one packet through the paths of the flattened pipeline.
type walk struct {
	flat  *flatten.Flattener
	found []flatten.PathID
	at    []flatten.SegmentID // of found
	track told
}

// Of what nobody knows in advance a walk ends.
var (
	errHash    = errors.New("the hash of the target decides here")
	errNothing = errors.New("no path matches: there are no rules for packets of this port")
)

// follow notes the paths that p, a packet that comes in by a port, meets if all of
// them are offloaded. It ends where a path cannot be.
func (w *walk) follow(port uint32, p *ir.Packet) error {
	p = p.Copy()
	p.Put(ir.InPort, ir.V(uint64(port)))
	for id := flatten.IngressID(port); ; {
		path, err := w.meet(id, p)
		if err != nil {
			return err
		}
		w.found, w.at = append(w.found, path.ID), append(w.at, id)
		if path.Trap() || path.Jump == nil {
			return nil
		}
		if len(w.found) > maxSegments {
			return errors.New("the packet goes round in circles")
		}
		if p, err = w.jump(path.Jump, p); err != nil {
			return err
		}
		id = path.Jump.To
	}
}

// maxSegments is more than the flattener lets one packet go through.
const maxSegments = 100

// meet is the first path of a segment that p matches.
func (w *walk) meet(id flatten.SegmentID, p *ir.Packet) (*flatten.Path, error) {
	s := w.flat.Segment(id)
	if s == nil {
		return nil, errNothing
	}
next:
	for _, path := range s.Paths {
		if !p.Matches(path.Match) {
			continue
		}
		for _, c := range path.If {
			holds, err := w.holds(c, p)
			if err != nil {
				return nil, err
			}
			if holds == c.Not {
				continue next
			}
		}
		return path, nil
	}
	return nil, errNothing
}

// holds tells whether what c is about is so; Not is not looked at.
func (w *walk) holds(c flatten.Condition, p *ir.Packet) (bool, error) {
	flag := ir.Bits(ir.Reg0, 0, 1)
	switch c.Kind {
	case flatten.Longer:
		q, err := w.behind([]ir.Op{ir.CheckLarger{Dst: flag, Len: c.N}}, p)
		return err == nil && !q.GetSub(flag).IsZero(), err
	case flatten.MoreTags:
		q, err := w.behind(slices.Repeat([]ir.Op{ir.PopVLAN{}}, int(c.N)), p)
		return err == nil && !q.GetSub(ir.Bits(ir.VLANTCI, 12, 1)).IsZero(), err
	}
	return false, errHash
}

// jump is p where a jump ends.
func (w *walk) jump(j *flatten.Jump, p *ir.Packet) (*ir.Packet, error) {
	ops := j.Rewrite.Ops()
	if j.CT != nil {
		ct := *j.CT
		ct.Next = caught
		return w.run(append(ops, ct), p)
	}
	return w.behind(ops, p)
}

// caught is where a packet is looked at.
const caught = ir.Output

// behind is p after some operations.
func (w *walk) behind(ops []ir.Op, p *ir.Packet) (*ir.Packet, error) {
	return w.run(append(slices.Clip(ops), ir.Call{Stage: caught}), p)
}

// run is p where it is caught.
func (w *walk) run(ops []ir.Op, p *ir.Packet) (*ir.Packet, error) {
	rule := func(s ir.Stage, ops ...ir.Op) ir.Rule {
		return ir.NewRule(s, 0, 0, ir.Match{}, nil, ir.NewProgram(ops...), ir.Owner{})
	}
	pl := ir.NewPipeline(rule(ir.PhyToLog, ops...), rule(caught, ir.Punt{Opcode: ir.OpLog}))
	r, err := pl.Evaluate(p, ir.PhyToLog, ir.Options{CT: &w.track})
	switch {
	case err != nil:
		return nil, fmt.Errorf("the operations of the path: %w", err)
	case len(r.Punts) == 0:
		return nil, errors.New("the operations of the path drop the packet")
	}
	return r.Punts[0].Packet, nil
}

// told is connection tracking of which somebody says what it finds.
type told struct{ states []uint64 }

// Track implements ir.Tracker: the next state that was told, then "est" as for "sluice
// trace". A translation is done when the pipeline says to what.
func (t *told) Track(p *ir.Packet, _ uint16, op ir.CT) {
	state := uint64(ir.CTTrk | ir.CTEst)
	if len(t.states) > 0 {
		state, t.states = t.states[0]|ir.CTTrk, t.states[1:]
	}
	for f := ir.CTState; f <= ir.CTTPDst; f++ {
		p.Put(f, ir.Value{})
	}
	trace.Tracked(p, p.Copy(), state)
	if op.Commit {
		for _, x := range op.Exec {
			switch o := x.(type) {
			case ir.Set:
				p.Set(o.Dst, o.Value)
			case ir.Copy:
				p.Set(o.Dst, p.GetSub(o.Src))
			}
		}
	}
	if n := op.NAT; n != nil && n.AddrMin.IsValid() {
		translate(p, n)
	}
}

// translate changes the address, and the port if one is given.
func translate(p *ir.Packet, n *ir.NAT) {
	fields := []ir.Field{ir.IP4Dst, ir.IP6Dst, ir.TCPDst, ir.UDPDst, ir.SCTPDst}
	bit := uint64(ir.CTDNAT)
	if n.SNAT {
		fields, bit = []ir.Field{ir.IP4Src, ir.IP6Src, ir.TCPSrc, ir.UDPSrc, ir.SCTPSrc}, ir.CTSNAT
	}
	var addr ir.Value
	for _, b := range n.AddrMin.AsSlice() {
		addr = addr.Shl(8).Or(ir.V(uint64(b)))
	}
	p.Set(ir.All(fields[0]), addr)
	p.Set(ir.All(fields[1]), addr)
	if n.PortMin != 0 {
		for _, f := range fields[2:] {
			p.Set(ir.All(f), ir.V(uint64(n.PortMin)))
		}
	}
	p.Put(ir.CTState, p.Get(ir.CTState).Or(ir.V(bit)))
}
