package action

import (
	"errors"

	"github.com/sluice-gw/sluice/controlplane/expr"
)

// Parser parses actions. It is immutable and may be used by any number of
// goroutines; make a new one when the DHCP options change.
type Parser struct {
	symbols *expr.Symtab
	dhcpv4  OptionTable
	dhcpv6  OptionTable
	ra      OptionTable
	prereqs map[string]expr.Expr // of actions, by their text

	statements  map[string]func(*parser) node
	assignments map[string]func(*parser, field) node
}

// NewParser makes a parser. The option tables hold the rows of the Southbound
// tables DHCP_Options and DHCPv6_Options.
func NewParser(symbols *expr.Symtab, dhcpv4, dhcpv6 OptionTable) (*Parser, error) {
	ps := &Parser{
		symbols: symbols, dhcpv4: dhcpv4, dhcpv6: dhcpv6, ra: raOptions(),
		prereqs:    make(map[string]expr.Expr),
		statements: statementTable(), assignments: assignmentTable(),
	}
	for _, text := range []string{"ip", "ip4", "ip6", "tcp", "udp", "sctp", "nd_ns"} {
		e, err := symbols.Parse(text)
		if err != nil {
			return nil, err
		}
		ps.prereqs[text] = e
	}
	return ps, nil
}

// Parse parses the text of an actions column, in which template variables are
// expanded already. The error is a *SyntaxError or an *UnknownActionError.
func (ps *Parser) Parse(text string) (*Actions, error) {
	p := parser{Parser: ps, scope: expr.WriteDefault}
	p.lex.Init(text)
	actions := p.list(expr.End)
	if p.unknown != nil {
		return nil, p.unknown
	}
	if err := p.lex.Err(); err != nil {
		if e := (*expr.Error)(nil); errors.As(err, &e) {
			return nil, &SyntaxError{e.Column, e.Msg}
		}
		return nil, err
	}
	return &Actions{actions, conjunction(p.needs)}, nil
}

// conjunction joins prerequisites; each text occurs once.
func conjunction(needs []expr.Expr) (e expr.Expr) {
	if len(needs) == 1 {
		return needs[0]
	}
	seen := make(map[string]bool, len(needs))
	for _, n := range needs {
		if text := expr.Canonical(n); !seen[text] {
			seen[text] = true
			e = expr.Conjunction(e, n)
		}
	}
	return e
}

// maxDepth is the most braces inside each other.
const maxDepth = 32

// parser is the state of one Parse. The first error is kept by the lexer; methods
// are safe to call after it and return zero values.
type parser struct {
	*Parser
	lex     expr.Lexer
	unknown *UnknownActionError
	scope   expr.Scope  // what may be written here
	needs   []expr.Expr // prerequisites, perhaps more than once
	depth   int
}

// list parses actions up to the token that ends them.
func (p *parser) list(end expr.Kind) (l list) {
	if p.lex.Tok.Kind == expr.ID && p.lex.Tok.Text == "drop" && p.lex.Peek() == expr.Semicolon {
		// "drop;" stands for no actions; other actions beside it make no sense.
		p.lex.Next()
		p.lex.Next()
		p.force(end)
		return list{}
	}
	for !p.failed() {
		if p.is(end) {
			if end != expr.End {
				p.lex.Next()
			}
			break
		}
		l.columns = append(l.columns, p.lex.Column())
		l.nodes = append(l.nodes, p.action())
		p.force(expr.Semicolon)
	}
	return l
}

// block parses "{ ... }". What may be written inside is scope; prereq, unless it
// is empty, replaces the prerequisites of the inner actions.
func (p *parser) block(scope expr.Scope, prereq string) list {
	if !p.force(expr.LCurly) {
		return list{}
	}
	if p.depth+1 == maxDepth {
		p.errorf("maximum depth of nested actions reached")
		return list{}
	}
	needs, outer := p.needs, p.scope
	p.depth++
	p.scope = scope
	inner := p.list(expr.RCurly)
	p.scope = outer
	p.depth--
	if prereq != "" {
		p.needs = needs
		p.prereq(prereq)
	}
	return inner
}

// action parses one action without its semicolon.
func (p *parser) action() node {
	switch p.lex.Tok.Kind {
	case expr.ID:
	case expr.Template:
		p.errorf("unexpanded template variable ^%s", p.lex.Tok.Text)
		return nil
	default:
		p.syntax("expecting action")
		return nil
	}
	switch p.lex.Peek() {
	case expr.Equals, expr.Exchange, expr.LSquare:
		return p.assignment()
	}
	name := p.lex.Tok.Text
	parse := p.statements[name]
	if parse == nil {
		if name == "drop" || p.assignments[name] != nil || p.symbols.Lookup(name) != nil {
			p.syntax("expecting action")
		} else {
			p.unknownAction(name)
		}
		return nil
	}
	p.lex.Next()
	return parse(p)
}

func (p *parser) unknownAction(name string) {
	if p.failed() {
		return
	}
	p.unknown = &UnknownActionError{name, p.lex.Column()}
	p.errorf("unknown action %s", name)
}

// assignment parses what starts with a field.
func (p *parser) assignment() node {
	dst := p.anyField()
	if p.failed() {
		return nil
	}
	switch {
	case p.match(expr.Exchange):
		return parseMove(p, dst, true)
	case !p.match(expr.Equals):
		p.syntax("expecting `=' or `<->'")
		return nil
	case !p.is(expr.ID):
		return parseLoad(p, dst)
	case p.lex.Peek() != expr.LParen:
		return parseMove(p, dst, false)
	}
	name := p.lex.Tok.Text
	parse := p.assignments[name]
	if parse == nil {
		p.unknownAction(name)
		return nil
	}
	if dst.isOVN() {
		p.errorf("field %s can only be assigned a constant", dst.name())
	}
	p.lex.Next()
	return parse(p, dst)
}

// prereq adds a prerequisite; NewParser knows all texts.
func (p *parser) prereq(text string) { p.needs = append(p.needs, p.prereqs[text]) }

func (p *parser) failed() bool                   { return p.lex.Failed() }
func (p *parser) is(k expr.Kind) bool            { return p.lex.Tok.Kind == k }
func (p *parser) match(k expr.Kind) bool         { return p.lex.Match(k) }
func (p *parser) matchID(id string) bool         { return p.lex.MatchID(id) }
func (p *parser) force(k expr.Kind) bool         { return p.lex.ForceMatch(k) }
func (p *parser) syntax(format string, a ...any) { p.lex.SyntaxErrorf(format, a...) }
func (p *parser) errorf(format string, a ...any) { p.lex.Errorf(format, a...) }
