package preview

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// list is the paths of a segment, in order, with what became of them.
type list struct {
	paths []plan.Status
	asks  []region
	found *flatten.Overlaps
	index map[asking]int
}

// asking is what a path asks for, in a form that can be compared.
type asking struct {
	match, old ir.Match
	conds      string
}

// newList makes a list; apart is as for asked.
func newList(paths []plan.Status, apart bool) *list {
	l := &list{paths: paths, found: &flatten.Overlaps{}, index: map[asking]int{}}
	for i, s := range paths {
		r := asked(s.Path, apart)
		l.asks = append(l.asks, r)
		l.found.Add(r.match, i)
		l.index[l.asking(i)] = i
	}
	return l
}

func (l *list) asking(i int) asking {
	a := asking{match: l.asks[i].match, old: l.asks[i].old}
	for _, c := range l.asks[i].conds {
		a.conds += c.String() + ";"
	}
	return a
}

// meeting are the paths that ask for some of the packets, in order.
func (l *list) meeting(m ir.Match) (n []int) {
	l.found.Each(m, func(i int) bool { n = append(n, i); return true })
	slices.Sort(n)
	return n
}

// before are what paths in front of the path n ask for that ask for some of the packets.
func (l *list) before(n int, m ir.Match) (asks []region) {
	l.found.Each(m, func(i int) bool {
		if i < n {
			asks = append(asks, l.asks[i])
		}
		return true
	})
	return asks
}

// twins pairs the paths of two lists that ask for the same and are both offloaded, or both not: of l by the index in o. A
// packet that meets one of them in both lists meets its twin, so only the others need to be looked at for packets that move.
func (l *list) twins(o *list) (of map[int]int) {
	of = map[int]int{}
	last := -1
	for i, s := range o.paths {
		j, has := l.index[o.asking(i)]
		if !has || (l.paths[j].Reason == nil) != (s.Reason == nil) {
			continue
		}
		if j < last { // they are not in the same order
			return map[int]int{}
		}
		last = j
		of[i] = j
	}
	return of
}
