package plan

import (
	"iter"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Status is what became of one path.
type Status struct {
	Segment *flatten.Segment
	Path    *flatten.Path
	// Reason says why the path is not offloaded; nil when it is.
	Reason *Reason
	// Reached says that packets can get to the path in the target. Of a segment that
	// they do not get to, nothing is installed.
	Reached bool
	// Seen is what the target has counted for the path.
	Seen Credit
}

// Paths are all paths with what became of them, by segments.
func (p *Planner) Paths() iter.Seq[Status] {
	return func(yield func(Status) bool) {
		p.settle()
		reached := p.entered()
		for _, id := range slices.SortedFunc(maps.Keys(p.places), flatten.CompareIDs) {
			s := p.places[id]
			for i, path := range s.seg.Paths {
				why := s.why[i]
				if why == nil {
					why = p.absence(id, path)
				}
				if !yield(Status{s.seg, path, why, reached[id], p.total(path.ID)}) {
					return
				}
			}
		}
	}
}

// Through are the paths of packets that go through one of some rules, such as those of
// a logical flow, and those that are not offloaded because of one.
func (p *Planner) Through(rules map[ir.RuleID]bool) iter.Seq[Status] {
	return func(yield func(Status) bool) {
		for s := range p.Paths() {
			through := s.Reason != nil && rules[s.Reason.Rule]
			for r := range s.Path.Lineage() {
				through = through || rules[r.ID]
			}
			if through && !yield(s) {
				return
			}
		}
	}
}

// entered are the segments that packets get to before they are handed to the fallback:
// to an ingress they always do.
func (p *Planner) entered() map[flatten.SegmentID]bool {
	all := map[flatten.SegmentID]bool{}
	for id := range p.places {
		if _, root := id.Ingress(); root {
			p.behind(id, all)
		}
	}
	return all
}

// behind adds a segment, and those that packets in it get to, to all.
func (p *Planner) behind(id flatten.SegmentID, all map[flatten.SegmentID]bool) {
	all[id] = true
	s := p.places[id]
	if _, lost := p.lost[id]; lost || s.table == nil {
		return
	}
	for _, to := range s.goes {
		if !all[to] {
			p.behind(to, all)
		}
	}
}

// total is what entries of a path have counted.
func (p *Planner) total(id flatten.PathID) (sum Credit) {
	for _, trap := range []bool{false, true} {
		if x := p.seen[entryKey{id, trap}]; x != nil {
			sum.plus(x.total)
		}
	}
	return sum
}

// Blamed is the rule that a reason blames, with the row that it comes from and its
// stage; nil for none.
func (p *Planner) Blamed(r *Reason) *ir.Rule { return p.flat.Rule(r.Rule) }

// Count is how many paths are offloaded, how many are not, and what the target has
// counted for them.
type Count struct {
	Offloaded, Fallback int
	Seen                Credit
}

func (c *Count) add(s Status) {
	if s.Reason == nil {
		c.Offloaded++
	} else {
		c.Fallback++
	}
	c.Seen.plus(s.Seen)
}

// Cause is what paths that are not offloaded are counted by.
type Cause struct {
	Code  Code
	Stage ir.Stage // of the rule to blame; NoStage for none
}

// Coverage is how much is offloaded. Only paths that packets get to are counted, and
// each once, apart from those of segments that several ingresses lead to.
type Coverage struct {
	Total      Count
	ByPort     map[uint32]Count // by ingress: with all that packets of the port get to
	ByDatapath map[uint32]Count // by tunnel key of each logical datapath on the way
	ByCause    map[Cause]Count
}

// Coverage counts what is offloaded.
func (p *Planner) Coverage() Coverage {
	c := Coverage{ByPort: map[uint32]Count{}, ByDatapath: map[uint32]Count{}, ByCause: map[Cause]Count{}}
	bySegment := map[flatten.SegmentID]Count{}
	for s := range p.Paths() {
		if !s.Reached {
			continue
		}
		c.Total.add(s)
		n := bySegment[s.Segment.ID]
		n.add(s)
		bySegment[s.Segment.ID] = n
		c.datapaths(s)
		if s.Reason != nil {
			k := Cause{s.Reason.Code, ir.NoStage}
			if r := p.Blamed(s.Reason); r != nil {
				k.Stage = r.Stage
			}
			n := c.ByCause[k]
			n.add(s)
			c.ByCause[k] = n
		}
	}
	for id := range bySegment {
		if port, root := id.Ingress(); root {
			c.ByPort[port] = p.from(id, bySegment)
		}
	}
	return c
}

// datapaths counts s for each logical datapath that its packets go through.
func (c *Coverage) datapaths(s Status) {
	done := map[uint32]bool{0: true}
	for r := range s.Path.Lineage() {
		if !done[r.Datapath] {
			done[r.Datapath] = true
			n := c.ByDatapath[r.Datapath]
			n.add(s)
			c.ByDatapath[r.Datapath] = n
		}
	}
}

// from sums the segments that packets get to from one.
func (p *Planner) from(id flatten.SegmentID, bySegment map[flatten.SegmentID]Count) (sum Count) {
	all := map[flatten.SegmentID]bool{}
	p.behind(id, all)
	for id := range all {
		n := bySegment[id]
		sum.Offloaded += n.Offloaded
		sum.Fallback += n.Fallback
		sum.Seen.plus(n.Seen)
	}
	return sum
}
