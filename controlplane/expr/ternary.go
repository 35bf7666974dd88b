package expr

import "github.com/sluice-gw/sluice/controlplane/ir"

// ternary is the values x with x & m == v.
type ternary struct{ v, m ir.Value }

// maxTernaries bounds the result of taking away values with masks that are no
// prefixes.
const maxTernaries = 1 << 16

// maskedSet is "sub is in set or one of masked" for EQ; for NE, set is the
// complement already and the masked ones are taken away from it.
func (c *compiler) maskedSet(sub ir.Sub, set prefixes, masked []ternary, rel Kind) (sum, error) {
	list := make([]ternary, 0, len(set)+len(masked))
	for _, p := range set {
		list = append(list, ternary{p.v, p.mask(int(sub.N))})
	}
	if rel == EQ {
		list = append(list, masked...)
	} else {
		for _, m := range masked {
			if list = subtract(list, m); len(list) > maxTernaries {
				return nil, ErrTooLarge
			}
		}
	}
	cubes := make([]cube, 0, len(list))
	ofs := int(sub.Ofs)
	for _, t := range list {
		k, _ := cube(nil).add(ir.Term{Field: sub.Field, Value: t.v.Shl(ofs), Mask: t.m.Shl(ofs)})
		cubes = append(cubes, k)
	}
	if !mustCross(sub.Field) {
		for _, k := range cubes {
			if len(k) == 0 {
				return sumTrue, nil
			}
		}
		return cubesDim(cubes), nil
	}
	s := make(sum, 0, len(cubes))
	for _, k := range cubes {
		s = append(s, prod{base: k})
	}
	return s, nil
}

// subtract is what is in list and not in t: each element is cut along the bits of
// t that it leaves open, into pieces that do not overlap. It stops
// short when there are more than maxTernaries.
func subtract(list []ternary, t ternary) []ternary {
	var out []ternary
	for _, e := range list {
		if len(out) > maxTernaries {
			return out
		}
		if !e.v.Xor(t.v).And(e.m).And(t.m).IsZero() {
			out = append(out, e) // apart already
			continue
		}
		open := t.m.And(e.m.Not())
		for open.Len() > 0 {
			bit := ir.V(1).Shl(open.Len() - 1)
			open = open.Xor(bit)
			out = append(out, ternary{e.v.Or(bit.And(t.v.Not())), e.m.Or(bit)})
			e.v, e.m = e.v.Or(bit.And(t.v)), e.m.Or(bit)
		}
	}
	return out
}
