package rules

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// rule is the n-th of a family of different rules.
func rule(n int, owner ir.Owner) ir.Rule {
	return ir.NewRule(ir.LocalOutput, uint16(n), 1, ir.MustMatch(ir.Exact(ir.Reg0, uint64(n))), nil,
		ir.NewProgram(ir.ToPort{Port: uint32(n)}), owner)
}

// target is what the deltas add up to.
type target map[ir.RuleID]ir.Rule

func (x target) apply(t interface{ Fatalf(string, ...any) }, d backend.Delta) {
	for _, id := range d.Del {
		if _, ok := x[id]; !ok {
			t.Fatalf("the delta deletes %x, which is not there", id)
		}
		delete(x, id)
	}
	for _, r := range d.Put {
		if have, ok := x[r.ID]; ok && have.Owner.Cookie() == r.Owner.Cookie() {
			t.Fatalf("the delta puts %s, which is there for the same owner", r)
		}
		if r.Program == nil {
			t.Fatalf("the delta puts an empty rule")
		}
		x[r.ID] = r
	}
}

// TestDeltasAddUp: whatever owners state, in whatever order, the deltas add up to
// the union of what they state now, and none says anything needless.
func TestDeltasAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, x := NewSet(), target{}
		stated := map[Key][]int{}
		for range rapid.IntRange(1, 40).Draw(t, "operations") {
			if rapid.IntRange(0, 4).Draw(t, "take") == 0 {
				var d backend.Delta
				pending := s.Pending()
				s.Take(&d)
				if pending != (len(d.Put)+len(d.Del) > 0) {
					t.Fatalf("Pending says %v, the delta has %d and %d rules", pending, len(d.Put), len(d.Del))
				}
				x.apply(t, d)
				continue
			}
			k := Key{Owner: ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: [16]byte{byte(rapid.IntRange(0, 3).Draw(t, "owner"))}},
				Part: uint8(rapid.IntRange(0, 1).Draw(t, "part"))}
			ns := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 5).Draw(t, "rules")
			var rs []ir.Rule
			for _, n := range ns {
				rs = append(rs, rule(n, k.Owner))
			}
			before := slices.Sorted(maps.Keys(ids(stated[k])))
			changed := s.Put(k, rs)
			if now := slices.Sorted(maps.Keys(ids(ns))); changed == slices.Equal(before, now) {
				t.Fatalf("Put says changed=%v from %v to %v", changed, before, now)
			}
			stated[k] = ns
			if s.Has(k) != (len(ns) > 0) {
				t.Fatalf("Has(%v) is %v with rules %v", k, s.Has(k), ns)
			}
		}
		var d backend.Delta
		s.Take(&d)
		x.apply(t, d)
		want := map[ir.RuleID]bool{}
		for _, ns := range stated {
			maps.Copy(want, ids(ns))
		}
		if got := slices.Sorted(maps.Keys(x)); !slices.Equal(got, slices.Sorted(maps.Keys(want))) || s.Len() != len(want) {
			t.Fatalf("the deltas add up to %x, Len is %d; the owners state %v", got, s.Len(), stated)
		}
		keys := map[Key]bool{}
		s.Keys(func(k Key) { keys[k] = true })
		for k, ns := range stated {
			if keys[k] != (len(ns) > 0) {
				t.Fatalf("Keys yields %v: %v, it has %v", k, keys[k], ns)
			}
		}
	})
}

func ids(ns []int) map[ir.RuleID]bool {
	m := map[ir.RuleID]bool{}
	for _, n := range ns {
		m[rule(n, ir.Owner{}).ID] = true
	}
	return m
}

func TestResetForgetsEverything(t *testing.T) {
	s := NewSet()
	k := Key{Owner: ir.Owner{Kind: ir.OwnerChassis}}
	s.Put(k, []ir.Rule{rule(1, k.Owner)})
	s.Take(&backend.Delta{})
	s.Put(k, nil)
	s.Reset()
	if s.Pending() || s.Len() != 0 || s.Has(k) {
		t.Error("a set that was reset still has something")
	}
	s.Put(k, []ir.Rule{rule(1, k.Owner)})
	var d backend.Delta
	s.Take(&d)
	if len(d.Put) != 1 || len(d.Del) != 0 {
		t.Errorf("after the reset the delta has %d rules and %d deletions, want 1 and 0", len(d.Put), len(d.Del))
	}
}

func BenchmarkPutUnchanged(b *testing.B) {
	s := NewSet()
	k := Key{Owner: ir.Owner{Kind: ir.OwnerLogicalFlow}}
	rs := make([]ir.Rule, 50)
	for i := range rs {
		rs[i] = rule(i, k.Owner)
	}
	s.Put(k, rs)
	for b.Loop() {
		s.Put(k, rs)
	}
}
