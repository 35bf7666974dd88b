package expr

import (
	"fmt"
	"math"
)

// fail records the first error; at is a byte of the input. It returns false.
func (l *Lexer) fail(at int, msg string) bool {
	if l.err == nil {
		l.err = &Error{at + 1, msg}
	}
	return false
}

// Err is the first error, or nil. Its type is *Error.
func (l *Lexer) Err() error {
	if l.err == nil {
		return nil
	}
	return l.err
}

// Failed tells whether there was an error.
func (l *Lexer) Failed() bool { return l.err != nil }

// Column is the column of the current token, from 1.
func (l *Lexer) Column() int { return l.start + 1 }

// Errorf records an error at the current token.
func (l *Lexer) Errorf(format string, args ...any) {
	if l.err == nil {
		l.fail(l.start, fmt.Sprintf(format, args...))
	}
}

// errorAt records an error at a byte of the input.
func (l *Lexer) errorAt(at int, msg string) {
	if l.err == nil {
		l.fail(at, msg)
	}
}

// SyntaxErrorf records that the current token is not what the grammar wants here;
// the format completes "syntax error at `token' ", usually with "expecting ...".
func (l *Lexer) SyntaxErrorf(format string, args ...any) {
	if l.err != nil {
		return
	}
	where := "at end of input"
	if l.Tok.Kind != End {
		where = "at `" + l.in[l.start:l.next] + "'"
	}
	l.fail(l.start, "syntax error "+where+" "+fmt.Sprintf(format, args...))
}

// Match advances over a token of kind k and returns true, or returns false.
func (l *Lexer) Match(k Kind) bool {
	if l.Tok.Kind != k {
		return false
	}
	l.Next()
	return true
}

// MatchID advances over the name id and returns true, or returns false.
func (l *Lexer) MatchID(id string) bool {
	if l.Tok.Kind != ID || l.Tok.Text != id {
		return false
	}
	l.Next()
	return true
}

// MatchString advances over the quoted string s and returns true, or returns false.
func (l *Lexer) MatchString(s string) bool {
	if l.Tok.Kind != String || l.Tok.Text != s {
		return false
	}
	l.Next()
	return true
}

// ForceMatch is Match, and an error when the token is another.
func (l *Lexer) ForceMatch(k Kind) bool {
	if k == End {
		return l.ForceEnd()
	}
	if l.Match(k) {
		return true
	}
	l.SyntaxErrorf("expecting `%s'", k)
	return false
}

// ForceEnd is an error unless the input is used up.
func (l *Lexer) ForceEnd() bool {
	if l.Tok.Kind == End {
		return l.err == nil
	}
	l.SyntaxErrorf("expecting end of input")
	return false
}

// IsInt tells whether the current token is a decimal integer below 2**31.
func (l *Lexer) IsInt() bool {
	return l.Tok.Kind == Integer && l.Tok.Const.Format == Decimal && l.Tok.Const.Value.Lo <= math.MaxInt32
}

// Int advances over a small decimal integer; ok is false when there is none.
func (l *Lexer) Int() (n int, ok bool) {
	if !l.IsInt() {
		return 0, false
	}
	n = int(l.Tok.Const.Value.Lo)
	l.Next()
	return n, true
}

// ForceInt is Int, and an error when there is none.
func (l *Lexer) ForceInt() (n int, ok bool) {
	if n, ok = l.Int(); !ok {
		l.SyntaxErrorf("expecting small integer")
	}
	return n, ok
}
