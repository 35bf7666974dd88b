package expr

import "strings"

// ExpandTemplates replaces each ^name in text by the value that vars gives for it,
// as ovn-controller does with the match and the actions of a logical flow before it
// parses them. refs are the names that it asked for, each once, also with an error.
// A variable without a value is an error: the logical flow is left out until the
// chassis has it (OVN 23.03 and older put the variable's own name in its place,
// which parses only by accident).
func ExpandTemplates(text string, vars func(name string) (string, bool)) (expanded string, refs []string, err error) {
	if strings.IndexByte(text, '^') < 0 {
		return text, nil, nil
	}
	var b strings.Builder
	var l Lexer
	done := 0
	for l.Init(text); l.Tok.Kind != End; l.Next() {
		if l.Tok.Kind != Template {
			continue
		}
		name := l.Tok.Text
		refs = addName(refs, name)
		v, ok := vars(name)
		if !ok && err == nil {
			err = &Error{l.Column(), "template variable ^" + name + " has no value on this chassis"}
		}
		b.WriteString(text[done:l.start])
		b.WriteString(v)
		done = l.next
	}
	if err != nil {
		return "", refs, err
	}
	b.WriteString(text[done:])
	return b.String(), refs, nil
}
