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

// excess is by how many entries and tables there are too many; below 0 there is room.
func (p *Planner) excess() (entries, tables int) {
	for _, s := range p.installedTables() {
		entries += len(s.table.Entries)
		tables++
	}
	over := func(n, bound int) int {
		if bound == 0 {
			return -math.MaxInt
		}
		return n - bound
	}
	return over(entries, p.room()), over(tables, p.caps.Tables)
}

// tooMany tells whether something must go.
func (p *Planner) tooMany() bool {
	entries, tables := p.excess()
	return entries > 0 || tables > 0
}

// bounded tells whether the target has bounds.
func (p *Planner) bounded() bool { return p.room() > 0 || p.caps.Tables > 0 }

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
		list := p.offloaded()
		if tables > 0 {
			list = coldTables(list, tables)
		} else { // traps may come in their place, then it takes more
			list = slices.DeleteFunc(list, func(c candidate) bool { return c.weight == 0 })
			list = upTo(list, max(float64(entries), 2*float64(gone)))
		}
		gone = len(list)
		p.setCold(list, true)
	}
	// A twentieth stays free, so that not every small change moves paths about. Weights
	// are about right only, so that more than one try is worth it.
	heavier := map[flatten.PathID]bool{} // than they look
	for range refills {
		entries, tables := p.excess()
		free := min(-entries-p.room()/20, -tables)
		if free <= 0 || len(p.cold) == 0 || len(p.coming) > 0 {
			return
		}
		list := slices.DeleteFunc(fitting(p.waiting(), free), func(c candidate) bool { return heavier[c.path.ID] })
		if list = upTo(list, float64(free)); len(list) == 0 {
			return
		}
		if p.admit(list); p.cold[list[0].path.ID] {
			heavier[list[0].path.ID] = true
		}
	}
}

// refills are how often room that is left is given away at a time.
const refills = 16

// upTo is the beginning of a list that weighs no less than so many entries, unless
// all of it does not.
func upTo(list []candidate, entries float64) []candidate {
	sum := 0.0
	for i, c := range list {
		if sum += c.weight; sum >= entries {
			return list[:i+1]
		}
	}
	return list
}

// fitting are those of a list that weigh no more than so many entries each.
func fitting(list []candidate, entries int) []candidate {
	return slices.DeleteFunc(list, func(c candidate) bool { return c.weight > float64(entries) })
}

// coldTables are those of a list of paths that are in the n tables with the fewest packets.
func coldTables(list []candidate, n int) []candidate {
	heat := map[flatten.SegmentID]float64{}
	for _, c := range list {
		heat[c.segment] += c.heat
	}
	ids := slices.SortedFunc(maps.Keys(heat), func(a, b flatten.SegmentID) int {
		return cmp.Or(cmp.Compare(heat[a], heat[b]), cmp.Compare(a, b))
	})
	out := map[flatten.SegmentID]bool{}
	for _, id := range ids[:min(n, len(ids))] {
		out[id] = true
	}
	return slices.DeleteFunc(list, func(c candidate) bool { return !out[c.segment] })
}

// admit gives room to paths, the first ones if there is not enough for all.
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
	if list := p.coming; len(list) > 0 {
		p.coming = nil
		p.admit(list)
		return
	}
	if !p.bounded() || len(p.cold) == 0 {
		return
	}
	in, out := fitting(p.waiting(), 1), p.offloaded()
	out = slices.DeleteFunc(out, func(c candidate) bool { return c.weight < 1 })
	n := 0
	for n < min(len(in), len(out), moves) && in[n].heat > clearly*out[n].heat+1 {
		n++
	}
	if n == 0 {
		return
	}
	p.setCold(out[:n], true)
	if p.learned.entries > 0 { // a full table takes nothing before something has gone
		p.coming = in[:n]
		return
	}
	p.admit(in[:n])
}
