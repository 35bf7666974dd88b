package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// A packet that is copied to several ports has a path for each combination of what
// can become of the copies: with as little as two ways for each of 30 ports these
// are too many to ever write down. So there are few, or the packet is trapped where
// it is copied.

// isFlood tells whether operations send copies of the packet several ways.
func isFlood(ops []ir.Op) bool {
	ways := 0
	for _, op := range ops {
		switch o := op.(type) {
		case ir.Call:
			if !isSide(o.Stage) {
				ways++
			}
		case ir.Clone:
			if hasEffect(o.Ops) {
				ways++
			}
		case ir.CT:
			if o.Next != ir.NoStage {
				ways++
			}
		case ir.ToPort, ir.FirstUp, ir.Select:
			ways++
		}
	}
	return ways > 1
}

// isSide tells whether s is a side table: one that answers a question and comes back.
func isSide(s ir.Stage) bool { return s >= ir.MACBinding && s < ir.FloodRemote }

// flood follows st, which is about to be copied, to all its ends, if there are few.
func (e *evaluation) flood(st *state) {
	mark, outer := len(e.paths), e.limit
	e.limit = min(outer, mark+e.Copies)
	c := e.copy(st)
	e.run(c)
	e.states = append(e.states, c)
	over := e.full && e.limit < outer
	e.limit = outer
	if !over {
		return
	}
	e.full = false
	for _, key := range e.keys[mark:] {
		delete(e.seen, key)
	}
	clear(e.paths[mark:])
	e.paths, e.keys = e.paths[:mark], slices.Delete(e.keys, mark, len(e.keys))
	e.trap(st, Reason{Code: Flood})
}
