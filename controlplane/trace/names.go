package trace

import (
	"strings"

	"github.com/sluice-gw/sluice/controlplane/expr"
)

// friendly is text, a match or actions, with quoted names of ports replaced by the
// names that people gave them.
func (t *tracer) friendly(text string) string {
	if t.UUIDNames || !strings.Contains(text, `"`) {
		return text
	}
	var b strings.Builder
	var l expr.Lexer
	done := 0
	for l.Init(text); l.Tok.Kind != expr.End && !l.Failed(); l.Next() {
		if l.Tok.Kind != expr.String {
			continue
		}
		if p := t.ports[l.Tok.Text]; p != nil {
			at := l.Column() - 1
			b.WriteString(text[done:at])
			b.WriteString(expr.Quote(p.shown(true)))
			done = at + quotedLen(text[at:])
		}
	}
	b.WriteString(text[done:])
	return b.String()
}

// quotedLen is the length of the quoted string that text begins with.
func quotedLen(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
