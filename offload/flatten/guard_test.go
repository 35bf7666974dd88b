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

// guards draws what packets are left to the fallback, by port.
func guards(t *rapid.T) map[uint32][]ir.Match {
	all := []ir.Match{ir.MustMatch(ir.Exact(ir.EthSrc, 1)), ir.MustMatch(ir.Exact(ir.EthDst, 0x20)), ir.MustMatch(ir.Masked(ir.EthDst, 1, 1))}
	g := map[uint32][]ir.Match{}
	for _, port := range rapid.SliceOfDistinct(rapid.Uint32Range(1, flattentest.Ports), rapid.ID).Draw(t, "guarded") {
		g[port] = rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, len(all), func(m ir.Match) string { return m.Key() }).Draw(t, "guard")
	}
	return g
}

func TestGuardedPacketsStayInTheFallback(t *testing.T) {
	hits := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		rules := unique(flattentest.Pipeline().Draw(t, "rules"))
		c, g := config(t), guards(t)
		f, v := flatten.New(c), view{}
		// Guards before, between and after the rules have the same result.
		order := rapid.Permutation(slices.Sorted(maps.Keys(g))).Draw(t, "order")
		early := rapid.IntRange(0, len(order)).Draw(t, "early")
		for _, port := range order[:early] {
			v.take(t, f, f.SetGuard(port, g[port]))
		}
		v.take(t, f, f.Apply(backend.Delta{Put: rules}))
		if rapid.Bool().Draw(t, "another before") {
			v.take(t, f, f.SetGuard(1, []ir.Match{ir.MustMatch(ir.Exact(ir.EthSrc, 2))}))
			v.take(t, f, f.SetGuard(1, g[1]))
		}
		for _, port := range order[early:] {
			v.take(t, f, f.SetGuard(port, g[port]))
		}
		fresh := flatten.New(c)
		for port, ms := range g {
			fresh.SetGuard(port, ms)
		}
		fresh.Apply(backend.Delta{Put: rules})
		if got, want := flattentest.Content(f), flattentest.Content(fresh); got != want {
			t.Fatalf("one after the other and at once differ:\n%s", flattentest.Difference(got, want))
		}
		packets := rapid.SliceOfN(flattentest.Packet(), 1, 10).Draw(t, "packets")
		agreeGuarded(t, f, rules, c, g, packets, hits)
	})
	t.Log(hits)
	if hits["bridge"] == 0 || hits["output"] == 0 {
		t.Errorf("too little was tried: %v", hits)
	}
}
