package expr

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// or is the disjunction of the prods of s, with those that differ in one place
// joined: prods without dimensions that agree in the fields that every rule must
// have become one prod with a dimension of the rest.
func (c *compiler) or(s sum) sum {
	if len(s) <= 1 {
		return s
	}
	if s.isTrue() {
		return sumTrue
	}
	out := make(sum, 0, len(s))
	plain := make([]cube, 0, len(s))
	for _, p := range s {
		if len(p.dims) != 0 {
			out = append(out, p)
		} else {
			plain = append(plain, p.base)
		}
	}
	slices.SortStableFunc(plain, compareMust)
	for len(plain) > 0 {
		n := 1
		for n < len(plain) && compareMust(plain[0], plain[n]) == 0 {
			n++
		}
		out = append(out, group(plain[:n:n]))
		plain = plain[n:]
	}
	return joinDims(out)
}

// compareMust orders cubes by their terms on fields that every rule must have.
func compareMust(a, b cube) int {
	for {
		for len(a) > 0 && !mustCross(a[0].Field) {
			a = a[1:]
		}
		for len(b) > 0 && !mustCross(b[0].Field) {
			b = b[1:]
		}
		switch {
		case len(a) == 0 || len(b) == 0:
			return len(a) - len(b)
		case a[0].Field != b[0].Field:
			return int(a[0].Field) - int(b[0].Field)
		case a[0].Value != b[0].Value:
			return a[0].Value.Cmp(b[0].Value)
		case a[0].Mask != b[0].Mask:
			return a[0].Mask.Cmp(b[0].Mask)
		}
		a, b = a[1:], b[1:]
	}
}

// group is the disjunction of cubes that have the same must part, as one prod.
func group(cubes []cube) prod {
	cubes = absorb(cubes)
	if len(cubes) == 1 {
		return prod{base: cubes[0]}
	}
	common := cubes[0].clone()
	for _, c := range cubes[1:] {
		common = common.shared(c)
	}
	rest := make([]cube, len(cubes))
	for i, c := range cubes {
		rest[i] = c.without(common)
	}
	if d, ok := oneField(rest); ok {
		s := setDim(d.sub, d.set)
		// Two values of a field may have become one: 0/1 and 1/1 are everything.
		p, ok := prod{base: common}.with(s[0])
		if ok {
			return p
		}
	}
	return prod{base: common, dims: []dim{{cubes: rest}}}
}

// shared is the terms that c and o have both, in the memory of c.
func (c cube) shared(o cube) cube {
	r := c[:0]
	for _, t := range c {
		if u, ok := o.term(t.Field); ok && u == t {
			r = append(r, t)
		}
	}
	return r
}

// oneField makes a set of prefixes of cubes that are all prefixes of one field.
func oneField(cubes []cube) (d dim, ok bool) {
	for i, c := range cubes {
		if len(c) != 1 || c[0].Field != cubes[0][0].Field {
			return d, false
		}
		w := c[0].Field.Width()
		n, ok := prefixLen(c[0].Mask, w)
		if !ok {
			return d, false
		}
		if i == 0 {
			d.sub = ir.All(c[0].Field)
		}
		d.set = append(d.set, prefix{c[0].Value, uint8(n)})
	}
	d.set = d.set.normal(int(d.sub.N), maskable(d.sub.Field) && !isPort(d.sub.Field))
	return d, true
}

// isPort tells whether f holds the key of a port, which rules should name exactly.
func isPort(f ir.Field) bool { return f == ir.Inport || f == ir.Outport }

// joinDims joins prods with one set of the same bits each and an equal base, and
// single values into such sets.
func joinDims(s sum) sum {
	if len(s) == 1 || !slices.ContainsFunc(s, func(p prod) bool { return len(p.dims) == 1 && p.dims[0].sub.N != 0 }) {
		return s
	}
	out := s[:0:0]
	for _, p := range s {
		if i := sameButSet(out, p); i >= 0 {
			out[i] = out[i].joinSet(p)
		} else {
			out = append(out, p)
		}
	}
	return out
}

// joinSearch bounds the search of sameButSet.
const joinSearch = 64

// sameButSet finds a prod among the first in s that differs from p in nothing but
// one set.
func sameButSet(s sum, p prod) int {
	for i, q := range s[:min(len(s), joinSearch)] {
		if _, ok := asValue(p, q); ok {
			return i
		}
		if _, ok := asValue(q, p); ok {
			return i
		}
	}
	return -1
}

// asValue tells whether p is the base of q and a value of q's only set.
func asValue(p, q prod) (set prefixes, ok bool) {
	if len(q.dims) != 1 || q.dims[0].sub.N == 0 {
		return nil, false
	}
	sub := q.dims[0].sub
	if mustCross(sub.Field) {
		return nil, false // an inequality, which is no set to add to
	}
	if len(p.dims) == 1 {
		return p.dims[0].set, p.dims[0].sub == sub && p.base.equal(q.base)
	}
	if len(p.dims) != 0 || len(p.base) != len(q.base)+1 || !sub.Whole() {
		return nil, false
	}
	t, ok := p.base.term(sub.Field)
	if !ok || !p.base.without(cube{t}).equal(q.base) {
		return nil, false
	}
	n, ok := prefixLen(t.Mask, int(sub.N))
	return prefixes{{t.Value, uint8(n)}}, ok
}

// joinSet is the disjunction of p and q, which differ in one set.
func (p prod) joinSet(q prod) prod {
	set, ok := asValue(q, p)
	if !ok {
		p, q = q, p
		set, _ = asValue(q, p)
	}
	d := p.dims[0]
	all := append(append(prefixes(nil), d.set...), set...)
	s := setDim(d.sub, all.normal(int(d.sub.N), maskable(d.sub.Field) && !isPort(d.sub.Field)))
	r, ok := prod{base: p.base}.with(s[0])
	if !ok {
		return p // cannot be: q is p but for the set
	}
	return r
}
