package plan

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Packets go through the tables of a target while these change one by one. What is
// done to a packet in front of a jump (flatten.Path.Commits) must then not be followed
// by a trap either, be it a new one behind an old jump, or an old one behind a new
// jump. So a change is told in steps: jumps that will lead to a trap become traps
// themselves first; then everything else changes, where new jumps to what is not yet
// free of traps are still traps; then these become jumps.

// Delta settles everything and is what the target shall be told next; ok is false for
// nothing. When it was told, there may be more at once: ask until there is nothing.
func (p *Planner) Delta(now time.Time) (d offload.Delta, ok bool) {
	p.retry(now)
	p.probe(now)
	p.settle()
	p.fit()
	if !p.reset {
		if d.Put = p.withdraw(); len(d.Put) > 0 {
			return p.told(d), true
		}
	}
	d = p.pending
	p.pending = offload.Delta{}
	if p.reset {
		d = p.everything()
	}
	d.Reset = p.reset
	p.reset = false
	if d.Put = p.advance(false); len(d.Put) == 0 {
		d.Put = p.advance(true) // jumps that wait for each other
	}
	d.Del = p.remove()
	if !d.Reset && len(d.Put)+len(d.Del)+len(d.Ports)+len(d.DelPorts)+len(d.Meters)+len(d.DelMeters) == 0 {
		return d, false
	}
	return p.told(d), true
}

// told gives d its number.
func (p *Planner) told(d offload.Delta) offload.Delta {
	p.revision++
	d.Revision = p.revision
	return d
}

// put notes that the target is told of a table.
func (p *Planner) put(x *sent) {
	id := x.table.Segment
	if old := p.installed[id]; old != nil {
		p.uncount(old.table, x.table)
	}
	p.installed[id] = x
}

// withdraw makes traps of those jumps in the target behind which there will be a trap.
func (p *Planner) withdraw() (put []offload.Table) {
	if !p.anyCommits() {
		return nil
	}
	future := maps.Clone(p.installed)
	for id, s := range p.installedTables() {
		future[id] = s.whole
	}
	bad := exposed(future)
	for again := true; again; {
		again = false
		for id, x := range p.installed {
			if len(x.commits) == 0 {
				continue
			}
			if t := x.without(bad, nil); t != nil {
				p.put(newSent(t, true))
				again = true
				put = slices.DeleteFunc(put, func(o offload.Table) bool { return o.Segment == id })
				put = append(put, *t)
			}
		}
		maps.Copy(bad, exposed(p.installed)) // what was made a trap now is met by others
	}
	p.upstreamFirst(put)
	return put
}

// anyCommits tells whether there are jumps in the target for which order matters.
func (p *Planner) anyCommits() bool {
	for _, x := range p.installed {
		if len(x.commits) > 0 {
			return true
		}
	}
	return false
}

// advance puts what has changed. New jumps with something done to where packets can
// still meet a trap remain traps, unless all is to be put.
func (p *Planner) advance(all bool) (put []offload.Table) {
	bad := exposed(p.installed)
	var changed []*sent
	for id, s := range p.installedTables() {
		x, old := s.whole, p.installed[id]
		if !all && len(x.commits) > 0 {
			wait := map[flatten.SegmentID]bool{}
			for to := range x.commits {
				wait[to] = p.installed[to] == nil || bad[to]
			}
			if t := x.without(wait, old); t != nil {
				x = newSent(t, true)
			}
		}
		switch {
		case old == nil || old.table != x.table && !sameTable(old.table, x.table):
			changed = append(changed, x)
		case old != x: // it does the same, but there may be a trap that needs no entry
			p.installed[id] = x
		}
	}
	for _, x := range changed {
		p.put(x)
		put = append(put, *x.table)
	}
	p.upstreamFirst(put)
	slices.Reverse(put) // what others jump to is there before them
	return put
}

// remove takes out what is not reached any more.
func (p *Planner) remove() (del []flatten.SegmentID) {
	for id, x := range p.installed {
		if s := p.places[id]; s == nil || !s.reached || s.table == nil {
			p.uncount(x.table, nil)
			delete(p.installed, id)
			del = append(del, id)
		}
	}
	slices.SortFunc(del, flatten.CompareIDs)
	return del
}

// everything is the ports and meters that there are.
func (p *Planner) everything() offload.Delta {
	d := offload.Delta{}
	for _, n := range slices.Sorted(maps.Keys(p.ports)) {
		d.Ports = append(d.Ports, p.ports[n])
	}
	for _, name := range slices.Sorted(maps.Keys(p.meters)) {
		d.Meters = append(d.Meters, p.meters[name])
	}
	return d
}

// installedTables are the places whose tables shall be in the target.
func (p *Planner) installedTables() iter.Seq2[flatten.SegmentID, *place] {
	return func(yield func(flatten.SegmentID, *place) bool) {
		for id, s := range p.places {
			if s.reached && s.table != nil && !yield(id, s) {
				return
			}
		}
	}
}
