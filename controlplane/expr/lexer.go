package expr

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Error is what is wrong with a text of the match or action language.
type Error struct {
	Column int    // byte of the text, from 1
	Msg    string // what was found there and what was expected
}

// Error is "column N: message".
func (e *Error) Error() string { return "column " + strconv.Itoa(e.Column) + ": " + e.Msg }

// Lexer cuts a text into tokens. Tok is the current token; the zero Lexer is empty
// input. The first error sticks: later ones are consequences and are dropped.
//
// Tok.Text shares memory with the input where it can.
type Lexer struct {
	Tok Token

	in    string
	start int // of Tok
	next  int // where the token behind Tok starts, or white space before it
	err   *Error
}

// NewLexer makes a lexer that stands at the first token of s.
func NewLexer(s string) *Lexer {
	l := new(Lexer)
	l.Init(s)
	return l
}

// Init makes l stand at the first token of s.
func (l *Lexer) Init(s string) {
	*l = Lexer{in: s}
	l.Next()
}

const (
	classSpace  = 1 << iota
	classID     // first character of a name
	classDigit  // 0-9
	classHex    // 0-9 a-f A-F
	classLetter // a-z A-Z
)

var class = func() (t [256]uint8) {
	for _, c := range " \t\n\r\v\f" {
		t[c] |= classSpace
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= classID | classLetter
		t[c-'a'+'A'] |= classID | classLetter
	}
	t['_'] |= classID
	t['.'] |= classID
	for c := '0'; c <= '9'; c++ {
		t[c] |= classDigit | classHex
	}
	for c := 'a'; c <= 'f'; c++ {
		t[c] |= classHex
		t[c-'a'+'A'] |= classHex
	}
	return t
}()

// Next advances to the next token and returns its kind.
func (l *Lexer) Next() Kind {
	l.Tok.Kind = l.scan()
	return l.Tok.Kind
}

// Peek is the kind of the token behind the current one.
func (l *Lexer) Peek() Kind {
	p := *l
	return p.scan()
}

// parenFollows is Peek() == LParen, quick for the usual case.
func (l *Lexer) parenFollows() bool {
	i := l.next
	for l.at(i) == ' ' {
		i++
	}
	if c := l.at(i); c != '/' && class[c]&classSpace == 0 {
		return c == '('
	}
	return l.Peek() == LParen
}

func (l *Lexer) at(i int) byte {
	if i < len(l.in) {
		return l.in[i]
	}
	return 0
}

func (l *Lexer) commentAt(i int) bool {
	return l.at(i) == '/' && (l.at(i+1) == '/' || l.at(i+1) == '*')
}

// skip advances over white space and comments; ok is false for an open comment.
func (l *Lexer) skip() (ok bool) {
	for l.next < len(l.in) {
		switch c := l.in[l.next]; {
		case class[c]&classSpace != 0:
			l.next++
		case c == '/' && l.at(l.next+1) == '/':
			for l.next < len(l.in) && l.in[l.next] != '\n' {
				l.next++
			}
		case c == '/' && l.at(l.next+1) == '*':
			l.start = l.next
			for l.next += 2; !(l.at(l.next) == '*' && l.at(l.next+1) == '/'); l.next++ {
				if l.next >= len(l.in) || l.in[l.next] == '\n' {
					return l.fail(l.start, "`/*' without matching `*/'")
				}
			}
			l.next += 2
		default:
			return true
		}
	}
	return true
}

// scan reads one token; all but the kind goes to l.Tok.
func (l *Lexer) scan() Kind {
	if !l.skip() {
		return Invalid
	}
	l.start = l.next
	if l.next == len(l.in) {
		return End
	}
	c := l.in[l.next]
	switch cl := class[c]; {
	case cl&classDigit != 0:
		l.Tok.Const = Constant{}
		return l.number()
	case cl&classHex != 0 && l.colonBehindHex():
		// A name never has a colon behind hex digits; an Ethernet or IPv6 address
		// that starts with a letter always has.
		l.Tok.Const = Constant{}
		return l.number()
	case cl&classLetter != 0 || c == '_':
		return l.name(ID)
	}
	return l.punctuation(c)
}

