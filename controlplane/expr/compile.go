package expr

import (
	"errors"
	"fmt"
	"sync"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// MaxFlows is the greatest number of matches that one expression may need.
const MaxFlows = 1 << 20

// ErrTooLarge says that an expression needs more than MaxFlows matches, or too much
// work to find out.
var ErrTooLarge = errors.New("match needs more than 2**20 flows: use fewer or shorter sets, or split the rule")

// MaskError says that an expression asks for some bits of a field that a target
// can only compare as a whole, such as the negation of a predicate about eth.type.
type MaskError struct {
	Field  ir.Field
	Column int // of the first comparison that has to do with the field, as in Error; 0: in no text
}

func (e *MaskError) Error() string {
	return column(e.Column) + fmt.Sprintf("match needs an inequality or masked test of %s, which can only be tested for equality: "+
		"add a positive test beside it, e.g. `ip4 && !ip.is_frag'", e.Field)
}

// compiler computes normal forms. It belongs to one goroutine.
type compiler struct {
	env  Env
	deps Deps
	work int // steps of branch, bounded by maxSplits

	terms []ir.Term // memory for small cubes, used again by the next compilation
	prods []prod
}

var compilers = sync.Pool{New: func() any { return new(compiler) }}

// Compile computes the matches of e: a packet is matched by e exactly when it is
// matched by one of the result. Several of the result may match one packet. It is
// empty when no packet can match. deps is valid also with an error, which is
// *UnknownSetError, *SetError, *MaskError or ErrTooLarge.
func Compile(e Expr, env Env) (matches []Conj, deps Deps, err error) {
	c := compilers.Get().(*compiler)
	defer compilers.Put(c)
	c.env, c.deps, c.work = env, Deps{}, 0
	c.terms, c.prods = c.terms[:0], c.prods[:0]
	s, err := c.sum(e, false)
	if err == nil {
		matches, err = emit(s)
	}
	if mask, ok := err.(*MaskError); ok {
		mask.Column = firstOn(e, mask.Field)
	}
	deps = c.deps
	c.env, c.deps = nil, Deps{}
	return matches, deps, err
}

// firstOn is the column of the first comparison in e that tests f, itself or by what its
// symbol stands for or presupposes; 0 for none.
func firstOn(e Expr, f ir.Field) int {
	switch e := e.(type) {
	case *And:
		return firstOf(e.X, f)
	case *Or:
		return firstOf(e.X, f)
	case *Cmp:
		s := e.Field.Symbol
		if s.Predicate == nil && s.Sub.Field == f || firstOn(s.Predicate, f) > 0 || firstOn(s.Prereqs, f) > 0 {
			return e.Column
		}
	}
	return 0
}

func firstOf(xs []Expr, f ir.Field) int {
	for _, x := range xs {
		if at := firstOn(x, f); at > 0 {
			return at
		}
	}
	return 0
}

// newCube is an empty cube with room for n terms.
func (c *compiler) newCube(n int) cube {
	if len(c.terms)+n > cap(c.terms) {
		c.terms = make([]ir.Term, 0, max(128, n))
	}
	at := len(c.terms)
	c.terms = c.terms[:at+n]
	return cube(c.terms[at : at : at+n])
}

// one is the sum of one prod without dimensions.
func (c *compiler) one(base cube) sum {
	if len(c.prods) == cap(c.prods) {
		c.prods = make([]prod, 0, 32)
	}
	at := len(c.prods)
	c.prods = append(c.prods, prod{base: base})
	return sum(c.prods[at : at+1 : at+1])
}

// sum is the normal form of e, or of its negation, which only the definitions of
// symbols need: the parser has pushed down all others.
func (c *compiler) sum(e Expr, not bool) (sum, error) {
	switch e := e.(type) {
	case Bool:
		if bool(e) != not {
			return sumTrue, nil
		}
		return sumFalse, nil
	case *Resident:
		c.deps.Residents = addName(c.deps.Residents, e.Port)
		if c.env.Resident(e.Port) != (e.Not != not) {
			return sumTrue, nil
		}
		return sumFalse, nil
	case *Cmp:
		return c.comparison(e, not)
	case *And:
		return c.operands(e.X, not, not)
	case *Or:
		return c.operands(e.X, !not, not)
	}
	return sumFalse, nil
}

// operands is the disjunction (or) or the conjunction of xs or their negations.
// What decides without looking at fields is asked first: an lflow of a port that
// resides elsewhere is not worked out and depends on nothing else.
func (c *compiler) operands(xs []Expr, or, not bool) (sum, error) {
	for _, x := range xs {
		switch x.(type) {
		case Bool, *Resident:
			s, err := c.sum(x, not)
			if err != nil {
				return nil, err
			}
			if or == s.isTrue() {
				return s, nil
			}
		}
	}
	var buf [8]sum
	sums := buf[:0]
	var union sum
	for _, x := range xs {
		switch x.(type) {
		case Bool, *Resident:
			continue
		}
		s, err := c.sum(x, not)
		switch {
		case err != nil:
			return nil, err
		case or:
			union = append(union, s...)
		case len(s) == 0:
			return sumFalse, nil
		default:
			sums = append(sums, s)
		}
	}
	if or {
		return c.or(union), nil
	}
	return c.and(sums...)
}
