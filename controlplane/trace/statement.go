package trace

import (
	"strings"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// statement is one action of a list, cut out of its canonical text.
type statement struct {
	text string // with the semicolon
	form form
	dst  expr.FieldRef // of assignments, moves and exchanges
	src  expr.FieldRef // of moves and exchanges
	name string        // of calls
	args string        // what is between the parentheses, or the braces, of a call
}

type form uint8

const (
	load     form = iota // dst = constant
	move                 // dst = src
	exchange             // dst <-> src
	answer               // dst = name(args)
	call                 // name, name(args) or name { args }
)

// statements cuts canonical text into actions. "drop;" is none.
func (n *Network) statements(text string) []statement {
	var list []statement
	var l expr.Lexer
	depth, start := 0, 0
	for l.Init(text); l.Tok.Kind != expr.End && !l.Failed(); l.Next() {
		switch l.Tok.Kind {
		case expr.LParen, expr.LCurly:
			depth++
		case expr.RParen, expr.RCurly:
			depth--
		case expr.Semicolon:
			if depth == 0 {
				end := l.Column() // behind the semicolon
				list = append(list, n.statement(strings.TrimSpace(text[start:end])))
				start = end
			}
		}
	}
	if len(list) == 1 && list[0].text == "drop;" {
		return nil
	}
	return list
}

func (n *Network) statement(text string) statement {
	s := statement{text: text, form: call}
	l := expr.NewLexer(text)
	name := l.Tok.Text
	switch l.Peek() {
	case expr.Equals, expr.Exchange, expr.LSquare:
		s.dst, _ = n.symbols.ParseField(l)
		if l.Match(expr.Exchange) {
			s.form = exchange
			s.src, _ = n.symbols.ParseField(l)
			return s
		}
		l.Match(expr.Equals)
		switch {
		case l.Tok.Kind != expr.ID:
			s.form = load
			return s
		case l.Peek() != expr.LParen:
			s.form = move
			s.src, _ = n.symbols.ParseField(l)
			return s
		}
		s.form, name = answer, l.Tok.Text
	}
	s.name = name
	rest := strings.TrimSuffix(text, ";")
	if i := strings.IndexAny(rest, "({"); i >= 0 && len(rest) > i+1 {
		s.args = strings.TrimSpace(rest[i+1 : len(rest)-1])
	}
	return s
}

// fields are the arguments of s that are fields.
func (n *Network) fields(s statement) []expr.FieldRef {
	var refs []expr.FieldRef
	l := expr.NewLexer(s.args)
	for l.Tok.Kind == expr.ID {
		f, ok := n.symbols.ParseField(l)
		if !ok {
			break
		}
		refs = append(refs, f)
		l.Match(expr.Comma)
	}
	return refs
}

// lower is s as operations. The action parser accepted it as part of its list, so
// that errors are about what the list does not show: ports that do not exist.
func (t *tracer) lower(s statement, d *datapath, at action.Position) []ir.Op {
	a, err := t.actions.Parse(s.text)
	if err == nil {
		var ops []ir.Op
		ops, _, err = a.Lower(&action.Env{
			Ingress: at.Ingress, Table: at.Table, Switch: d.isSwitch,
			Port: env{t.Network, d}.Port, Resident: env{t.Network, d}.Resident,
		})
		if err == nil {
			return ops
		}
	}
	t.warn("action %q: %v", s.text, err)
	return nil
}
