package expr

import "github.com/sluice-gw/sluice/controlplane/ir"

// Fields is a packet with its pipeline state. A field that the packet does not have
// is 0. Get is never asked for a view.
type Fields interface{ Get(ir.Field) ir.Value }

// Packet is a Fields; fields that are not in it are 0.
type Packet map[ir.Field]ir.Value

// Get is the value of f.
func (p Packet) Get(f ir.Field) ir.Value { return p[f] }

// Eval tells whether e is true for a packet: each comparison with its
// prerequisites, as written. It shares no code with Compile, whose oracle it is.
// A set that does not exist is *UnknownSetError, as in Compile, but only where the
// truth depends on it.
func Eval(e Expr, env Env, pkt Fields) (bool, error) {
	switch e := e.(type) {
	case Bool:
		return bool(e), nil
	case *Resident:
		return env.Resident(e.Port) != e.Not, nil
	case *And:
		return evalJoined(e.X, env, pkt, false)
	case *Or:
		return evalJoined(e.X, env, pkt, true)
	case *Cmp:
		return evalCmp(e, env, pkt)
	}
	return false, nil
}

func evalJoined(xs []Expr, env Env, pkt Fields, or bool) (bool, error) {
	for _, x := range xs {
		if v, err := Eval(x, env, pkt); err != nil || v == or {
			return v, err
		}
	}
	return !or, nil
}

func evalCmp(e *Cmp, env Env, pkt Fields) (bool, error) {
	values, err := resolve(e, env)
	if err != nil {
		return false, err
	}
	empty := len(values) == 0 && !e.Field.Symbol.IsString()
	if empty && e.Rel == NE {
		return true, nil
	}
	if p := e.Field.Symbol.Prereqs; p != nil {
		if ok, err := Eval(p, env, pkt); err != nil || !ok {
			return false, err
		}
	}
	var have ir.Value
	if p := e.Field.Symbol.Predicate; p != nil {
		v, err := Eval(p, env, pkt)
		if err != nil {
			return false, err
		}
		if v {
			have = ir.V(1)
		}
		for i := range values {
			values[i].Masked = false
			values[i].Value = values[i].Value.And(ir.V(1))
		}
	} else {
		sub := e.Field.Sub()
		have = Read(pkt, sub.Field).Shr(int(sub.Ofs)).And(ir.Ones(int(sub.N)))
	}
	for _, k := range values {
		holds := compare(have, e.Rel, k, e.Field)
		if holds == (e.Rel == EQ) {
			return holds, nil
		}
	}
	return e.Rel != EQ, nil
}

// resolve is the values that e compares with; names of ports that have no key are
// left out.
func resolve(e *Cmp, env Env) (values []Constant, err error) {
	addPort := func(name string) {
		if key, ok := env.Port(name); ok {
			values = append(values, Constant{Value: ir.V(uint64(key))})
		}
	}
	for _, o := range e.Values {
		switch o.Kind {
		case Const:
			values = append(values, o.Const)
		case Text:
			addPort(o.Text)
		case AddressSet:
			s, ok := env.AddressSet(o.Text)
			if !ok {
				return nil, &UnknownSetError{Name: o.Text, Column: int(o.Column)}
			}
			values = append(values, s.Values...)
		case PortGroup:
			names, ok := env.PortGroup(o.Text)
			if !ok {
				return nil, &UnknownSetError{Group: true, Name: o.Text, Column: int(o.Column)}
			}
			for _, n := range names {
				addPort(n)
			}
		}
	}
	return values, nil
}

// compare is "have rel k"; a constant that is wider than the field loses its high
// bits.
func compare(have ir.Value, rel Kind, k Constant, f FieldRef) bool {
	if f.N != 0 {
		k.Value = k.Value.And(ir.Ones(int(f.N)))
	}
	if k.Masked {
		have = have.And(k.Mask)
	}
	c := have.Cmp(k.Value)
	switch rel {
	case EQ:
		return c == 0
	case NE:
		return c != 0
	case LT:
		return c < 0
	case LE:
		return c <= 0
	case GT:
		return c > 0
	}
	return c >= 0
}

// Read is the value of f in pkt, also for views.
func Read(pkt Fields, f ir.Field) ir.Value {
	parts := f.Parts()
	if parts == nil {
		return pkt.Get(f)
	}
	var v ir.Value
	for _, p := range parts {
		v = v.Shl(32).Or(pkt.Get(p))
	}
	return v
}

// Matches tells whether m matches pkt.
func Matches(m ir.Match, pkt Fields) bool {
	for t := range m.Terms() {
		if pkt.Get(t.Field).And(t.Mask) != t.Value {
			return false
		}
	}
	return true
}

// Matches tells whether k matches pkt.
func (k Conj) Matches(pkt Fields) bool {
	if !Matches(k.Base, pkt) {
		return false
	}
	for _, d := range k.Dims {
		any := false
		for _, m := range d {
			if Matches(m, pkt) {
				any = true
				break
			}
		}
		if !any {
			return false
		}
	}
	return true
}

// AnyMatches tells whether one of ks matches pkt.
func AnyMatches(ks []Conj, pkt Fields) bool {
	for _, k := range ks {
		if k.Matches(pkt) {
			return true
		}
	}
	return false
}
