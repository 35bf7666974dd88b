package plan

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

// run drives a planner with random events.
type run struct {
	*rapid.T
	p     *Planner
	m     *model
	rules map[ir.RuleID]ir.Rule
	now   time.Time
	codes map[Code]int
	steps map[int]int // how many deltas it took

	same    bool // the rules are what they were
	packets []*ir.Packet
	hits    map[string]int
}

func (r *run) rulesChange() {
	d := backend.Delta{}
	for range rapid.IntRange(0, 2).Draw(r.T, "new") {
		x := flattentest.Rule().Draw(r.T, "rule")
		d.Put = append(d.Put, x)
	}
	if ids := slices.Sorted(maps.Keys(r.rules)); len(ids) > 0 {
		for range rapid.IntRange(0, 2).Draw(r.T, "old") {
			d.Del = append(d.Del, rapid.SampledFrom(ids).Draw(r.T, "gone"))
		}
	}
	if mostly(r.T, "meters") {
		d.Meters = []backend.Meter{{Name: "m", PacketRate: rapid.Bool().Draw(r.T, "packets")}}
	} else {
		d.DelMeters = []string{"m"}
	}
	r.apply(d)
}

func (r *run) apply(d backend.Delta) {
	for _, id := range d.Del {
		delete(r.rules, id)
	}
	for _, x := range d.Put {
		r.rules[x.ID] = x
	}
	r.p.Apply(d)
}

// refuse has the target say no to some entries.
func (r *run) refuse() {
	report := offload.Report{Revision: r.m.revision}
	for _, id := range slices.SortedFunc(maps.Keys(r.m.tables), flatten.CompareIDs) {
		for _, e := range r.m.tables[id].Entries {
			if rapid.IntRange(0, 15).Draw(r.T, "refuse") == 0 {
				kind := rapid.SampledFrom([]backend.Kind{backend.Unsupported, backend.Full, backend.Transient, backend.Invalid}).Draw(r.T, "kind")
				report.Failures = append(report.Failures, offload.Failure{Segment: id, Path: e.Path.ID, Kind: kind, Detail: "no"})
			}
		}
	}
	r.p.Report(r.now, report)
}

// count has entries count packets.
func (r *run) count() {
	var cs []offload.Counter
	for _, id := range slices.SortedFunc(maps.Keys(r.m.tables), flatten.CompareIDs) {
		for _, e := range r.m.tables[id].Entries {
			if n := rapid.Uint64Range(0, 1000).Draw(r.T, "packets"); n > 0 {
				cs = append(cs, offload.Counter{Segment: id, Path: e.Path.ID, Trap: e.Trap, Packets: n, Bytes: 100 * n, HWPackets: n / 2, HWBytes: 50 * n})
			}
		}
	}
	soft := map[ir.RuleID]uint64{}
	for id := range r.rules {
		soft[id] = uint64(id) % 1000 * uint64(r.now.Unix()%100)
	}
	r.p.Observe(r.now, slices.Values(cs), maps.All(soft))
}

func (r *run) step() {
	r.now = r.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(r.T, "seconds")) * time.Second)
	r.same = true
	switch rapid.IntRange(0, 9).Draw(r.T, "event") {
	case 0, 1, 2:
		r.same = false
		r.rulesChange()
	case 3:
		n := uint32(rapid.IntRange(1, 5).Draw(r.T, "which"))
		if mostly(r.T, "plugged") {
			r.p.SetPorts([]offload.Port{somePort(r.T, n)}, nil)
		} else {
			r.p.SetPorts(nil, []uint32{n})
		}
	case 4:
		r.same = false // there are other paths
		r.p.SetCaps(someCaps(r.T))
	case 5, 6:
		r.refuse()
	case 7, 8:
		r.count()
	case 9:
		r.p.Restart()
	}
}

// whole tells whether there are all tables that others jump to.
func (r *run) whole() bool {
	for _, t := range r.m.tables {
		for _, e := range t.Entries {
			if !e.Trap && e.Path.Jump != nil && r.m.tables[e.Path.Jump.To] == nil {
				return false
			}
		}
	}
	return true
}

// check takes what is to be told and holds everything against everything else.
func (r *run) check() {
	steps := 0
	for d, ok := r.p.Delta(r.now); ok; d, ok = r.p.Delta(r.now) {
		r.m.apply(r.T, d, func() {
			if r.same && !d.Reset && r.whole() { // then what is in between is right too
				r.m.agree(r.T, r.p, r.packets, map[string]int{})
			}
		})
		if steps++; steps > 50 {
			r.Fatalf("there is always something to tell: %+v", d)
		}
	}
	r.steps[min(steps, 4)]++
	r.m.follows(r.T, r.p)
	r.m.allowed(r.T, &r.p.caps)
	if got, want := r.p.text(), again(r.p).text(); !maps.Equal(got, want) {
		for k, w := range want {
			if got[k] != w {
				r.Errorf("%s: incremental %q, fresh %q", k, got[k], w)
			}
		}
		r.Fatalf("%d lines incremental, %d fresh", len(got), len(want))
	}
	for s := range r.p.Paths() {
		if s.Reason != nil {
			r.codes[s.Reason.Code]++
		}
	}
}

// Whatever happens, what the target has does what the pipeline does, is what the
// target can do, has traps in front, fits, and is what would be decided from scratch.
func TestPlacement(t *testing.T) {
	codes, hits, steps := map[Code]int{}, map[string]int{}, map[int]int{}
	rapid.Check(t, func(t *rapid.T) {
		r := &run{T: t, m: &model{}, rules: map[ir.RuleID]ir.Rule{}, now: time.Unix(1000, 0), codes: codes, hits: hits, steps: steps}
		r.packets = rapid.SliceOfN(flattentest.Packet(), 3, 12).Draw(t, "packets")
		r.p = New(flatten.Config{Cut: rapid.IntRange(0, 3).Draw(t, "cut"), Paths: rapid.SampledFrom([]int{0, 0, 20}).Draw(t, "paths"), Workers: 1})
		for n := range uint32(5) {
			r.p.SetPorts([]offload.Port{somePort(t, n+1)}, nil)
		}
		if mostly(t, "generous") {
			c := generous()
			c.Handover.Can = rapid.Bool().Draw(t, "handover")
			r.p.SetCaps(c)
		} else {
			r.p.SetCaps(someCaps(t))
		}
		r.apply(backend.Delta{Put: unique(flattentest.Pipeline().Draw(t, "rules")), Meters: []backend.Meter{{Name: "m"}}})
		r.check()
		for range rapid.IntRange(0, 6).Draw(t, "steps") {
			r.step()
			r.check()
		}
		r.m.agree(t, r.p, r.packets, hits)
	})
	t.Log(hits, codes, "deltas", steps)
	own := 0 // reasons of the placement, not of the paths
	for c := range codes {
		if c >= firstCode {
			own++
		}
	}
	if own < 5 || hits["output"]+hits["jump"]+hits["drop"] < 20 {
		t.Error("hardly a packet met an offloaded path, or a path lacked something: this test tests little")
	}
}

// unique leaves out rules of the same content.
func unique(rules []ir.Rule) []ir.Rule {
	byID := map[ir.RuleID]ir.Rule{}
	for _, r := range rules {
		byID[r.ID] = r
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b ir.Rule) int { return cmp.Compare(a.ID, b.ID) })
}
