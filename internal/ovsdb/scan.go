package ovsdb

import (
	"bytes"
	"fmt"
)

// valueScanner finds where a JSON value ends. It works on pieces of text as
// they arrive and keeps no copy. It balances brackets and strings only: what it
// cuts out is given to a Decoder, which reads it strictly.
type valueScanner struct {
	open   []byte // closing brackets that are due, innermost last
	str    bool   // inside a string
	escape bool   // behind a backslash
	bare   bool   // inside a number, true, false or null
	err    error
}

func (s *valueScanner) reset() { *s = valueScanner{open: s.open[:0]} }

// maxDepth bounds the nesting of a message. Updates nest about 9 deep.
const maxDepth = 1000

// scan reads on in text and returns how many bytes belong to the value and
// whether it ended. At the end of all input (eof) a bare word ends too.
func (s *valueScanner) scan(text []byte, eof bool) (n int, done bool) {
	for n < len(text) {
		if s.str {
			m, ended := s.skipString(text[n:])
			n += m
			if ended && len(s.open) == 0 {
				return n, true
			}
			continue
		}
		c := text[n]
		switch c {
		case ' ', '\n', '\r', '\t', ',', ':', ']', '}':
			if s.bare && len(s.open) == 0 {
				return n, true
			}
			s.bare = false
			n++
			if c != ']' && c != '}' {
				continue
			}
			if len(s.open) == 0 || s.open[len(s.open)-1] != c {
				s.err = fmt.Errorf("unexpected %q", c)
				return n, false
			}
			s.open = s.open[:len(s.open)-1]
			if len(s.open) == 0 {
				return n, true
			}
		case '"':
			s.str = true
			n++
		case '[', '{':
			if len(s.open) == maxDepth {
				s.err = fmt.Errorf("nested more than %d levels deep", maxDepth)
				return n, false
			}
			s.open = append(s.open, c+2) // in ASCII ']' and '}' are two behind
			n++
		default:
			s.bare = true
			n++
		}
	}
	return n, eof && s.bare && len(s.open) == 0
}

// skipString moves to behind the closing quote, or to the end of text.
func (s *valueScanner) skipString(text []byte) (n int, ended bool) {
	if s.escape {
		s.escape = false
		n = 1
	}
	for n < len(text) {
		i := bytes.IndexByte(text[n:], '"')
		end := len(text)
		if i >= 0 {
			end = n + i
		}
		b := bytes.IndexByte(text[n:end], '\\')
		switch {
		case b >= 0 && n+b+1 < len(text):
			n += b + 2
		case b >= 0: // the escaped character has not arrived
			s.escape = true
			return len(text), false
		case i >= 0:
			s.str = false
			return end + 1, true
		default:
			return len(text), false
		}
	}
	return n, false
}
