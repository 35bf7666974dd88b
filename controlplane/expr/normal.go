package expr

import "github.com/sluice-gw/sluice/controlplane/ir"

// sum is a disjunction of prods. An empty, non-nil sum is false. A sum that is true
// has a prod without terms and dimensions.
type sum []prod

// prod is a conjunction: base, and one alternative of each dimension.
type prod struct {
	base cube
	dims []dim
}

// dim is a disjunction in one of two forms: prefixes of the bits sub, when sub.N is
// not 0, or cubes. No dim has fewer than two alternatives. On a field that must be in
// every rule there are only the sets that an inequality makes ("eth.type is neither
// 0x800 nor 0x86dd"), which wait for another term to decide them.
type dim struct {
	sub   ir.Sub
	set   prefixes
	cubes []cube
}

func (d dim) size() int { return len(d.set) + len(d.cubes) }

var (
	sumFalse = sum{}
	sumTrue  = sum{{}}
)

func (p prod) isTrue() bool { return len(p.base) == 0 && len(p.dims) == 0 }

func (s sum) isTrue() bool {
	for _, p := range s {
		if p.isTrue() {
			return true
		}
	}
	return false
}

// term is the term of prefix p of the bits sub.
func (p prefix) term(sub ir.Sub) ir.Term {
	ofs := int(sub.Ofs)
	return ir.Term{Field: sub.Field, Value: p.v.Shl(ofs), Mask: p.mask(int(sub.N)).Shl(ofs)}
}

// alternatives are the cubes of d that base allows, without what base says already.
// trivial is true when one of them is nothing more than base.
func (d dim) alternatives(base cube) (alts []cube, trivial bool) {
	if d.sub.N == 0 {
		alts = make([]cube, 0, len(d.cubes))
		for _, c := range d.cubes {
			if base.conflicts(c) {
				continue
			}
			if base.implies(c) {
				return nil, true
			}
			alts = append(alts, c)
		}
		return alts, false
	}
	alts = make([]cube, 0, len(d.set))
	parts := max(1, len(d.sub.Field.Parts()))
	terms := make([]ir.Term, 0, parts*len(d.set))
	for _, p := range d.set {
		at := len(terms)
		c, _ := cube(terms[at:at:cap(terms)]).add(p.term(d.sub))
		if base.conflicts(c) {
			continue
		}
		if base.implies(c) {
			return nil, true
		}
		terms = terms[:at+len(c)]
		alts = append(alts, c[:len(c):len(c)])
	}
	return alts, false
}

// setDim makes the sum "sub is in set": false, one term or a dimension.
func setDim(sub ir.Sub, set prefixes) sum {
	switch {
	case len(set) == 0:
		return sumFalse
	case len(set) == 1:
		if set[0].n == 0 {
			return sumTrue
		}
		c, _ := cube(nil).add(set[0].term(sub))
		return sum{{base: c}}
	case mustCross(sub.Field):
		s := make(sum, len(set))
		for i, p := range set {
			s[i].base = cube{p.term(sub)}
		}
		return s
	}
	return sum{{dims: []dim{{sub: sub, set: set}}}}
}

// cubesDim makes the sum "one of cubes".
func cubesDim(cubes []cube) sum {
	cubes = absorb(cubes)
	switch len(cubes) {
	case 0:
		return sumFalse
	case 1:
		return sum{{base: cubes[0]}}
	}
	return sum{{dims: []dim{{cubes: cubes}}}}
}

// absorbLimit bounds the quadratic search of absorb.
const absorbLimit = 256

// absorb removes cubes that are inside another, unless there are very many.
func absorb(cubes []cube) []cube {
	if len(cubes) <= 1 {
		return cubes
	}
	if len(cubes) > absorbLimit {
		seen := make(map[string]bool, len(cubes))
		out := cubes[:0:0]
		for _, c := range cubes {
			if k := c.key(); !seen[k] {
				seen[k] = true
				out = append(out, c)
			}
		}
		return out
	}
	out := make([]cube, 0, len(cubes))
next:
	for i, c := range cubes {
		for j, o := range cubes {
			if i != j && c.implies(o) && (j < i || !o.implies(c)) {
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}
