package expr

import (
	"iter"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Conj is one part of a normal form: it matches a packet when Base does and, for
// each dimension, at least one of its alternatives. Dims is empty for a plain
// match; else it has two or more dimensions of two or more alternatives, to be
// installed as a conjunctive match. Each alternative together with Base is a
// complete match: the prerequisites of its fields are in one or the other.
type Conj struct {
	Base ir.Match
	Dims [][]ir.Match
}

// Flows is how many matches a target needs for k as a conjunctive match.
func (k Conj) Flows() int {
	n := 1
	for _, d := range k.Dims {
		n += len(d)
	}
	return n
}

// All yields the plain matches that k stands for, every choice of every dimension.
func (k Conj) All() iter.Seq[ir.Match] {
	return func(yield func(ir.Match) bool) { yieldAll(k.Base, k.Dims, yield) }
}

func yieldAll(m ir.Match, dims [][]ir.Match, yield func(ir.Match) bool) bool {
	if len(dims) == 0 {
		return yield(m)
	}
	for _, a := range dims[0] {
		if r, ok := m.And(a); ok && !yieldAll(r, dims[1:], yield) {
			return false
		}
	}
	return true
}

// crossLimit is up to how many flows a product is written out rather than left as a
// conjunctive match, which costs a target one more lookup for each packet.
const crossLimit = 16

// maxDims is the greatest number of dimensions (ovs-fields(7), "conjunction").
const maxDims = 64

// emit makes the matches of a normal form.
func emit(s sum) ([]Conj, error) {
	if len(s) == 0 {
		return nil, nil
	}
	e := emitter{out: make([]Conj, 0, len(s))}
	for _, p := range s {
		if err := e.prod(p); err != nil {
			return nil, err
		}
	}
	return e.out, nil
}

type emitter struct {
	out   []Conj
	flows int
	seen  map[ir.Match]bool // plain matches of out, once they are many
}

func (e *emitter) prod(p prod) error {
	if len(p.dims) == 0 {
		return e.plain(p.base)
	}
	base, dims, ok := reduce(p)
	if !ok {
		return nil
	}
	dims, crossed := chooseCrossed(dims)
	return e.cross(base, crossed, dims)
}

// reduce makes the alternatives of the dimensions of p and settles what is decided:
// alternatives that the base rules out, dimensions with one alternative or with one
// that the base implies.
func reduce(p prod) (base cube, dims [][]cube, ok bool) {
	base = p.base
	left := p.dims
	for {
		dims = dims[:0]
		settled := -1
		for i, d := range left {
			alts, trivial := d.alternatives(base)
			if trivial {
				alts = nil
			} else if len(alts) == 0 {
				return nil, nil, false
			}
			if trivial || len(alts) == 1 {
				if len(alts) == 1 {
					if base, ok = base.clone().merge(alts[0]); !ok {
						return nil, nil, false
					}
				}
				settled = i
				break
			}
			dims = append(dims, alts)
		}
		if settled < 0 {
			return base, dims, true
		}
		left = append(append([]dim(nil), left[:settled]...), left[settled+1:]...)
	}
}

// chooseCrossed divides dims into those that stay dimensions and those that are
// written out: all when the product is small or there is only one, else only what
// is over the limit of a target, smallest first.
func chooseCrossed(dims [][]cube) (kept, crossed [][]cube) {
	product, sum := 1, 1
	for _, d := range dims {
		product = min(product*len(d), MaxFlows+1)
		sum += len(d)
	}
	if len(dims) < 2 || product <= max(sum, crossLimit) {
		return nil, dims
	}
	for len(dims) > maxDims {
		least := 0
		for i := range dims {
			if len(dims[i]) < len(dims[least]) {
				least = i
			}
		}
		crossed = append(crossed, dims[least])
		dims = append(append([][]cube(nil), dims[:least]...), dims[least+1:]...)
	}
	return dims, crossed
}

// cross writes out every choice of crossed, each with the dimensions kept.
func (e *emitter) cross(base cube, crossed, kept [][]cube) error {
	if len(crossed) == 0 {
		if len(kept) == 0 {
			return e.plain(base)
		}
		return e.product(base, kept)
	}
	scratch := make(cube, 0, len(base)+8)
	for _, a := range crossed[0] {
		next, ok := append(scratch[:0], base...).merge(a)
		if !ok {
			continue
		}
		if err := e.cross(next, crossed[1:], kept); err != nil {
			return err
		}
	}
	return nil
}

func (e *emitter) plain(c cube) error {
	m, err := match(c)
	if err != nil {
		return err
	}
	if e.have(m) {
		return nil
	}
	return e.add(Conj{Base: m})
}

// have tells whether the plain match m is in the result already.
func (e *emitter) have(m ir.Match) bool {
	const few = 16
	if e.seen == nil && len(e.out) < few {
		for i := range e.out {
			if len(e.out[i].Dims) == 0 && e.out[i].Base == m {
				return true
			}
		}
		return false
	}
	if e.seen == nil {
		e.seen = make(map[ir.Match]bool)
		for _, k := range e.out {
			if len(k.Dims) == 0 {
				e.seen[k.Base] = true
			}
		}
	}
	if e.seen[m] {
		return true
	}
	e.seen[m] = true
	return false
}

func (e *emitter) product(base cube, dims [][]cube) error {
	m, err := match(base)
	if err != nil {
		return err
	}
	k := Conj{m, make([][]ir.Match, len(dims))}
	for i, d := range dims {
		k.Dims[i] = make([]ir.Match, len(d))
		for j, c := range d {
			if k.Dims[i][j], err = match(c); err != nil {
				return err
			}
		}
	}
	return e.add(k)
}

func (e *emitter) add(k Conj) error {
	if e.flows += k.Flows(); e.flows > MaxFlows {
		return ErrTooLarge
	}
	e.out = append(e.out, k)
	return nil
}

// match makes a cube a match that targets can express.
func match(c cube) (ir.Match, error) {
	for i := range c {
		if f := c[i].Field; !maskable(f) && c[i].Mask != ir.Ones(f.Width()) {
			return ir.Match{}, &MaskError{Field: f}
		}
	}
	m, _ := ir.NewMatch(c...)
	return m, nil
}
