package plan

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// sent is a table as the target was told.
type sent struct {
	table   *offload.Table
	traps   bool                       // a packet may be handed over here, as it came to the first table
	goes    map[flatten.SegmentID]bool // to where it jumps
	commits map[flatten.SegmentID]bool // to where with something done
}

func newSent(t *offload.Table, traps bool) *sent {
	x := &sent{table: t, traps: traps && t.Entry == nil, goes: map[flatten.SegmentID]bool{}, commits: map[flatten.SegmentID]bool{}}
	for _, e := range t.Entries {
		if j := e.Path.Jump; j != nil && !e.Trap {
			x.goes[j.To] = true
			if e.Path.Commits() {
				x.commits[j.To] = true
			}
		}
	}
	return x
}

// exposed are those of some tables from which a packet can meet a trap.
func exposed(tables map[flatten.SegmentID]*sent) map[flatten.SegmentID]bool {
	from := map[flatten.SegmentID][]flatten.SegmentID{}
	var work []flatten.SegmentID
	for id, x := range tables {
		for to := range x.goes {
			from[to] = append(from[to], id)
			if tables[to] == nil {
				work = append(work, to)
			}
		}
		if x.traps {
			work = append(work, id)
		}
	}
	out := map[flatten.SegmentID]bool{}
	for len(work) > 0 {
		id := work[len(work)-1]
		work = work[:len(work)-1]
		if !out[id] {
			out[id] = true
			work = append(work, from[id]...)
		}
	}
	return out
}

// without is the table with traps in place of jumps with something done to some
// segments, apart from those of paths that are in the target already; nil if there are
// none.
func (x *sent) without(bad map[flatten.SegmentID]bool, in *sent) *offload.Table {
	already := map[flatten.PathID]bool{}
	if in != nil && len(in.commits) > 0 {
		for _, e := range in.table.Entries {
			already[e.Path.ID] = !e.Trap
		}
	}
	t := *x.table
	t.Entries = slices.Clone(t.Entries)
	some := false
	for i := range t.Entries {
		if e := &t.Entries[i]; !e.Trap && e.Path.Commits() && bad[e.Path.Jump.To] && !already[e.Path.ID] {
			e.Trap, some = true, true
		}
	}
	if !some {
		return nil
	}
	return &t
}

// upstreamFirst sorts tables so that those come first from which others are reached.
func (p *Planner) upstreamFirst(tables []offload.Table) {
	if len(tables) < 2 {
		return
	}
	place, left := map[flatten.SegmentID]int{}, 0
	var visit func(id flatten.SegmentID)
	visit = func(id flatten.SegmentID) {
		if _, done := place[id]; done || p.installed[id] == nil {
			return
		}
		place[id] = 0
		next := map[flatten.SegmentID]bool{}
		for _, e := range p.installed[id].table.Entries { // also by jumps that were withdrawn
			if e.Path.Jump != nil {
				next[e.Path.Jump.To] = true
			}
		}
		for _, to := range slices.SortedFunc(maps.Keys(next), flatten.CompareIDs) {
			visit(to)
		}
		left++
		place[id] = -left // those that are left last come first
	}
	for _, id := range slices.SortedFunc(maps.Keys(p.installed), flatten.CompareIDs) {
		visit(id)
	}
	slices.SortFunc(tables, func(a, b offload.Table) int { return place[a.Segment] - place[b.Segment] })
}
