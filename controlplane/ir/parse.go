package ir

import "fmt"

// The canonical text is what the String and AppendText methods of this package
// write: the form of golden tests, dumps and traces. For every value x that
// these functions return, parsing x.String() returns x again.

// ParseMatch is the inverse of Match.String. It also takes views, which it
// splits, and several terms on one field; terms that contradict each other are
// an error.
func ParseMatch(text string) (Match, error) {
	s := &scanner{text: text}
	m := s.match()
	return m, s.finish("match", text)
}

// ParseProgram is the inverse of Program.String.
func ParseProgram(text string) (*Program, error) {
	s := &scanner{text: text}
	p := s.program()
	if err := s.finish("program", text); err != nil {
		return nil, err
	}
	return p, nil
}

// ParseRule is the inverse of Rule.String. The text has no owner, so the rule has none.
func ParseRule(text string) (Rule, error) {
	s := &scanner{text: text}
	r := s.rule()
	if err := s.finish("rule", text); err != nil {
		return Rule{}, err
	}
	return r, nil
}

func (s *scanner) finish(what, text string) error {
	if !s.atEnd() {
		s.fail("the end")
	}
	if s.err != nil {
		return fmt.Errorf("%s %q: %w", what, text, s.err)
	}
	return nil
}

func (s *scanner) match() Match {
	if s.keyword("any") {
		return Match{}
	}
	at := s.mark()
	var terms []Term
	for {
		f := s.field()
		s.want("=")
		t := Term{f, s.value(f.Width()), Ones(f.Width())}
		if s.accept("/") {
			t.Mask = s.value(f.Width())
		}
		terms = append(terms, t)
		if s.err != nil || !s.accept(",") {
			break
		}
	}
	if s.err != nil {
		return Match{}
	}
	m, ok := NewMatch(terms...)
	if !ok {
		s.failAt(at, "terms that do not contradict each other")
	}
	return m
}

func (s *scanner) program() *Program {
	if s.peek() == "drop" {
		s.keyword("drop")
		s.want(";")
		return NewProgram()
	}
	var ops []Op
	for s.err == nil && s.peek() != "" {
		ops = append(ops, s.op())
		s.want(";")
	}
	if len(ops) == 0 {
		s.fail(`an operation or "drop;"`)
	}
	return NewProgram(ops...)
}

func (s *scanner) rule() Rule {
	stage := s.stage()
	priority := uint16(s.uint(16))
	var datapath uint32
	if s.key("datapath") {
		datapath = uint32(s.uint(32))
	}
	if !s.keyword("match") {
		s.fail(`"match("`)
	}
	s.want("(")
	m := s.match()
	s.want(")")
	product := s.product()
	s.want("{")
	p := s.program()
	s.want("}")
	if s.err != nil {
		return Rule{}
	}
	return NewRule(stage, priority, datapath, m, product, p, Owner{})
}

func (s *scanner) product() *Product {
	var dims [][]Match
	for s.err == nil && s.peek() == "any" {
		s.keyword("any")
		s.want("-of(")
		var dim []Match
		for {
			dim = append(dim, s.match())
			if s.err != nil || !s.accept("|") {
				break
			}
		}
		s.want(")")
		dims = append(dims, dim)
	}
	switch len(dims) {
	case 0:
		return nil
	case 1:
		s.fail(`a second "any-of(": a product has at least two dimensions`)
	}
	return NewProduct(dims)
}
