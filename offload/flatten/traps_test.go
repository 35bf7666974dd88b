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

// What is found is what has a packet in common, whatever fields tell matches apart.
func TestOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		match := rapid.Custom(func(t *rapid.T) ir.Match {
			var terms []ir.Term
			for _, f := range []ir.Field{ir.IP4Dst, ir.EthType, ir.IPProto, ir.IP6Src} {
				if rapid.Bool().Draw(t, "asks") {
					mask := rapid.SampledFrom([]ir.Value{ir.Ones(f.Width()), ir.V(1), ir.V(3)}).Draw(t, "mask")
					terms = append(terms, ir.Term{Field: f, Value: ir.V(rapid.Uint64Range(0, 3).Draw(t, "value")).And(mask), Mask: mask})
				}
			}
			return ir.MustMatch(terms...)
		})
		filed := rapid.SliceOfN(match, 0, 10).Draw(t, "filed")
		o := &flatten.Overlaps{}
		for i, m := range filed {
			o.Add(m, i)
		}
		m := match.Draw(t, "match")
		var got, want []int
		o.Each(m, func(n int) bool { got = append(got, n); return true })
		slices.Sort(got)
		for i, f := range filed {
			if _, common := f.And(m); common {
				want = append(want, i)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s: got %v, want %v of %v", m, got, want, filed)
		}
		calls := 0
		o.Each(m, func(int) bool { calls++; return false })
		if calls > 1 {
			t.Fatal("it goes on though it was told to stop")
		}
	})
}
