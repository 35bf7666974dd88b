package ir_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/ir/irtest"
)

func TestMatchIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := irtest.Match().Draw(t, "match")
		terms := slices.Collect(m.Terms())
		for i, x := range terms {
			switch {
			case i > 0 && terms[i-1].Field >= x.Field:
				t.Fatalf("%s: terms are not in field order", m)
			case x.Field.Info().View:
				t.Fatalf("%s: has a view", m)
			case x.Mask.IsZero() || x.Mask.Len() > x.Field.Width() || x.Value.And(x.Mask) != x.Value:
				t.Fatalf("%s: bad mask", m)
			}
		}
		// The order in which terms are given does not matter, nor saying them twice.
		shuffled := rapid.Permutation(append(terms, terms...)).Draw(t, "shuffled")
		if again, ok := ir.NewMatch(shuffled...); !ok || again != m {
			t.Fatalf("%s from other order is %s, %t", m, again, ok)
		}
	})
}

// agrees tells whether a packet whose fields are v passes x.
func agrees(x ir.Term, v ir.Value) bool { return v.And(x.Mask) == x.Value }

func TestAndIsConjunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few bits of one field, so that contradictions and overlaps are frequent.
		term := rapid.Custom(func(t *rapid.T) ir.Term {
			mask := uint64(rapid.IntRange(1, 15).Draw(t, "mask"))
			return ir.Masked(ir.Reg0, uint64(rapid.IntRange(0, 15).Draw(t, "value")), mask)
		})
		a, b := term.Draw(t, "a"), term.Draw(t, "b")
		both, ok := ir.MustMatch(a).And(ir.MustMatch(b))
		any := false
		for n := range uint64(16) {
			v := ir.V(n)
			want := agrees(a, v) && agrees(b, v)
			any = any || want
			x, _ := both.Term(ir.Reg0)
			if ok && agrees(x, v) != want {
				t.Fatalf("%s and %s is %s: wrong for %s", a, b, both, v)
			}
		}
		if ok != any {
			t.Fatalf("%s and %s: ok = %t, but satisfiable = %t", a, b, ok, any)
		}
	})
}

func TestAndWithAny(t *testing.T) {
	m := ir.MustMatch(ir.Exact(ir.EthType, 0x800))
	var all ir.Match
	if got, ok := m.And(all); !ok || got != m {
		t.Errorf("m and any = %s, %t", got, ok)
	}
	if got, ok := all.And(m); !ok || got != m {
		t.Errorf("any and m = %s, %t", got, ok)
	}
	if !all.IsAny() || m.IsAny() {
		t.Error("IsAny")
	}
}

func TestViewsAreSplit(t *testing.T) {
	v := ir.Value{Hi: 0x00010002_00030004, Lo: 0x00050006_00070008}
	got := ir.MustMatch(ir.Term{Field: ir.XXReg1, Value: v, Mask: ir.Ones(128)})
	want := ir.MustMatch(ir.Exact(ir.Reg4, 0x10002), ir.Exact(ir.Reg5, 0x30004), ir.Exact(ir.Reg6, 0x50006), ir.Exact(ir.Reg7, 0x70008))
	if got != want {
		t.Errorf("xxreg1 is %s, want %s", got, want)
	}
	low := ir.MustMatch(ir.Masked(ir.XReg1, 7, 0xff))
	if low != ir.MustMatch(ir.Masked(ir.Reg3, 7, 0xff)) {
		t.Errorf("low bits of xreg1 are %s", low)
	}
	if _, ok := ir.NewMatch(ir.Exact(ir.XReg0, 1), ir.Exact(ir.Reg1, 2)); ok {
		t.Error("xreg0=1 and reg1=2 do not contradict")
	}
}

func TestMatchString(t *testing.T) {
	m := ir.MustMatch(ir.Masked(ir.CTState, ir.CTTrk, ir.CTTrk|ir.CTNew), ir.Exact(ir.Inport, 3), ir.Masked(ir.IP4Src, 0x0a000000, 0xff000000))
	const want = "inport=3, ct_state=32/33, ip4.src=0xa000000/0xff000000"
	if m.String() != want {
		t.Errorf("String = %s, want %s", m, want)
	}
	if (ir.Match{}).String() != "any" {
		t.Error("the zero match is not any")
	}
}

func TestMustMatchPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	ir.MustMatch(ir.Exact(ir.Reg0, 1), ir.Exact(ir.Reg0, 2))
}

func TestTermOf(t *testing.T) {
	got := ir.TermOf(ir.Bits(ir.Flags, ir.FlagNetworkID, 4), ir.V(5))
	if want := ir.Masked(ir.Flags, 5<<28, 15<<28); got != want {
		t.Errorf("TermOf = %s, want %s", got, want)
	}
}
