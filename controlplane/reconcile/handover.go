package reconcile

import (
	"maps"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// handover keeps the fallback ready for what the target hands over in the middle (offload.Handovers): the rules for a table are there
// before the target has the table, and for a while after it has it no more.
type handover struct {
	marks  map[flatten.SegmentID]uint32
	used   map[uint32]bool
	tables map[flatten.SegmentID][]ir.Rule
	gone   map[flatten.SegmentID]time.Time // tables that the target has no more, since when
	ports  []ir.Rule
	dirty  bool

	version uint64 // of what was sent last; 0: nothing yet
	inForce uint64
	sent    map[ir.RuleID]flatten.SegmentID
	waiting *offload.Delta // that the target gets when the fallback is ready
}

func newHandover() *handover {
	return &handover{marks: map[flatten.SegmentID]uint32{}, used: map[uint32]bool{}, tables: map[flatten.SegmentID][]ir.Rule{},
		gone: map[flatten.SegmentID]time.Time{}, dirty: true}
}

// linger is how long rules stay for packets that are still on their way to the fallback.
const linger = 2 * time.Second

// mark is the mark of a segment. It begins at one that follows from the segment, so that it is the same after a restart.
func (h *handover) mark(id flatten.SegmentID) uint32 {
	m, has := h.marks[id]
	if !has {
		for m = uint32(id) | offload.HandoverMark; h.used[m]; m = (m + 1) | offload.HandoverMark {
		}
		h.marks[id], h.used[m] = m, true
	}
	return m
}

// prepare gives the tables of a delta their marks, and has rules made for those that are new.
func (h *handover) prepare(d *offload.Delta) {
	for i := range d.Put {
		t := &d.Put[i]
		if t.Entry == nil {
			continue
		}
		t.Mark = h.mark(t.Segment)
		rules := t.TableRules()
		same := func(a, b ir.Rule) bool { return a.ID == b.ID }
		delete(h.gone, t.Segment)
		if !slices.EqualFunc(h.tables[t.Segment], rules, same) {
			h.tables[t.Segment], h.dirty = rules, true
		}
	}
}

// applied notes what the target has no more. After a Reset that is all that is not in the delta.
func (h *handover) applied(d *offload.Delta, now time.Time) {
	drop := func(id flatten.SegmentID) {
		if h.tables[id] != nil && h.gone[id].IsZero() {
			h.gone[id] = now
		}
	}
	for _, id := range d.Del {
		drop(id)
	}
	has := map[flatten.SegmentID]bool{}
	for i := range d.Put {
		if t := &d.Put[i]; t.Entry != nil {
			has[t.Segment] = true
		} else {
			drop(t.Segment)
		}
	}
	if d.Reset {
		for id := range h.tables {
			if !has[id] {
				drop(id)
			}
		}
	}
}

// expire takes rules away that nothing needs any more. next is when there will be more; zero for never.
func (h *handover) expire(now time.Time) (next time.Time) {
	for id, since := range h.gone {
		at := since.Add(linger)
		switch {
		case !now.Before(at):
			delete(h.used, h.marks[id])
			delete(h.marks, id)
			delete(h.tables, id)
			delete(h.gone, id)
			h.dirty = true
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return next
}

// setPorts takes over by which ports packets come in.
func (h *handover) setPorts(ports []offload.Port) {
	rules := offload.HandoverRules(ports)
	if !slices.EqualFunc(h.ports, rules, func(a, b ir.Rule) bool { return a.ID == b.ID }) {
		h.ports, h.dirty = rules, true
	}
}

// take is what the fallback has to be told; ok is false for nothing.
func (h *handover) take() (x offload.Handovers, ok bool) {
	if !h.dirty {
		return x, false
	}
	h.dirty = false
	h.version++
	x = offload.Handovers{Version: h.version, Tables: map[ir.RuleID]flatten.SegmentID{}}
	if len(h.tables) > 0 { // without tables no packet has a mark
		x.Rules = slices.Clone(h.ports)
	}
	for _, id := range slices.SortedFunc(maps.Keys(h.tables), flatten.CompareIDs) {
		for _, r := range h.tables[id] {
			x.Rules = append(x.Rules, r)
			x.Tables[r.ID] = id
		}
	}
	h.sent = x.Tables
	return x, true
}

// ready tells whether the fallback has all that it was told.
func (h *handover) ready() bool { return h.inForce >= h.version && !h.dirty }

// Taken is the fallback's answer: what has come in force, and what it could not be made to do.
type Taken struct {
	Version  uint64
	Failures []backend.Failure
}

// Taken tells the Reconciler what the fallback is ready for. It never waits.
func (r *Reconciler) Taken(t Taken) {
	for {
		select {
		case r.takenOver <- t:
			return
		default:
		}
		select {
		case <-r.takenOver:
		default:
		}
	}
}

// takeOver takes the fallback's answer.
func (r *Reconciler) takeOver(t Taken) {
	r.hand.inForce = max(r.hand.inForce, t.Version)
	for _, f := range t.Failures {
		if id, ours := r.hand.sent[f.Rule]; ours {
			r.cfg.Log.Warn("packets of " + id.String() + " cannot be handed over in the middle: " + f.Detail)
			r.plan.CloseEntry(id)
			if r.hand.waiting != nil { // it has the table: what is told instead comes from the planner
				r.hand.waiting = nil
				r.plan.Restart()
			}
		}
	}
}

// announce tells the fallback what it must be ready for.
func (r *Reconciler) announce() {
	x, ok := r.hand.take()
	switch {
	case ok && r.cfg.HandOver != nil:
		r.cfg.HandOver(x)
	case ok: // there is nobody to be told
		r.hand.inForce = x.Version
	}
}
