package expr

import "github.com/sluice-gw/sluice/controlplane/ir"

// How many cubes a product inside a disjunction may be written out to, in order that
// the disjunction becomes one dimension of another product. The other way is to
// split, which multiplies; with more than manyChoices disjunctions it is worth much
// to avoid it.
const (
	dimLimit     = 64
	manyChoices  = 3
	wideDimLimit = 4096
)

// maxSplits bounds the work of one compilation.
const maxSplits = 1 << 14

// and is the conjunction of sums.
func (c *compiler) and(sums ...sum) (sum, error) {
	if len(sums) == 1 {
		return sums[0], nil
	}
	n := 0
	for _, s := range sums {
		switch len(s) {
		case 0:
			return sumFalse, nil
		case 1:
			n += len(s[0].base)
		}
	}
	// The usual case by itself: nothing but terms.
	base := c.newCube(n)
	var p prod
	var left []sum
	ok := true
	for _, s := range sums {
		if len(s) > 1 {
			left = append(left, s)
			continue
		}
		for _, t := range s[0].base {
			if base, ok = base.addPlain(t); !ok {
				return sumFalse, nil
			}
		}
		for _, d := range s[0].dims {
			if p.dims, ok = withDim(p.dims, d, &base); !ok {
				return sumFalse, nil
			}
		}
	}
	p.base = base
	if len(left) == 0 && len(p.dims) == 0 {
		return c.one(base), nil
	}
	if len(left) == 0 {
		return sum{p}, nil
	}
	var out sum
	if err := c.branch(p, left, &out); err != nil {
		return nil, err
	}
	return c.or(out), nil
}

// withDim adds d to dims. Two sets of values of the same bits become their
// intersection; when that is a single value it goes to base. ok is false when
// nothing is left.
func withDim(dims []dim, d dim, base *cube) (r []dim, ok bool) {
	if d.sub.N != 0 {
		for i, o := range dims {
			if o.sub != d.sub {
				continue
			}
			rest := append(append([]dim(nil), dims[:i]...), dims[i+1:]...)
			set := o.set.intersect(d.set, int(d.sub.N))
			switch len(set) {
			case 0:
				return nil, false
			case 1:
				*base, ok = base.clone().add(set[0].term(d.sub))
				return rest, ok
			}
			return append(rest, dim{sub: d.sub, set: set}), true
		}
	}
	return append(dims[:len(dims):len(dims)], d), true
}

// with is the conjunction of p and q.
func (p prod) with(q prod) (r prod, ok bool) {
	base := p.base.clone()
	for _, t := range q.base {
		if base, ok = base.addPlain(t); !ok {
			return prod{}, false
		}
	}
	r.dims = p.dims
	for _, d := range q.dims {
		if r.dims, ok = withDim(r.dims, d, &base); !ok {
			return prod{}, false
		}
	}
	r.base = base
	return r, true
}

func (c cube) clone() cube { return append(make(cube, 0, len(c)+4), c...) }

// branch appends to out the conjunction of p and all of left, each a disjunction of
// two or more prods. What p rules out goes first; what is left without choice joins
// p; the rest becomes dimensions where it may, and else p is split.
func (c *compiler) branch(p prod, left []sum, out *sum) error {
	if c.work++; c.work > maxSplits {
		return ErrTooLarge
	}
	p, left, ok := narrow(p, left)
	if !ok {
		return nil
	}
	limit := dimLimit
	if len(left) > manyChoices {
		limit = wideDimLimit
	}
	split := -1
	rest := left[:0:0]
	for _, s := range left {
		if d, ok := asDim(s, p.base, limit); ok {
			if p.dims, ok = withDim(p.dims, d, &p.base); !ok {
				return nil
			}
			continue
		}
		if rest = append(rest, s); split < 0 || len(s) < len(rest[split]) {
			split = len(rest) - 1
		}
	}
	if split < 0 {
		*out = append(*out, p)
		if len(*out) > MaxFlows {
			return ErrTooLarge
		}
		return nil
	}
	choice := rest[split]
	others := append(append([]sum(nil), rest[:split]...), rest[split+1:]...)
	for _, q := range choice {
		r, ok := p.with(q)
		if !ok {
			continue
		}
		if err := c.branch(r, others, out); err != nil {
			return err
		}
	}
	return nil
}

// narrow removes from left what p rules out, and joins to p what has no choice
// left, until nothing changes. ok is false when nothing can be true.
func narrow(p prod, left []sum) (prod, []sum, bool) {
	for {
		next := make([]sum, 0, len(left))
		joined := false
		for _, s := range left {
			kept := make(sum, 0, len(s))
			implied := false
			for _, q := range s {
				q, ok := q.settle(p.base)
				if !ok {
					continue
				}
				implied = implied || len(q.dims) == 0 && p.base.implies(q.base)
				kept = append(kept, q)
			}
			switch {
			case implied:
			case len(kept) == 0:
				return p, nil, false
			case len(kept) == 1:
				var ok bool
				if p, ok = p.with(kept[0]); !ok {
					return p, nil, false
				}
				joined = true
			default:
				next = append(next, kept)
			}
		}
		left = next
		if !joined || len(left) == 0 {
			return p, left, true
		}
	}
}

// settle is p beside base, without the inequalities that base decides; ok is false
// when base rules p out.
func (p prod) settle(base cube) (r prod, ok bool) {
	if base.conflicts(p.base) {
		return p, false
	}
	for i := 0; i < len(p.dims); i++ {
		d := p.dims[i]
		t, ok := base.term(d.sub.Field)
		if d.sub.N == 0 || !ok || !mustCross(d.sub.Field) || t.Mask != ir.Ones(int(d.sub.N)) {
			continue
		}
		if len(prefixes{{t.Value, d.sub.N}}.intersect(d.set, int(d.sub.N))) == 0 {
			return p, false
		}
		p.dims = append(append([]dim(nil), p.dims[:i]...), p.dims[i+1:]...)
		i--
	}
	return p, true
}

// asDim makes s one dimension, beside base, when none of its terms has to be in
// every rule and each of its products is one dimension or of at most limit cubes.
func asDim(s sum, base cube, limit int) (d dim, ok bool) {
	var cubes []cube
	for _, q := range s {
		q.base = q.base.without(base)
		if q.base.hasMust() {
			return d, false
		}
		n := 1
		for _, k := range q.dims {
			if k.sub.N != 0 && mustCross(k.sub.Field) {
				return d, false
			}
			if n *= k.size(); n > limit && len(q.dims) > 1 {
				return d, false
			}
		}
		cubes = q.writeOut(cubes)
	}
	d.cubes = absorb(cubes)
	return d, len(d.cubes) > 1
}

// writeOut appends the cubes of p, every choice of every dimension.
func (p prod) writeOut(cubes []cube) []cube {
	at := len(cubes)
	cubes = append(cubes, p.base)
	for _, d := range p.dims {
		var next []cube
		for _, c := range cubes[at:] {
			alts, trivial := d.alternatives(c)
			if trivial {
				next = append(next, c)
				continue
			}
			for _, a := range alts {
				if r, ok := c.clone().merge(a); ok {
					next = append(next, r)
				}
			}
		}
		cubes = append(cubes[:at], next...)
	}
	return cubes
}

// merge is c and o, in the memory of c.
func (c cube) merge(o cube) (r cube, ok bool) {
	for _, t := range o {
		if c, ok = c.addPlain(t); !ok {
			return nil, false
		}
	}
	return c, true
}
