package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// state is a set of packets on their way through a segment: which packets of those
// that came in (cube), what has become of their fields (bindings, in terms of the
// environment), what is left to do (ops and frames), and what was done.
type state struct {
	cube cube
	bindings
	local extras // in terms of the environment; see below for which count
	touched

	excluded []exclusion // packets that other paths in front have; append only
	ops      []ir.Op     // what is left of the current list of operations
	rule     *rule       // whose list it is; nil in front of the first rule
	frame    *frame      // what follows when the list is done
	lineage  *step

	effects  *effect
	tracks   int // connection-tracking operations of the path
	thread   int // those that this copy of the packet went through
	jump     *pending
	conds    *condNode
	shorter  uint16 // the packet has at most so many bytes; 0: not known
	longer   uint16 // the packet has more bytes; 0: not known
	visits   int    // stages visited so far
	datapath uint64 // that of the last one of a logical datapath; 0: there was none, anyDatapath: not known
	branches int    // choices made so far
	spread   bool   // one of them was in place of a choice by hash
	shared   bool   // what follows is to be shared with other states
}

// touched tells which of the extras are not the environment's any more (the stack: that
// nothing of the environment's is below), and that the state of connection tracking is to
// be cleared before the packet is tracked again.
type touched struct{ queueSet, stackSet, circledSet, cleared bool }

// exclusion is a conjunction on the incoming packet that no packet of the state has.
type exclusion []literal

// frame is what follows when a list of operations is done.
type frame struct {
	ops   []ir.Op
	rule  *rule
	saved *saved // of a clone: the packet as it was in front of it
	next  *frame
}

// saved is what belongs to one copy of the packet.
type saved struct {
	bindings
	local extras
	touched
	thread int
}

// step is a rule in the lineage of a path, as a tree that paths share.
type step struct {
	before *step
	rule   *rule
}

func (st *state) save() *saved {
	return &saved{st.bindings, st.local, st.touched, st.thread}
}

func (st *state) restore(s *saved) {
	st.bindings, st.local, st.touched, st.thread = s.bindings, s.local, s.touched, s.thread
}

// pop goes on with the frame below; false when there is none.
func (st *state) pop() bool {
	f := st.frame
	if f == nil {
		return false
	}
	if f.saved != nil {
		st.restore(f.saved)
	}
	st.ops, st.rule, st.frame = f.ops, f.rule, f.next
	return true
}

// enter makes ops the current list. What is left of the old one follows, when it can
// still have an effect; most callers have nothing left to do, and then nothing need
// be remembered.
func (st *state) enter(ops []ir.Op, r *rule) {
	if st.frame != nil && len(st.ops) > 0 || hasEffect(st.ops) {
		st.frame = &frame{ops: st.ops, rule: st.rule, next: st.frame}
	}
	st.ops, st.rule = ops, r
}

// enterCopy makes ops the current list, on a copy of the packet.
func (st *state) enterCopy(ops []ir.Op) {
	if st.frame != nil || hasEffect(st.ops) {
		st.frame = &frame{ops: st.ops, rule: st.rule, saved: st.save(), next: st.frame}
	}
	st.ops = ops
}

// hasEffect tells whether operations can do anything but change the packet at hand.
func hasEffect(ops []ir.Op) bool {
	return slices.ContainsFunc(ops, func(op ir.Op) bool {
		switch op.(type) {
		case ir.Set, ir.Copy, ir.Push, ir.Pop, ir.DecTTL, ir.PushVLAN, ir.PopVLAN, ir.CTClear, ir.SetQueue:
			return false
		}
		return true
	})
}

// exclude notes that no packet of the state passes ls.
func (st *state) exclude(ls []literal) {
	if len(ls) > 0 && len(ls) <= maxExcludedLiterals && len(st.excluded) < maxExclusions {
		st.excluded = append(slices.Clip(st.excluded), ls)
	}
}

const (
	maxExcludedLiterals = 3
	maxExclusions       = 24
)

// barred tells whether all packets of the cube are excluded.
func (st *state) barred() bool {
	return slices.ContainsFunc(st.excluded, func(x exclusion) bool { return st.cube.within(x) })
}
