package plan

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// settle judges what is stale and decides again what depends on it: the segments from
// which it can be reached. Tables are made again where something is different.
func (p *Planner) settle() {
	if len(p.stale) == 0 {
		return
	}
	concerned := map[flatten.SegmentID]*place{}
	var add func(id flatten.SegmentID)
	add = func(id flatten.SegmentID) {
		if s := p.places[id]; s != nil && concerned[id] == nil {
			concerned[id] = s
		} else if s != nil {
			return
		}
		for from := range p.sources[id] {
			if concerned[from] == nil {
				add(from)
			}
		}
	}
	for id := range p.stale {
		if s := p.places[id]; s != nil {
			p.judge(s)
		}
	}
	for id := range p.stale {
		add(id)
	}
	type flags struct{ useful, fragile bool }
	before := make(map[flatten.SegmentID]flags, len(concerned))
	for id, s := range concerned {
		before[id] = flags{s.useful, s.fragile}
	}
	p.decide(concerned)
	changed := func(id flatten.SegmentID) bool {
		s := concerned[id]
		return s != nil && before[id] != flags{s.useful, s.fragile}
	}
	for id, s := range concerned {
		again := p.stale[id]
		for to := range s.jumps {
			again = again || changed(to) || p.stale[to] && p.places[to] == nil
		}
		if again {
			p.assemble(s)
		}
	}
	clear(p.stale)
	p.settled = true
	p.reach()
}

// decide finds which of some segments are useful and fragile; of all that they lead to
// and that is not among them it is known. What is useful depends on what is fragile
// and the other way round. Fragile segments only become more on the way, so it ends.
func (p *Planner) decide(some map[flatten.SegmentID]*place) {
	for _, s := range some {
		s.fragile = s.traps && s.entry == nil
	}
	for {
		for _, s := range some {
			s.useful = s.ends
		}
		p.spread(some, func(s *place) bool {
			if s.useful {
				return false
			}
			for id, j := range s.jumps {
				if to := p.places[id]; to != nil && to.useful && (j.clean || !to.fragile) {
					s.useful = true
					return true
				}
			}
			return false
		})
		more := p.spread(some, func(s *place) bool {
			if s.fragile {
				return false
			}
			for id := range s.jumps {
				if to := p.places[id]; to == nil || !to.useful && s.entry == nil || to.fragile {
					s.fragile = true
					return true
				}
			}
			return false
		})
		if !more {
			return
		}
	}
}

// spread calls update for all of some, and again for those that lead to one that
// changed, until nothing changes any more. It tells whether something did.
func (p *Planner) spread(some map[flatten.SegmentID]*place, update func(*place) bool) (any bool) {
	work := slices.Collect(maps.Keys(some))
	for len(work) > 0 {
		id := work[len(work)-1]
		work = work[:len(work)-1]
		if s := some[id]; s != nil && update(s) {
			any = true
			work = slices.AppendSeq(work, maps.Keys(p.sources[id]))
		}
	}
	return any
}

// assemble makes the table of s.
func (p *Planner) assemble(s *place) {
	paths := s.seg.Paths
	s.why = slices.Clone(s.alone)
	s.goes = nil
	offloaded := make(map[*flatten.Path]bool, len(paths))
	for i, path := range paths {
		if path.Jump != nil && s.why[i] == nil {
			s.why[i] = p.follows(path)
		}
		offloaded[path] = s.why[i] == nil
	}
	table := &offload.Table{Segment: s.seg.ID, Tracked: s.seg.Tracked, Zone: s.seg.Zone, Entry: s.entry}
	traps := flatten.Traps(paths, func(path *flatten.Path) bool { return offloaded[path] })
	goes := map[flatten.SegmentID]bool{}
	wide := &flatten.Overlaps{}
	useful := false
	for i, path := range paths {
		switch {
		case s.why[i] == nil:
			if s.isHidden(path, wide) {
				s.why[i] = p.because(Reason{Code: Behind, Detail: "a wide trap in front has all its packets", Rule: lastRule(path)})
				continue
			}
			useful = true
			table.Entries = append(table.Entries, offload.Entry{Path: path, Match: path.Match})
			if path.Jump != nil {
				goes[path.Jump.To] = true
			}
		case len(traps) > 0 && traps[0] == path:
			traps = traps[1:]
			m := path.Match
			if w, ok := s.wide[path.ID]; ok {
				m = w
				wide.Add(w, i)
			}
			table.Entries = append(table.Entries, offload.Entry{Path: path, Match: m, Trap: true})
		}
	}
	s.goes = slices.Collect(maps.Keys(goes))
	switch {
	case !useful:
		s.table = nil
	case s.table == nil || !sameTable(s.table, table):
		s.table = table
	}
	if s.whole = nil; s.table != nil {
		s.whole = newSent(s.table, slices.ContainsFunc(s.why, func(r *Reason) bool { return r != nil }))
	}
}

// isHidden tells whether one of the wide traps so far has all packets of a path.
func (s *place) isHidden(path *flatten.Path, wide *flatten.Overlaps) (hidden bool) {
	wide.Each(path.Match, func(i int) bool {
		hidden = within(path.Match, s.wide[s.seg.Paths[i].ID])
		return !hidden
	})
	return hidden
}

// follows says why a path is of no use for what it jumps to; nil when it is of use.
func (p *Planner) follows(path *flatten.Path) *Reason {
	to := p.places[path.Jump.To]
	stage := ""
	if to != nil {
		stage = to.seg.Stage
	}
	switch {
	case to == nil || !to.useful:
		return p.because(Reason{Code: Continuation, Detail: stage, Rule: lastRule(path)})
	case to.fragile && path.Commits():
		return p.because(Reason{Code: Code(flatten.Late), Detail: stage, Rule: lastRule(path)})
	}
	return nil
}

// sameTable tells whether a target would do the same with both.
func sameTable(a, b *offload.Table) bool {
	ops := func(x, y ir.Op) bool { return string(x.AppendText(nil)) == string(y.AppendText(nil)) }
	return a.Tracked == b.Tracked && a.Zone == b.Zone && slices.EqualFunc(a.Entry, b.Entry, ops) && slices.EqualFunc(a.Entries, b.Entries, func(x, y offload.Entry) bool {
		return x.Path.ID == y.Path.ID && x.Match == y.Match && x.Trap == y.Trap
	})
}

// reach finds the tables that packets get to.
func (p *Planner) reach() {
	var work []*place
	for id, s := range p.places {
		_, root := id.Ingress()
		if s.reached = root && s.table != nil; s.reached {
			work = append(work, s)
		}
	}
	for len(work) > 0 {
		s := work[len(work)-1]
		work = work[:len(work)-1]
		for _, id := range s.goes {
			if to := p.places[id]; !to.reached {
				to.reached = true
				work = append(work, to)
			}
		}
	}
}
