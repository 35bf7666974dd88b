package irtest

import (
	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Value generates values of at most width bits. Small and full values are more
// frequent than chance makes them, because that is where mistakes are.
func Value(width int) *rapid.Generator[ir.Value] {
	return rapid.Custom(func(t *rapid.T) ir.Value {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return ir.Ones(width)
		case 1:
			return ir.V(uint64(rapid.IntRange(0, 3).Draw(t, "small"))).And(ir.Ones(width))
		}
		v := ir.Value{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
		return v.And(ir.Ones(width))
	})
}

// Field generates fields; views (XReg, XXReg) only when views is set.
func Field(views bool) *rapid.Generator[ir.Field] {
	var fs []ir.Field
	for f := ir.FieldNone + 1; f < ir.NumFields; f++ {
		if views || !f.Info().View {
			fs = append(fs, f)
		}
	}
	return rapid.SampledFrom(fs)
}

// Term generates ternary tests of one field, exact, prefix and arbitrary masks.
func Term() *rapid.Generator[ir.Term] {
	return rapid.Custom(func(t *rapid.T) ir.Term { return term(t, Field(true).Draw(t, "field")) })
}

func term(t *rapid.T, f ir.Field) ir.Term {
	w := f.Width()
	mask := ir.Ones(w)
	switch rapid.IntRange(0, 3).Draw(t, "mask kind") {
	case 0:
		n := rapid.IntRange(1, w).Draw(t, "prefix")
		mask = ir.Ones(n).Shl(w - n)
	case 1:
		mask = Value(w).Draw(t, "mask")
		if mask.IsZero() {
			mask = ir.V(1)
		}
	}
	return ir.Term{Field: f, Value: Value(w).Draw(t, "value").And(mask), Mask: mask}
}

// Match generates satisfiable matches of up to 6 terms on any fields. A packet
// that matches need not exist on a wire: prerequisites are not looked at.
func Match() *rapid.Generator[ir.Match] {
	return rapid.Custom(func(t *rapid.T) ir.Match {
		terms := rapid.SliceOfNDistinct(Term(), 0, 6, func(x ir.Term) ir.Field { return x.Field }).Draw(t, "terms")
		var m ir.Match
		for _, x := range terms {
			// A view may contradict one of its registers: such a term is left out.
			if one, ok := ir.NewMatch(x); ok {
				if both, ok := m.And(one); ok {
					m = both
				}
			}
		}
		return m
	})
}

// Sub generates runs of bits of any field that programs may write (or read, when readonly is set).
func Sub(readonly bool) *rapid.Generator[ir.Sub] {
	return rapid.Custom(func(t *rapid.T) ir.Sub {
		f := Field(true).Filter(func(f ir.Field) bool { return readonly || !f.Info().Read }).Draw(t, "field")
		ofs := rapid.IntRange(0, f.Width()-1).Draw(t, "ofs")
		return ir.Bits(f, ofs, rapid.IntRange(1, f.Width()-ofs).Draw(t, "bits"))
	})
}

// subOf generates a readable run of exactly n bits.
func subOf(t *rapid.T, n int) ir.Sub {
	f := Field(true).Filter(func(f ir.Field) bool { return f.Width() >= n }).Draw(t, "field")
	return ir.Bits(f, rapid.IntRange(0, f.Width()-n).Draw(t, "ofs"), n)
}
