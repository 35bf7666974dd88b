package expr

import "strconv"

// Expr is an expression. The set of types is closed: Bool, *Cmp, *Resident, *And
// and *Or. Negation is no node: the parser pushes it down to the comparisons.
type Expr interface {
	// AppendText appends the canonical text; Parse reads it back to an equal Expr.
	AppendText(b []byte) []byte
}

// Bool is a constant.
type Bool bool

// And is the conjunction of two or more expressions, none of them an *And.
type And struct{ X []Expr }

// Or is the disjunction of two or more expressions, none of them an *Or.
type Or struct{ X []Expr }

// Resident asks whether a logical port resides on this chassis.
type Resident struct {
	Port string
	Not  bool
}

// Cmp compares a field with one or more values. With EQ it is true when any value
// is equal, with any other relation when the relation holds for each value.
type Cmp struct {
	Field  FieldRef
	Rel    Kind // EQ, NE, LT, LE, GT or GE
	Curly  bool // the values were in braces
	Values []Operand
	Column int // where it begins in its text, as in Error; 0: in none

	one [1]Operand // Values of the usual comparison
}

// OperandKind is the kind of an Operand.
type OperandKind uint8

// The kinds of operands.
const (
	Const      OperandKind = iota // Operand.Const
	Text                          // Operand.Text: a string
	AddressSet                    // Operand.Text: name of an address set
	PortGroup                     // Operand.Text: name of a port group
)

// Operand is what a field is compared with.
type Operand struct {
	Kind   OperandKind
	Column int32 // where it is in its text, as in Error; 0: in none
	Text   string
	Const  Constant
}

// isNumber tells whether o stands for integers.
func (o Operand) isNumber() bool { return o.Kind == Const || o.Kind == AddressSet }

// AppendText appends o as the lexer reads it.
func (o Operand) AppendText(b []byte) []byte {
	switch o.Kind {
	case Text:
		return AppendQuoted(b, o.Text)
	case AddressSet:
		return append(append(b, '$'), o.Text...)
	case PortGroup:
		return append(append(b, '@'), o.Text...)
	}
	return o.Const.AppendText(b)
}

// AppendText appends 1 or 0.
func (e Bool) AppendText(b []byte) []byte {
	if e {
		return append(b, '1')
	}
	return append(b, '0')
}

// AppendText appends the operands joined by &&.
func (e *And) AppendText(b []byte) []byte { return appendJoined(b, e.X, " && ") }

// AppendText appends the operands joined by ||.
func (e *Or) AppendText(b []byte) []byte { return appendJoined(b, e.X, " || ") }

func appendJoined(b []byte, xs []Expr, op string) []byte {
	for i, x := range xs {
		if i > 0 {
			b = append(b, op...)
		}
		switch x.(type) {
		case *And, *Or:
			b = append(x.AppendText(append(b, '(')), ')')
		default:
			b = x.AppendText(b)
		}
	}
	return b
}

// AppendText appends is_chassis_resident("port").
func (e *Resident) AppendText(b []byte) []byte {
	if e.Not {
		b = append(b, '!')
	}
	b = AppendQuoted(append(b, "is_chassis_resident("...), e.Port)
	return append(b, ')')
}

// AppendText appends "field relation values", or "field" and "!field" for one bit.
func (e *Cmp) AppendText(b []byte) []byte {
	if on, ok := e.bit(); ok {
		if !on {
			b = append(b, '!')
		}
		return e.Field.AppendText(b)
	}
	b = append(e.Field.AppendText(b), ' ')
	b = append(append(b, e.Rel.String()...), ' ')
	return appendOperands(b, e.Values, e.Curly)
}

func appendOperands(b []byte, values []Operand, curly bool) []byte {
	if curly {
		b = append(b, '{')
	}
	for i, v := range values {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = v.AppendText(b)
	}
	if curly {
		b = append(b, '}')
	}
	return b
}

// bit tells whether e is the plain test of one bit, and for which value.
func (e *Cmp) bit() (on, ok bool) {
	if e.Field.N != 1 || e.Curly || e.Rel != EQ || len(e.Values) != 1 {
		return false, false
	}
	o := &e.Values[0]
	return o.Const.Value.Lo == 1, o.Kind == Const && !o.Const.Masked
}

// Canonical is the canonical text of e.
func Canonical(e Expr) string { return string(e.AppendText(nil)) }

// Conjunction is a && b; either may be nil for none.
func Conjunction(a, b Expr) Expr {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return join(false, a, b)
}

// join is the conjunction or disjunction of xs, flat.
func join(or bool, xs ...Expr) Expr {
	if len(xs) == 1 {
		return xs[0]
	}
	flat := xs
	for _, x := range xs {
		if operands(x, or) != nil {
			flat = make([]Expr, 0, len(xs)+4)
			for _, x := range xs {
				if sub := operands(x, or); sub != nil {
					flat = append(flat, sub...)
				} else {
					flat = append(flat, x)
				}
			}
			break
		}
	}
	if or {
		return &Or{flat}
	}
	return &And{flat}
}

// operands are the operands of an *Or (or) or an *And (not or), nil for all else.
func operands(x Expr, or bool) []Expr {
	switch x := x.(type) {
	case *And:
		if !or {
			return x.X
		}
	case *Or:
		if or {
			return x.X
		}
	}
	return nil
}

func appendUint(b []byte, n uint8) []byte { return strconv.AppendUint(b, uint64(n), 10) }

func itoa(n int) string { return strconv.Itoa(n) }
