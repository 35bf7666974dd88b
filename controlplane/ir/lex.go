package ir

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner reads the canonical text. It remembers the first error and reads
// nothing more after it, so that the parsers are straight-line code.
type scanner struct {
	text string
	pos  int
	err  error
	// depth counts open braces: text comes from files and people, and its
	// nesting must not exhaust the stack.
	depth int
}

// maxNesting bounds clone{clone{...}}; the compiler makes fewer than 5 levels.
const maxNesting = 100

// SyntaxError says where a text stops being canonical text and what was wanted there.
type SyntaxError struct {
	Column int    // from 1, in bytes
	Want   string // what the grammar allows
	Got    string // what follows in the text, shortened
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("column %d: want %s, got %q", e.Column, e.Want, e.Got)
}

func (s *scanner) fail(want string) {
	if s.err != nil {
		return
	}
	got := s.text[s.pos:]
	if len(got) > 24 {
		got = got[:24]
		for len(got) > 0 && !utf8.ValidString(got) {
			got = got[:len(got)-1]
		}
	}
	s.err = &SyntaxError{s.pos + 1, want, got}
}

// failAt reports a fault of what was read from byte pos on.
func (s *scanner) failAt(pos int, want string) {
	if s.err == nil {
		s.pos = pos
		s.fail(want)
	}
}

func (s *scanner) space() {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
}

// mark is the position of the next token.
func (s *scanner) mark() int { s.space(); return s.pos }

func (s *scanner) atEnd() bool { s.space(); return s.pos == len(s.text) }

// accept consumes punctuation p when it is next.
func (s *scanner) accept(p string) bool {
	s.space()
	if s.err != nil || !strings.HasPrefix(s.text[s.pos:], p) {
		return false
	}
	s.pos += len(p)
	return true
}

func (s *scanner) want(p string) {
	if !s.accept(p) {
		s.fail(strconv.Quote(p))
	}
}

func isWordByte(c byte) bool {
	return c == '_' || c == '.' || c == '?' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (s *scanner) run(in func(byte) bool) string {
	s.space()
	if s.err != nil {
		return ""
	}
	i := s.pos
	for i < len(s.text) && in(s.text[i]) {
		i++
	}
	return s.text[s.pos:i]
}

// peek is the next word without consuming it, "" when none is next.
func (s *scanner) peek() string { return s.run(isWordByte) }

func (s *scanner) word(want string) string {
	w := s.peek()
	if w == "" {
		s.fail(want)
	}
	s.pos += len(w)
	return w
}

// keyword consumes w when it is the next word.
func (s *scanner) keyword(w string) bool {
	if s.peek() != w {
		return false
	}
	s.pos += len(w)
	return true
}

// key consumes "w=".
func (s *scanner) key(w string) bool {
	if s.peek() != w || !strings.HasPrefix(s.text[s.pos+len(w):], "=") {
		return false
	}
	s.pos += len(w) + 1
	return true
}

func (s *scanner) wantKey(w string) {
	if !s.key(w) {
		s.fail(strconv.Quote(w + "="))
	}
}

// uint reads a decimal number of at most the given number of bits.
func (s *scanner) uint(bits int) uint64 {
	w := s.run(func(c byte) bool { return '0' <= c && c <= '9' })
	n, err := strconv.ParseUint(w, 10, bits)
	if err != nil {
		s.fail(fmt.Sprintf("a decimal number of at most %d bits", bits))
	}
	if s.err != nil {
		return 0
	}
	s.pos += len(w)
	return n
}

// value reads a decimal or 0x hexadecimal number of at most the given number of bits.
func (s *scanner) value(bits int) Value {
	at := s.mark()
	w := s.word("a number")
	v, ok := parseValue(w)
	if !ok || v.Len() > bits {
		s.failAt(at, fmt.Sprintf("a number of at most %d bits", bits))
	}
	if s.err != nil {
		return Value{}
	}
	return v
}

func parseValue(w string) (Value, bool) {
	digits, hex := strings.CutPrefix(w, "0x")
	if !hex {
		n, err := strconv.ParseUint(w, 10, 64)
		return V(n), err == nil
	}
	var v Value
	for i := 0; i < len(digits); i++ {
		d, err := strconv.ParseUint(digits[i:i+1], 16, 8)
		if err != nil || v.Hi>>60 != 0 {
			return Value{}, false
		}
		v = v.Shl(4)
		v.Lo |= d
	}
	return v, digits != ""
}

func (s *scanner) quoted() string {
	s.space()
	q, err := strconv.QuotedPrefix(s.text[s.pos:])
	if err != nil {
		s.fail("a quoted string")
		return ""
	}
	u, err := strconv.Unquote(q)
	if err != nil {
		s.fail("a quoted string")
	}
	s.pos += len(q)
	return u
}

func (s *scanner) field() Field {
	at := s.mark()
	f, ok := FieldByName(s.word("a field"))
	if !ok {
		s.failAt(at, "a field")
	}
	return f
}

// sub reads "field", "field[bit]" or "field[lo..hi]".
func (s *scanner) sub() Sub {
	f := s.field()
	if s.err != nil || !s.accept("[") {
		return All(f)
	}
	at := s.mark()
	lo := s.uint(8)
	hi := lo
	if s.accept("..") {
		hi = s.uint(8)
	}
	if s.err == nil && (hi < lo || int(hi) >= f.Width()) {
		s.failAt(at, fmt.Sprintf("bits of %s, 0..%d", f, f.Width()-1))
	}
	s.want("]")
	return Bits(f, int(lo), int(hi-lo+1))
}

func (s *scanner) stage() Stage {
	at := s.mark()
	st, err := ParseStage(s.word("a stage"))
	if err != nil {
		s.failAt(at, "a stage such as local_output, ingress.N or egress.N")
	}
	return st
}
