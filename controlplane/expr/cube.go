package expr

import "github.com/sluice-gw/sluice/controlplane/ir"

// cube is a conjunction of terms in field order, one per field, none on a view.
// Cubes are immutable and may share memory.
type cube []ir.Term

// add is c and one more term, which may be on a view. It reuses the memory of c.
// ok is false when they contradict each other.
func (c cube) add(t ir.Term) (r cube, ok bool) {
	parts := t.Field.Parts()
	if parts == nil {
		return c.addPlain(t)
	}
	for i, f := range parts {
		sh := 32 * (len(parts) - 1 - i)
		p := ir.Term{Field: f, Value: t.Value.Shr(sh).And(ir.Ones(32)), Mask: t.Mask.Shr(sh).And(ir.Ones(32))}
		if c, ok = c.addPlain(p); !ok {
			return nil, false
		}
	}
	return c, true
}

func (c cube) addPlain(t ir.Term) (cube, bool) {
	if t.Mask.IsZero() {
		return c, true
	}
	i := len(c)
	for i > 0 && c[i-1].Field > t.Field {
		i--
	}
	if i > 0 && c[i-1].Field == t.Field {
		o := &c[i-1]
		if !o.Value.Xor(t.Value).And(o.Mask).And(t.Mask).IsZero() {
			return nil, false
		}
		o.Value, o.Mask = o.Value.Or(t.Value), o.Mask.Or(t.Mask)
		return c, true
	}
	c = append(c, ir.Term{})
	copy(c[i+1:], c[i:])
	c[i] = t
	return c, true
}

// term finds the term on f.
func (c cube) term(f ir.Field) (t ir.Term, ok bool) {
	for i := range c {
		if c[i].Field == f {
			return c[i], true
		}
	}
	return ir.Term{}, false
}

// conflicts tells whether no packet is in both cubes.
func (c cube) conflicts(o cube) bool {
	for i, j := 0, 0; i < len(c) && j < len(o); {
		a, b := &c[i], &o[j]
		switch {
		case a.Field < b.Field:
			i++
		case a.Field > b.Field:
			j++
		default:
			if !a.Value.Xor(b.Value).And(a.Mask).And(b.Mask).IsZero() {
				return true
			}
			i, j = i+1, j+1
		}
	}
	return false
}

// implies tells whether every packet in c is in o.
func (c cube) implies(o cube) bool {
	i := 0
	for j := range o {
		for i < len(c) && c[i].Field < o[j].Field {
			i++
		}
		if i == len(c) || c[i].Field != o[j].Field || !impliesTerm(c[i], o[j]) {
			return false
		}
	}
	return true
}

// impliesTerm tells whether a implies b, both on one field.
func impliesTerm(a, b ir.Term) bool {
	return a.Mask.And(b.Mask) == b.Mask && a.Value.And(b.Mask) == b.Value
}

func (c cube) equal(o cube) bool {
	if len(c) != len(o) {
		return false
	}
	for i := range c {
		if c[i] != o[i] {
			return false
		}
	}
	return true
}

// hasMust tells whether c has a term on a field that may not be in a dimension.
func (c cube) hasMust() bool {
	for i := range c {
		if mustCross(c[i].Field) {
			return true
		}
	}
	return false
}

// without is c without the terms that base has too.
func (c cube) without(base cube) cube {
	r := make(cube, 0, len(c))
	for _, t := range c {
		if b, ok := base.term(t.Field); !ok || b != t {
			r = append(r, t)
		}
	}
	return r
}

// key identifies c in a map.
func (c cube) key() string {
	m, ok := ir.NewMatch(c...)
	if !ok {
		return "" // cannot be: one term per field
	}
	return m.Key()
}