func (l *Lexer) colonBehindHex() bool {
	i := l.next
	for i < len(l.in) && class[l.in[i]]&classHex != 0 {
		i++
	}
	return i < len(l.in) && l.in[i] == ':'
}

// name reads a name at the lexer's position.
func (l *Lexer) name(k Kind) Kind {
	i := l.next + 1
	for i < len(l.in) && class[l.in[i]]&(classID|classDigit) != 0 {
		i++
	}
	l.Tok.Text = l.in[l.next:i]
	l.next = i
	return k
}

// sigil reads a name behind $, @ or ^.
func (l *Lexer) sigil(c byte, k Kind) Kind {
	l.next++
	if class[l.at(l.next)]&classID == 0 {
		l.fail(l.start, "`"+string(rune(c))+"' must be followed by a valid identifier")
		return Invalid
	}
	return l.name(k)
}

func (l *Lexer) quoted() Kind {
	l.next++
	escaped := false
	for i := l.next; i < len(l.in); i++ {
		switch l.in[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			text := l.in[l.next:i]
			l.next = i + 1
			if escaped {
				var problem string
				if text, problem = unescape(text); problem != "" {
					l.fail(l.start, problem)
					return Invalid
				}
			}
			l.Tok.Text = text
			return String
		}
	}
	l.next = len(l.in)
	l.fail(l.start, "input ends inside quoted string")
	return Invalid
}

func (l *Lexer) punctuation(c byte) Kind {
	second := l.at(l.next + 1)
	// two takes the next two characters as one token.
	two := func(k Kind) Kind { l.next += 2; return k }
	one := func(k Kind) Kind { l.next++; return k }
	switch c {
	case '"':
		return l.quoted()
	case '$':
		return l.sigil(c, Macro)
	case '@':
		return l.sigil(c, Group)
	case '^':
		return l.sigil(c, Template)
	case '(':
		return one(LParen)
	case ')':
		return one(RParen)
	case '{':
		return one(LCurly)
	case '}':
		return one(RCurly)
	case '[':
		return one(LSquare)
	case ']':
		return one(RSquare)
	case ',':
		return one(Comma)
	case ';':
		return one(Semicolon)
	case '=':
		if second == '=' {
			return two(EQ)
		}
		return one(Equals)
	case '!':
		if second == '=' {
			return two(NE)
		}
		return one(Not)
	case '<':
		if second == '=' {
			return two(LE)
		}
		if second == '-' && l.at(l.next+2) == '>' {
			l.next += 3
			return Exchange
		}
		return one(LT)
	case '>':
		if second == '=' {
			return two(GE)
		}
		return one(GT)
	case '-':
		if second == '-' {
			return two(Decrement)
		}
		return one(Hyphen)
	case ':':
		if second == ':' {
			l.Tok.Const = Constant{}
			return l.number()
		}
		return one(Colon)
	case '&':
		if second == '&' {
			return two(LogAnd)
		}
		return l.bad("`&' is only valid as part of `&&'")
	case '|':
		if second == '|' {
			return two(LogOr)
		}
		return l.bad("`|' is only valid as part of `||'")
	case '.':
		if second == '.' {
			return two(Ellipsis)
		}
		return l.bad("`.' is only valid as part of `..' or a number")
	case '/':
		return l.bad("`/' is only valid as part of `//' or `/*'")
	}
	if r, n := utf8.DecodeRuneInString(l.in[l.next:]); r != utf8.RuneError && strconv.IsPrint(r) {
		msg := "invalid character `" + l.in[l.next:l.next+n] + "' in input"
		l.next += n - 1
		return l.bad(msg)
	}
	return l.bad(fmt.Sprintf("invalid byte 0x%02x in input", c))
}

// bad skips one character that starts no token.
func (l *Lexer) bad(msg string) Kind {
	l.next++
	l.fail(l.start, msg)
	return Invalid
}
