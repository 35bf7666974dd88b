package expr

// maxDepth is how deep parentheses may nest; ovn-controller has the same limit.
const maxDepth = 100

// parser reads one expression. neg is true inside an odd number of "!": it builds
// the negation at once.
type parser struct {
	l     *Lexer
	t     *Symtab
	neg   bool
	depth int
}

// Parse reads a match expression, whole. The error is an *Error.
func (t *Symtab) Parse(text string) (Expr, error) {
	var l Lexer
	l.Init(text)
	e := t.ParseExpr(&l)
	l.ForceEnd()
	if err := l.Err(); err != nil {
		return nil, err
	}
	return e, nil
}

// ParseExpr reads an expression at the lexer's position and stops behind it. It
// returns nil when l has an error.
func (t *Symtab) ParseExpr(l *Lexer) Expr {
	p := parser{l: l, t: t}
	e := p.expr()
	if l.Failed() {
		return nil
	}
	return e
}

// expr reads operands joined by && or by ||.
func (p *parser) expr() Expr {
	e := p.not()
	op := p.l.Tok.Kind
	if e == nil || op != LogAnd && op != LogOr {
		return e
	}
	var buf [8]Expr
	xs := append(buf[:0], e)
	for p.l.Match(op) {
		e := p.not()
		if e == nil {
			return nil
		}
		xs = append(xs, e)
	}
	if k := p.l.Tok.Kind; k == LogAnd || k == LogOr {
		p.l.Errorf("&& and || must be parenthesized when used together")
		return nil
	}
	return join((op == LogOr) != p.neg, append([]Expr(nil), xs...)...)
}

func (p *parser) not() Expr {
	if !p.l.Match(Not) {
		e, _ := p.primary()
		return e
	}
	p.neg = !p.neg
	e, atomic := p.primary()
	p.neg = !p.neg
	if e != nil && !atomic {
		p.l.Errorf("missing parentheses around operand of !")
		return nil
	}
	return e
}

// primary reads an expression without && and || outside of parentheses. atomic
// tells whether "!" may stand before it.
func (p *parser) primary() (e Expr, atomic bool) {
	l := p.l
	switch l.Tok.Kind {
	case LParen:
		if p.depth == maxDepth {
			l.Errorf("parentheses nested too deeply: more than %d", maxDepth)
			return nil, false
		}
		l.Next()
		p.depth++
		e = p.expr()
		p.depth--
		if e == nil || !l.ForceMatch(RParen) {
			return nil, false
		}
		return e, true
	case Template:
		l.Errorf("unexpanded template variable ^%s", l.Tok.Text)
		return nil, false
	case ID:
		if l.parenFollows() {
			return p.function(), true
		}
		return p.comparison()
	}
	return p.reversed()
}

// function reads is_chassis_resident("port").
func (p *parser) function() Expr {
	l := p.l
	if !l.MatchID("is_chassis_resident") {
		l.SyntaxErrorf("expecting function name: is_chassis_resident")
		return nil
	}
	l.Next()
	if l.Tok.Kind != String {
		l.SyntaxErrorf("expecting string")
		return nil
	}
	e := &Resident{l.Tok.Text, p.neg}
	l.Next()
	if !l.ForceMatch(RParen) {
		return nil
	}
	return e
}

// comparison reads a field alone, or a field, a relation and values.
func (p *parser) comparison() (e Expr, atomic bool) {
	l := p.l
	at := l.start
	f, ok := p.t.field(l)
	if !ok {
		return nil, false
	}
	rel := l.Tok.Kind
	if isRelation(rel) {
		l.Next()
		c := &Cmp{Field: f, Rel: rel}
		if !p.values(c) {
			return nil, false
		}
		return p.finish(c, at), false
	}
	switch {
	case f.N == 0 || rel == Equals:
		l.SyntaxErrorf("expecting relational operator")
		return nil, false
	case f.N > 1 && !p.neg:
		l.Errorf("explicit `!= 0' is required for inequality test of multibit field %s against 0", f.Symbol.Name)
		return nil, false
	}
	c := &Cmp{Field: f, Rel: NE}
	c.Values = c.one[:]
	return p.finish(c, at), true
}

// reversed reads what starts with a constant: 0, 1, "values relation field" or
// "value relation field relation value".
func (p *parser) reversed() (e Expr, atomic bool) {
	l := p.l
	at := l.start
	c := new(Cmp)
	if !p.values(c) {
		return nil, false
	}
	rel := l.Tok.Kind
	if !isRelation(rel) {
		if b, ok := c.boolean(); ok {
			return Bool(b != p.neg), true
		}
		l.SyntaxErrorf("expecting relational operator")
		return nil, false
	}
	l.Next()
	f, ok := p.t.field(l)
	if !ok {
		return nil, false
	}
	c.Field, c.Rel = f, turned(rel)
	rel2 := l.Tok.Kind
	if !isRelation(rel2) {
		return p.finish(c, at), false
	}
	l.Next()
	c2 := &Cmp{Field: f, Rel: rel2}
	if !p.values(c2) {
		return nil, false
	}
	if !isRange(rel, rel2) {
		l.errorAt(at, "range expressions must have the form `x < field < y' or `x > field > y', "+
			"with each `<' optionally replaced by `<=' or `>' by `>='")
		return nil, false
	}
	lo, hi := p.finish(c, at), p.finish(c2, at)
	if lo == nil || hi == nil {
		return nil, false
	}
	return join(p.neg, lo, hi), false
}

// boolean is the truth that a lone 0 or 1 stands for.
func (c *Cmp) boolean() (value, ok bool) {
	if c.Curly || len(c.Values) != 1 || c.Values[0].Kind != Const {
		return false, false
	}
	k := &c.Values[0].Const
	return k.Value.Lo == 1, k.Format == Decimal && !k.Masked && k.Value.Hi == 0 && k.Value.Lo <= 1
}

func isRelation(k Kind) bool { return k >= EQ && k <= GE }

// isRange tells whether a and b point the same way.
func isRange(a, b Kind) bool {
	less := func(k Kind) bool { return k == LT || k == LE }
	more := func(k Kind) bool { return k == GT || k == GE }
	return less(a) && less(b) || more(a) && more(b)
}

// turned is the relation with its sides exchanged.
func turned(k Kind) Kind {
	switch k {
	case LT:
		return GT
	case LE:
		return GE
	case GT:
		return LT
	case GE:
		return LE
	}
	return k
}

// inverted is the relation that is true when k is false.
func inverted(k Kind) Kind {
	switch k {
	case EQ:
		return NE
	case NE:
		return EQ
	case LT:
		return GE
	case LE:
		return GT
	case GT:
		return LE
	}
	return LT
}
