package plan

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/sluice-gw/sluice/offload/flatten"
)

// Room: when the target has not enough for all, paths are cold: they are not
// offloaded though they could be.

// candidate is a path that room is given to or taken from.
type candidate struct {
	path    *flatten.Path
	segment flatten.SegmentID
	heat    float64 // packets per second
}

// byHeat orders the coldest first.
func byHeat(a, b candidate) int {
	return cmp.Or(cmp.Compare(a.heat, b.heat), cmp.Compare(a.path.ID, b.path.ID))
}

// excess is by how many entries and tables there are too many; below 0 there is room.
func (p *Planner) excess() (entries, tables int) {
	for _, s := range p.installedTables() {
		entries += len(s.table.Entries)
		tables++
	}
	over := func(n, bound int) int {
		if bound == 0 {
			return math.MinInt
		}
		return n - bound
	}
	return over(entries, p.caps.Entries), over(tables, p.caps.Tables)
}

// tooMany tells whether something must go.
func (p *Planner) tooMany() bool {
	entries, tables := p.excess()
	return entries > 0 || tables > 0
}

// bounded tells whether the target has bounds.
func (p *Planner) bounded() bool { return p.caps.Entries > 0 || p.caps.Tables > 0 }

// hot are the offloaded paths, the coldest first.
func (p *Planner) hot() []candidate {
	var list []candidate
	for id, s := range p.installedTables() {
		for _, e := range s.table.Entries {
			if !e.Trap {
				list = append(list, candidate{e.Path, id, p.heat(e.Path)})
			}
		}
	}
	slices.SortFunc(list, byHeat)
	return list
}

// waiting are the cold paths, the hottest first.
func (p *Planner) waiting() []candidate {
	var list []candidate
	for id, s := range p.places {
		for i, path := range s.seg.Paths {
			if s.alone[i] != nil && s.alone[i].Code == Room {
				list = append(list, candidate{path, id, p.heat(path)})
			}
		}
	}
	slices.SortFunc(list, byHeat)
	slices.Reverse(list)
	return list
}

// setCold takes room from paths, or gives it to them, and settles.
func (p *Planner) setCold(list []candidate, cold bool) {
	for _, c := range list {
		if cold {
			p.cold[c.path.ID] = true
		} else {
			delete(p.cold, c.path.ID)
		}
		p.stale[c.segment] = true
	}
	p.settle()
}

// fit makes the placement fit: the coldest paths go while there are too many entries,
// and the hottest come back while there is room.
func (p *Planner) fit() {
	if !p.bounded() || !p.settled {
		return
	}
	defer func() { p.settled = false }()
	gone := 0
	for p.tooMany() {
		entries, tables := p.excess()
		list := p.hot()
		if tables > 0 {
			list = p.coldTables(tables)
		} else { // traps may come in their place, then it takes more
			list = list[:min(max(entries, 2*gone), len(list))]
		}
		gone = len(list)
		p.setCold(list, true)
	}
	// A twentieth stays free, so that not every small change moves paths about.
	entries, tables := p.excess()
	if free := min(-entries-p.caps.Entries/20, -tables); free > 0 && len(p.cold) > 0 {
		list := p.waiting()
		p.admit(list[:min(free, len(list))])
	}
}

// coldTables are the paths of the n tables with the fewest packets.
func (p *Planner) coldTables(n int) []candidate {
	heat := map[flatten.SegmentID]float64{}
	paths := p.hot()
	for _, c := range paths {
		heat[c.segment] += c.heat
	}
	ids := slices.SortedFunc(maps.Keys(heat), func(a, b flatten.SegmentID) int {
		return cmp.Or(cmp.Compare(heat[a], heat[b]), cmp.Compare(a, b))
	})
	out := map[flatten.SegmentID]bool{}
	for _, id := range ids[:min(n, len(ids))] {
		out[id] = true
	}
	return slices.DeleteFunc(paths, func(c candidate) bool { return !out[c.segment] })
}

// admit gives room to paths, the hottest first, as far as there is any.
func (p *Planner) admit(list []candidate) {
	p.setCold(list, false)
	for n := len(list); n > 0 && p.tooMany(); {
		half := n / 2
		p.setCold(list[half:n], true)
		n = half
	}
}

// Hysteresis of moving paths about.
const (
	clearly = 2  // a path must be so many times hotter to displace another
	moves   = 64 // paths displaced at a time
)

// displace gives the room of cold paths to clearly hotter ones.
func (p *Planner) displace() {
	if !p.bounded() || len(p.cold) == 0 {
		return
	}
	in, out := p.waiting(), p.hot()
	n := 0
	for n < min(len(in), len(out), moves) && in[n].heat > clearly*out[n].heat+1 {
		n++
	}
	if n > 0 {
		p.setCold(out[:n], true)
		p.admit(in[:n])
	}
}
