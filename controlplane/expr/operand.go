package expr

import "github.com/sluice-gw/sluice/controlplane/ir"

// values reads one operand, or several in braces, into c.
func (p *parser) values(c *Cmp) bool {
	l := p.l
	if l.Tok.Kind != LCurly {
		o, ok := operand(l)
		c.one[0] = o
		c.Values = c.one[:]
		return ok
	}
	l.Next()
	c.Curly = true
	for {
		o, ok := operand(l)
		if !ok {
			return false
		}
		if len(c.Values) > 0 && o.isNumber() != c.Values[0].isNumber() {
			p.mixed(c.Values[0])
			return false
		}
		c.Values = append(c.Values, o)
		l.Match(Comma)
		if l.Match(RCurly) {
			return !l.Failed()
		}
	}
}

func (p *parser) mixed(first Operand) {
	want := "string"
	if first.isNumber() {
		want = "integer"
	}
	p.l.Errorf("values of a set must be of one kind: expecting %s", want)
}

// operand reads a constant, an address set or a port group.
func operand(l *Lexer) (o Operand, ok bool) {
	o.Column = int32(l.Column())
	switch t := &l.Tok; t.Kind {
	case Integer, Masked:
		o.Const = t.Const
		if o.Const.Format == Hex && !o.Const.Masked && o.Const.Value.IsZero() {
			o.Const.Format = Decimal // 0x0 is written back as 0
		}
	case String:
		o.Kind, o.Text = Text, t.Text
	case Macro:
		o.Kind, o.Text = AddressSet, t.Text
	case Group:
		o.Kind, o.Text = PortGroup, t.Text
	case Template:
		l.Errorf("unexpanded template variable ^%s", t.Text)
		return o, false
	default:
		l.SyntaxErrorf("expecting constant")
		return o, false
	}
	l.Next()
	return o, !l.Failed()
}

// ParseConstant reads one integer or string that can be stored in f. When ok is
// false, l has the error.
func ParseConstant(l *Lexer, f FieldRef) (o Operand, ok bool) {
	at := l.start
	o, ok = plainOperand(l)
	if !ok {
		return o, false
	}
	if msg := mismatch(f, o); msg != "" {
		l.errorAt(at, msg)
		return o, false
	}
	return o, true
}

// ParseConstants reads one integer or string, or several in braces; curly tells
// which. All are of one kind. When ok is false, l has the error.
func ParseConstants(l *Lexer) (values []Operand, curly, ok bool) {
	if !l.Match(LCurly) {
		o, ok := plainOperand(l)
		return []Operand{o}, false, ok
	}
	for {
		o, ok := plainOperand(l)
		if !ok {
			return nil, true, false
		}
		if len(values) > 0 && o.isNumber() != values[0].isNumber() {
			p := parser{l: l}
			p.mixed(values[0])
			return nil, true, false
		}
		values = append(values, o)
		l.Match(Comma)
		if l.Match(RCurly) {
			return values, true, !l.Failed()
		}
	}
}

// AppendConstants appends what ParseConstants reads.
func AppendConstants(b []byte, values []Operand, curly bool) []byte {
	return appendOperands(b, values, curly)
}

// plainOperand is operand without address sets and port groups.
func plainOperand(l *Lexer) (o Operand, ok bool) {
	if k := l.Tok.Kind; k == Macro || k == Group {
		l.SyntaxErrorf("expecting constant")
		return o, false
	}
	return operand(l)
}

// mismatch says why o cannot be compared with f; empty when it can.
func mismatch(f FieldRef, o Operand) string {
	s := f.Symbol
	if o.isNumber() == s.IsString() {
		field, constant := "integer", "string"
		if s.IsString() {
			field, constant = "string", "integer"
		}
		return field + " field " + s.Name + " is not compatible with " + constant + " constant"
	}
	if o.Kind == Const {
		return tooWide(s, o.Const)
	}
	return ""
}

func tooWide(s *Symbol, c Constant) string {
	if w := c.Width(); w > s.Width {
		return itoa(w) + "-bit constant " + c.String() + " is not compatible with " + itoa(s.Width) + "-bit field " + s.Name
	}
	return ""
}

// finish checks a comparison that has been read and applies the negation around it.
// It returns nil when the lexer has an error.
func (p *parser) finish(c *Cmp, at int) Expr {
	if msg := p.check(c); msg != "" {
		p.l.errorAt(at, msg)
		return nil
	}
	c.Column = at + 1
	if p.neg {
		c.Rel = inverted(c.Rel)
	}
	if c.Field.N == 1 && !c.Curly && (c.Rel == EQ || c.Rel == NE) {
		// One bit has one canonical form: == 1 or == 0.
		if o := &c.Values[0]; o.Kind == Const && !o.Const.Masked {
			bit := o.Const.Value.Lo & 1
			if c.Rel == NE {
				bit ^= 1
			}
			c.Rel = EQ
			o.Const = Constant{Value: ir.V(bit)}
		}
	}
	return c
}

func (p *parser) check(c *Cmp) string {
	s := c.Field.Symbol
	for _, o := range c.Values {
		if msg := mismatch(c.Field, o); msg != "" {
			return msg
		}
	}
	if c.Rel != EQ && c.Rel != NE {
		switch {
		case c.Curly || c.Values[0].Kind == AddressSet:
			return "only == and != operators may be used with value sets"
		case s.Level != Ordinal:
			return "only == and != operators may be used with " + s.Level.String() + " field " + s.Name
		case c.Values[0].Const.Masked:
			return maskedRelation
		}
	}
	if s.Predicate != nil {
		return p.checkPredicate(c)
	}
	if s.OVNField != NoOVNField {
		return "field " + s.Name + " may only be written, not tested"
	}
	if s.Level == Nominal && (c.Rel == EQ) == p.neg {
		return "nominal field " + s.Name + " may only be tested for equality (taking enclosing `!' operators into account)"
	}
	return ""
}

const maskedRelation = "only == and != operators may be used with masked constants; consider using subfields instead " +
	"(e.g. eth.src[0..15] > 0x1111 in place of eth.src > 00:00:00:00:11:11/00:00:00:00:ff:ff)"

func (p *parser) checkPredicate(c *Cmp) string {
	s := c.Field.Symbol
	for _, o := range c.Values {
		if o.Kind != Const {
			return "predicate " + s.Name + " may only be compared with 0 and 1, not with address set $" + o.Text
		}
		positive := o.Const.Value.Lo&1 == 1
		if c.Rel == NE {
			positive = !positive
		}
		if s.Level == Nominal && positive == p.neg {
			return "nominal predicate " + s.Name + " may only be tested positively, e.g. `" + s.Name + "' or `" +
				s.Name + " == 1' but not `!" + s.Name + "' or `" + s.Name + " == 0'"
		}
	}
	return ""
}
