package flatten_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

// view is what changes add up to for somebody who only sees changes.
type view map[flatten.SegmentID][]*flatten.Path

// take follows changes and holds what they say against the segments.
func (v view) take(t *rapid.T, f *flatten.Flattener, changes []flatten.Change) {
	for _, c := range changes {
		old := map[flatten.PathID]*flatten.Path{}
		for _, p := range v[c.ID] {
			old[p.ID] = p
		}
		for _, p := range c.Removed {
			if old[p.ID] == nil {
				t.Fatalf("%s: path %016x is removed and was not there", c.ID, uint64(p.ID))
			}
			delete(old, p.ID)
		}
		for _, p := range c.Relabelled {
			if old[p.ID] == nil {
				t.Fatalf("%s: path %016x is relabelled and was not there", c.ID, uint64(p.ID))
			}
			old[p.ID] = p
		}
		for _, p := range c.Added {
			if old[p.ID] != nil {
				t.Fatalf("%s: path %016x is added and was there", c.ID, uint64(p.ID))
			}
			old[p.ID] = p
		}
		if c.Segment == nil {
			if len(old) > 0 {
				t.Fatalf("%s is gone but has paths left", c.ID)
			}
			delete(v, c.ID)
			continue
		}
		if len(old) != len(c.Segment.Paths) {
			t.Fatalf("%s: %d paths by changes, %d in the segment", c.ID, len(old), len(c.Segment.Paths))
		}
		var stay []flatten.PathID
		for _, p := range c.Segment.Paths {
			if old[p.ID] != p {
				t.Fatalf("%s: path %016x is another one by changes", c.ID, uint64(p.ID))
			}
		}
		for _, p := range v[c.ID] {
			if old[p.ID] != nil {
				stay = append(stay, p.ID)
			}
		}
		i := 0
		for _, p := range c.Segment.Paths {
			if i < len(stay) && stay[i] == p.ID {
				i++
			}
		}
		if c.Reordered == (i == len(stay)) {
			t.Fatalf("%s: Reordered is %v", c.ID, c.Reordered)
		}
		v[c.ID] = c.Segment.Paths
	}
	n := 0
	for s := range f.Segments() {
		n++
		if !slices.Equal(v[s.ID], s.Paths) {
			t.Fatalf("%s differs from what changes add up to", s.ID)
		}
	}
	if n != len(v) {
		t.Fatalf("%d segments, %d by changes", n, len(v))
	}
}

// After random changes the paths are those of a Flattener that starts now, and do what
// the pipeline does.
func TestIncrementalEqualsFresh(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := config(t)
		f := flatten.New(c)
		rules := map[ir.RuleID]ir.Rule{}
		v := view{}
		apply := func(d backend.Delta) {
			if d.Reset {
				clear(rules)
			}
			for _, id := range d.Del {
				delete(rules, id)
			}
			for _, r := range d.Put {
				rules[r.ID] = r
			}
			v.take(t, f, f.Apply(d))
		}
		apply(backend.Delta{Put: unique(flattentest.Pipeline().Draw(t, "rules"))})
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			d := backend.Delta{}
			for range rapid.IntRange(0, 2).Draw(t, "new") {
				r := flattentest.Rule().Draw(t, "rule")
				r.Owner.UUID[0] = byte(rapid.IntRange(0, 1).Draw(t, "owner"))
				d.Put = append(d.Put, r)
			}
			d.Put = unique(d.Put)
			if ids := slices.Sorted(maps.Keys(rules)); len(ids) > 0 {
				for range rapid.IntRange(0, 2).Draw(t, "old") {
					d.Del = append(d.Del, rapid.SampledFrom(ids).Draw(t, "gone"))
				}
				if rapid.IntRange(0, 3).Draw(t, "relabel") == 0 {
					r := rules[rapid.SampledFrom(ids).Draw(t, "relabelled")]
					r.Owner.UUID[0] ^= 1
					d.Put = unique(append(d.Put, r))
				}
			}
			if rapid.IntRange(0, 15).Draw(t, "reset") == 0 {
				d = backend.Delta{Reset: true, Put: unique(flattentest.Pipeline().Draw(t, "other rules"))}
			}
			apply(d)
			fresh := flatten.New(c)
			fresh.Apply(backend.Delta{Put: slices.Collect(maps.Values(rules))})
			if got, want := flattentest.Content(f), flattentest.Content(fresh); got != want {
				t.Fatalf("after the change del %x put %v\n%s", d.Del, d.Put, flattentest.Difference(got, want))
			}
		}
		agree(t, f, slices.Collect(maps.Values(rules)), c, rapid.SliceOfN(flattentest.Packet(), 1, 4).Draw(t, "packets"), map[string]int{})
	})
}
