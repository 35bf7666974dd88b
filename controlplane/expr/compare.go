package expr

import "github.com/sluice-gw/sluice/controlplane/ir"

// comparison is the normal form of a comparison with its prerequisites; not asks
// for the negation of both.
func (c *compiler) comparison(e *Cmp, not bool) (sum, error) {
	s := e.Field.Symbol
	rel := e.Rel
	if not {
		rel = inverted(rel)
	}
	if s.Predicate != nil {
		return c.predicate(e, rel)
	}
	var bare sum
	var err error
	if s.IsString() {
		bare, err = c.ports(e)
	} else {
		bare, err = c.numbers(e, rel)
	}
	switch {
	case err != nil || bare == nil:
		return sumTrue, err // nil: compared with nothing; then not even the prerequisites count
	case s.Prereqs == nil:
		return bare, nil
	}
	holds, err := c.and(bare, s.prereqs)
	if err != nil || !not {
		return holds, err
	}
	// not (e and prerequisites); e is inverted already. Written so that each test of
	// the field has its prerequisites beside it.
	lacks, err := c.sum(s.Prereqs, true)
	if err != nil {
		return nil, err
	}
	return c.or(append(append(sum{}, holds...), lacks...)), nil
}

// predicate is the normal form of a test of a predicate: any value with EQ, all
// values with NE.
func (c *compiler) predicate(e *Cmp, rel Kind) (sum, error) {
	s := e.Field.Symbol
	var any sum
	all := sumTrue
	for _, o := range e.Values {
		one, err := s.positive, error(nil)
		if (o.Const.Value.Lo&1 == 1) != (rel == EQ) {
			if one = s.negative; s.Level == Nominal {
				// Only definitions ask this; see builder.predicate.
				if one, err = c.sum(s.Predicate, true); err != nil {
					return nil, err
				}
			}
		}
		if len(e.Values) == 1 {
			return one, nil
		}
		if rel == EQ {
			any = append(any, one...)
			continue
		}
		if all, err = c.and(all, one); err != nil {
			return nil, err
		}
	}
	if rel == EQ {
		return c.or(any), nil
	}
	return all, nil
}

// ports is the normal form of the comparison of a string field. The language has
// no inequality of strings.
func (c *compiler) ports(e *Cmp) (sum, error) {
	sub := e.Field.Sub()
	set := make(prefixes, 0, len(e.Values))
	add := func(name string) {
		c.deps.Ports = addName(c.deps.Ports, name)
		if key, ok := c.env.Port(name); ok {
			set = append(set, prefix{ir.V(uint64(key)), sub.N})
		}
	}
	for _, o := range e.Values {
		if o.Kind == Text {
			add(o.Text)
			continue
		}
		c.deps.PortGroups = addName(c.deps.PortGroups, o.Text)
		names, ok := c.env.PortGroup(o.Text)
		if !ok {
			return nil, &UnknownSetError{Group: true, Name: o.Text, Column: int(o.Column)}
		}
		for _, n := range names {
			add(n)
		}
	}
	return setDim(sub, set.normal(int(sub.N), false)), nil
}

// numbers is the normal form of the comparison of an integer field, without its
// prerequisites. It is nil when there is nothing to compare with and the relation
// holds therefore.
func (c *compiler) numbers(e *Cmp, rel Kind) (sum, error) {
	sub := e.Field.Sub()
	w := int(sub.N)
	if first := &e.Values[0]; first.Kind == Const && len(e.Values) == 1 {
		switch rel {
		case EQ:
			return c.equal(sub, &first.Const), nil
		case LT, LE, GT, GE:
			return setDim(sub, rangeOf(rel, first.Const.Value.And(ir.Ones(w)), w)), nil
		}
	}
	var set prefixes
	var masked []ternary
	add := func(k *Constant) {
		v, m := k.Value.And(ir.Ones(w)), ir.Ones(w)
		if k.Masked {
			m = k.Mask.And(m)
		}
		if n, ok := prefixLen(m, w); ok {
			set = append(set, prefix{v.And(m), uint8(n)})
		} else {
			masked = append(masked, ternary{v.And(m), m})
		}
	}
	for i := range e.Values {
		o := &e.Values[i]
		if o.Kind == Const {
			add(&o.Const)
			continue
		}
		if err := c.addressSet(e.Field.Symbol, o, add); err != nil {
			return nil, err
		}
	}
	if len(set)+len(masked) == 0 {
		if rel == EQ {
			return sumFalse, nil
		}
		return nil, nil
	}
	set = set.normal(w, maskable(sub.Field))
	if rel == NE {
		set = set.complement(w)
	}
	switch {
	case len(masked) != 0:
		return c.maskedSet(sub, set, masked, rel)
	case rel == NE && mustCross(sub.Field) && len(set) > 1:
		// A prod can only hold this for as long as nothing decides it; see settle.
		return sum{{dims: []dim{{sub: sub, set: set}}}}, nil
	}
	return setDim(sub, set), nil
}

// equal is "sub == k".
func (c *compiler) equal(sub ir.Sub, k *Constant) sum {
	m := ir.Ones(int(sub.N))
	if k.Masked {
		m = m.And(k.Mask)
	}
	if m.IsZero() {
		return sumTrue
	}
	ofs := int(sub.Ofs)
	base, _ := c.newCube(4).add(ir.Term{Field: sub.Field, Value: k.Value.And(m).Shl(ofs), Mask: m.Shl(ofs)})
	return c.one(base)
}

// addressSet adds the values of an address set that s is compared with.
func (c *compiler) addressSet(s *Symbol, o *Operand, add func(*Constant)) error {
	c.deps.AddressSets = addName(c.deps.AddressSets, o.Text)
	set, ok := c.env.AddressSet(o.Text)
	if !ok {
		return &UnknownSetError{Name: o.Text, Column: int(o.Column)}
	}
	for i := range set.Values {
		if msg := tooWide(s, set.Values[i]); msg != "" {
			return &SetError{o.Text, msg, int(o.Column)}
		}
		add(&set.Values[i])
	}
	return nil
}

// rangeOf is the values of w bits for which "value rel v" holds.
func rangeOf(rel Kind, v ir.Value, w int) prefixes {
	one := ir.V(1)
	lo, hi := ir.Value{}, ir.Ones(w)
	switch rel {
	case LE:
		hi = v
	case GE:
		lo = v
	case LT:
		if v.IsZero() {
			return nil
		}
		hi = v.Sub(one)
	case GT:
		if v == hi {
			return nil
		}
		lo = v.Add(one)
	}
	return prefixes(nil).appendRange(lo, hi, w)
}
