package flatten_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

func config(t *rapid.T) flatten.Config {
	c := flatten.Config{
		Paths: rapid.SampledFrom([]int{0, 0, 0, 20}).Draw(t, "paths"), Cut: rapid.IntRange(0, 3).Draw(t, "cut"),
		CanHash: rapid.Bool().Draw(t, "hash"), CanTags: rapid.Bool().Draw(t, "tags"), CanLength: rapid.Bool().Draw(t, "length"),
		Workers: 1, Handover: rapid.Bool().Draw(t, "handover"),
	}
	if rapid.Bool().Draw(t, "control") {
		c.Control = flatten.NeighbourTraffic()
	}
	return c
}

// unique leaves out rules of the same content.
func unique(rules []ir.Rule) []ir.Rule {
	byID := map[ir.RuleID]ir.Rule{}
	for _, r := range rules {
		byID[r.ID] = r
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b ir.Rule) int { return cmp.Compare(a.ID, b.ID) })
}

// agree sends the same packets through the pipeline and through the paths.
func agree(t *rapid.T, f *flatten.Flattener, rules []ir.Rule, c flatten.Config, packets []*ir.Packet, hits map[string]int) {
	agreeGuarded(t, f, rules, c, nil, packets, hits)
}

func agreeGuarded(t *rapid.T, f *flatten.Flattener, rules []ir.Rule, c flatten.Config, guards map[uint32][]ir.Match, packets []*ir.Packet, hits map[string]int) {
	bucket := rapid.IntRange(0, 1).Draw(t, "bucket")
	options := func() (ir.Options, *ir.Conntrack) {
		ct := ir.NewConntrack()
		return ir.Options{CT: ct, Choose: flattentest.Choose(c.CanHash, bucket)}, ct
	}
	pl := ir.NewPipeline(rules...)
	o, ct := options()
	m := &flattentest.Machine{Paths: f, Fallback: ir.NewPipeline(rules...), Handover: c.Handover, Guards: guards, Hits: hits, Bare: rapid.Bool().Draw(t, "bare")}
	var machineCT *ir.Conntrack
	m.Options, machineCT = options()
	for i, p := range packets {
		if f.Segment(flatten.IngressID(uint32(p.Get(ir.InPort).Lo))) == nil {
			continue
		}
		o.Trace = true
		want, err := pl.Evaluate(p, ir.PhyToLog, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Run(p)
		if err != nil {
			t.Fatalf("packet %d %s: %v", i, p, err)
		}
		if g, w := flattentest.Text(got), flattentest.Text(want); g != w {
			t.Fatalf("packet %d %s: got\n%s\nwant\n%s\ntrace\n%s\n%s", i, p, g, w, want.Trace, show(f))
		}
		if g, w := flattentest.Connections(machineCT), flattentest.Connections(ct); g != w {
			t.Fatalf("packet %d %s: connections\n%s\nwant\n%s\ntrace\n%s\n%s", i, p, g, w, want.Trace, show(f))
		}
	}
}

func show(f *flatten.Flattener) string {
	var b strings.Builder
	for seg := range f.Segments() {
		fmt.Fprintf(&b, "%s at %s\n", seg.ID, seg.Stage)
		for _, p := range seg.Paths {
			fmt.Fprintf(&b, "  %s\n", p)
		}
	}
	return b.String()
}

func TestPathsDoWhatThePipelineDoes(t *testing.T) {
	hits := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		rules := unique(flattentest.Pipeline().Draw(t, "rules"))
		c := config(t)
		f := flatten.New(c)
		f.Apply(backend.Delta{Put: rules})
		packets := rapid.SliceOfN(flattentest.Packet(), 1, 10).Draw(t, "packets")
		agree(t, f, rules, c, packets, hits)
	})
	t.Log(hits)
}
