package flatten_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// A trap is needed when an offloaded path behind it has a packet in common with it.
func TestTrapsAreThoseInFrontOfAnOverlap(t *testing.T) {
	needed := 0
	rapid.Check(t, func(t *rapid.T) {
		term := rapid.Custom(func(t *rapid.T) ir.Term {
			f := rapid.SampledFrom([]ir.Field{ir.IP4Dst, ir.EthDst, ir.IP6Dst, ir.TunID}).Draw(t, "field")
			mask := ir.Ones(f.Width())
			if rapid.IntRange(0, 2).Draw(t, "masked") == 0 {
				mask = ir.Value{Hi: rapid.Uint64Range(0, 3).Draw(t, "hi"), Lo: rapid.Uint64Range(0, 3).Draw(t, "lo")}.And(mask)
			}
			v := ir.Value{Hi: rapid.Uint64Range(0, 1).Draw(t, "vhi"), Lo: rapid.Uint64Range(0, 3).Draw(t, "vlo")}.And(mask)
			return ir.Term{Field: f, Value: v, Mask: mask}
		})
		path := rapid.Custom(func(t *rapid.T) *flatten.Path {
			m, _ := ir.NewMatch(rapid.SliceOfN(term, 0, 3).Draw(t, "terms")...)
			p := &flatten.Path{Match: m}
			if rapid.Bool().Draw(t, "trap") {
				p.Reason = &flatten.Reason{Code: flatten.Punt}
			}
			return p
		})
		paths := rapid.SliceOfN(path, 0, 20).Draw(t, "paths")
		offloaded := func(p *flatten.Path) bool { return !p.Trap() }
		var want []*flatten.Path
		for i, p := range paths {
			if p.Trap() && slices.ContainsFunc(paths[i+1:], func(o *flatten.Path) bool {
				_, common := p.Match.And(o.Match)
				return offloaded(o) && common
			}) {
				want = append(want, p)
			}
		}
		needed += len(want)
		if got := flatten.Traps(paths, offloaded); !slices.Equal(got, want) {
			t.Fatalf("traps %v, want %v of %v", got, want, paths)
		}
	})
	if needed == 0 {
		t.Error("no trap was needed: this test tests nothing")
	}
}
