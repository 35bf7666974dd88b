package tc

import "github.com/sluice-gw/sluice/controlplane/ir"

// terms is a match by field.
type terms struct{ val, mask [ir.NumFields]ir.Value }

// of makes t those of a match. A place translates many matches with the same memory.
func (t *terms) of(m ir.Match) *terms {
	*t = terms{}
	for x := range m.Terms() {
		t.val[x.Field], t.mask[x.Field] = x.Value, x.Mask
	}
	return t
}

func (t *terms) asks(f ir.Field) bool  { return !t.mask[f].IsZero() }
func (t *terms) exact(f ir.Field) bool { return t.mask[f] == ir.Ones(f.Width()) }

// known is the value of some bits, if the match fixes all of them.
func (t *terms) known(s ir.Sub) (v ir.Value, ok bool) {
	m := ir.Ones(int(s.N))
	if t.mask[s.Field].Shr(int(s.Ofs)).And(m) != m {
		return ir.Value{}, false
	}
	return t.val[s.Field].Shr(int(s.Ofs)).And(m), true
}

// match is the terms as an ir.Match.
func (t *terms) match() ir.Match {
	var list []ir.Term
	for f := range ir.NumFields {
		if t.asks(f) {
			list = append(list, ir.Term{Field: f, Value: t.val[f], Mask: t.mask[f]})
		}
	}
	return ir.MustMatch(list...) // one term for each field: nothing can contradict
}
