package tc

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// chain is a segment on one device, or the device's switchboard: what shall be there, and what is.
type chain struct {
	segment flatten.SegmentID
	number  uint32

	table *table // that rules was made of
	rules []*rule
	want  map[filterKey]*want
	have  map[filterKey]*held
	// stray are filters of sluice's that belong to nothing that is known now; levels are those that paths were found with.
	stray  []*held
	levels map[flatten.PathID]level
	// trapLevels are those that traps were found with, by what they match: of several that come to the same in flower only one is there.
	trapLevels map[string]level

	hot  []flatten.PathID         // entries that go to the front, the hottest first
	home map[flatten.PathID]level // the levels of those that are there because of them
	rest int                      // readings of the counters until the order is looked at again

	forms  map[flatten.PathID]*form // of entries, as long as nothing that they depend on changes
	no     refusals
	barred map[filterKey]*offload.Failure // filters that belong to no entry and were refused
	stale  bool                           // rules must be made anew
	handle uint32
}

// held is a filter that the kernel has.
type held struct {
	filter flower.Filter // with its handle
	mark   mark
	form   *form // that it was made of, nil if that is not known
	wide   ir.Match
	known  bool // wide is

	seen   tally  // by its counters, when they were last read
	read   bool   // they were, or began at 0
	before tally  // by those of filters whose place it took for the same entry
	heat   uint64 // packets of late
	inHW   bool
}

func newChain(s flatten.SegmentID, number uint32) *chain {
	c := &chain{segment: s, number: number, forms: map[flatten.PathID]*form{}, want: map[filterKey]*want{}, have: map[filterKey]*held{}, stale: true}
	c.forgive()
	return c
}

// forgive forgets what was refused.
func (c *chain) forgive() {
	c.barred = map[filterKey]*offload.Failure{}
	c.no.path, c.no.trap = map[refused]*offload.Failure{}, map[refused]*offload.Failure{}
	c.stale = true
}

// place makes want of the rules.
func (c *chain) place(at site, where []program) {
	before := func(r *rule) level {
		if l := cmp.Or(c.home[r.path], c.levels[r.path]); l != 0 {
			return l
		}
		for _, g := range where {
			for part := range r.asked.matches {
				if h := c.have[filterKey{r.wide.Key(), uint8(part), g}]; h != nil {
					return levelOf(h.filter.Prio)
				}
				if l := c.trapLevels[matchText(g.form(r.asked.matches[part]), g)]; l != 0 {
					return l
				}
			}
		}
		return 0
	}
	if len(c.have)+len(c.levels) == 0 {
		before = nil
	}
	assignLevels(c.rules, before)
	c.advance()
	c.want = map[filterKey]*want{}
	seen := map[string]bool{}
	for _, g := range where {
		for _, r := range c.rules {
			if r.level == 0 && r.failed == nil {
				r.fail(c.segment, backend.Transient, "too many entries overlap one after the other: a chain has room for %d", lastLevel)
			}
			r.filters(at, c.number, c.table, g, c.want, seen)
		}
		if c.barred[filterKey{endKey, 0, g}] != nil {
			continue
		}
		end := mark{roleEnd, 0, uint64(c.segment)}
		f := filterOf(at, c.number, endLevel, g, whole(flower.Match{}), g.handOver(c.table), end)
		c.want[filterKey{endKey, 0, g}] = &want{filter: f, mark: end}
	}
}

// matchText tells what filters match apart.
func matchText(m match, g program) string { return fmt.Sprintf("%d %+v", g, m) }

// endKey is the filterKey.wide of the end of a chain: none of a match.
const endKey = "end"

// broken says why the chain cannot be used at all in a program: its end was refused.
func (c *chain) broken(g program) *offload.Failure {
	for k, f := range c.barred {
		if k.where == g {
			return f
		}
	}
	return nil
}

// fragile says why the chain may have to hand packets to the fallback that should go on; "" if it need not.
func (c *chain) fragile(g program) string {
	if f := c.broken(g); f != nil {
		return f.Detail
	}
	if c.table != nil && c.table.Entry != nil {
		if g == inKernel {
			return ""
		}
		return "a device hands packets over only as they came"
	}
	for _, r := range c.rules {
		if r.failed != nil && !r.lives(g) {
			return r.failed.Detail
		}
	}
	return ""
}

// difference is what must be done to a chain. Where nothing but places of filters changes no packet sees it, whatever it meets: all are added where they
// shall be, the first of them first, before any is deleted, the last of them first.
type difference struct {
	add, replace []filterKey
	del          []filterKey
	move         []filterKey // to another priority: add, then delete
	moved        bool        // nothing but places changes
}

func (d *difference) empty() bool { return len(d.add)+len(d.replace)+len(d.del)+len(d.move) == 0 }

func (c *chain) difference() *difference {
	d := &difference{moved: true}
	for k, w := range c.want {
		h := c.have[k]
		switch {
		case h == nil:
			d.add = append(d.add, k)
		case h.filter.Prio != w.filter.Prio || h.filter.Protocol != w.filter.Protocol || h.filter.Flags != w.filter.Flags:
			d.move = append(d.move, k)
			d.moved = d.moved && same(&h.filter, &w.filter)
		case h.form != nil && h.form == w.form && h.mark == w.mark && h.mark.role == rolePath:
		case !same(&h.filter, &w.filter):
			d.replace = append(d.replace, k)
		}
	}
	for k := range c.have {
		if c.want[k] == nil {
			d.del = append(d.del, k)
		}
	}
	d.moved = d.moved && len(d.add)+len(d.replace)+len(d.del) == 0
	for _, list := range []*[]filterKey{&d.add, &d.replace, &d.move, &d.del} {
		slices.SortFunc(*list, func(a, b filterKey) int {
			return cmp.Or(cmp.Compare(c.prio(a), c.prio(b)), cmp.Compare(a.wide, b.wide), cmp.Compare(a.part, b.part), cmp.Compare(a.where, b.where))
		})
	}
	return d
}

func (c *chain) prio(k filterKey) uint16 {
	if w := c.want[k]; w != nil {
		return w.filter.Prio
	}
	return c.have[k].filter.Prio
}

// same tells whether two filters at one place match and do the same.
func same(a, b *flower.Filter) bool {
	return reflect.DeepEqual(a.Match, b.Match) && reflect.DeepEqual(a.Actions, b.Actions)
}

// independent tells whether no packet meets two of the changes: then they can be made one after the other, and each packet sees the
// chain as it was or as it will be.
func (c *chain) independent(d *difference) bool {
	if len(c.stray) > 0 {
		return false
	}
	changes := &overlaps[string]{}
	seen := map[string]bool{}
	for _, k := range slices.Concat(d.add, d.replace, d.move, d.del) {
		if k.wide == endKey || seen[k.wide] {
			continue // what comes to the end comes to the fallback in any case
		}
		seen[k.wide] = true
		for _, wide := range c.wides(k) {
			if wide == nil {
				return false
			}
			alone := true
			changes.each(*wide, func(o string) bool { alone = o == k.wide; return alone })
			if !alone {
				return false
			}
			changes.add(*wide, k.wide)
		}
	}
	return true
}

// wides are the matches of a filter as it is and as it shall be; nil for one that is not known.
func (c *chain) wides(k filterKey) (list []*ir.Match) {
	if w := c.want[k]; w != nil {
		list = append(list, &w.wide)
	}
	if h := c.have[k]; h != nil && !h.known {
		list = append(list, nil)
	} else if h != nil && len(list) == 0 {
		list = append(list, &h.wide)
	}
	return list
}
