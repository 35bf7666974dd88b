package ovsdb

import (
	"unicode/utf16"
	"unicode/utf8"
)

// plain tells the bytes of a JSON string that stand for themselves in ASCII.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// rawString reads a JSON string. The result points into the data or into
// scratch memory and is valid until the next call.
func (d *Decoder) rawString() []byte {
	if !d.literal('"') {
		return nil
	}
	start, ascii := d.pos, true
	for i := start; i < len(d.data); i++ {
		c := d.data[i]
		switch {
		case plain[c]:
		case c == '"':
			d.pos = i + 1
			s := d.data[start:i]
			if !ascii && !utf8.Valid(s) {
				d.failf("the string is not UTF-8")
			}
			return s
		case c == '\\':
			d.pos = i
			return d.escapedString(append(d.text[:0], d.data[start:i]...))
		case c >= utf8.RuneSelf:
			ascii = false
		default:
			d.pos = i
			d.failf("control character %#02x in a string", c)
			return nil
		}
	}
	d.pos = len(d.data)
	d.failf("the string does not end")
	return nil
}

// escapedString goes on at the first backslash of a string, behind text.
func (d *Decoder) escapedString(text []byte) []byte {
	for d.pos < len(d.data) {
		c := d.data[d.pos]
		switch {
		case c == '"':
			d.pos++
			d.text = text
			if !utf8.Valid(text) {
				d.failf("the string is not UTF-8")
			}
			return text
		case c < ' ':
			d.failf("control character %#02x in a string", c)
			return nil
		case c != '\\':
			text = append(text, c)
			d.pos++
		default:
			r, ok := d.escape()
			if !ok {
				return nil
			}
			text = utf8.AppendRune(text, r)
		}
	}
	d.failf("the string does not end")
	return nil
}

// escape reads one escape sequence (RFC 8259, section 7). Half of a surrogate
// pair is an error, as it is for the C implementation.
func (d *Decoder) escape() (rune, bool) {
	if d.pos+1 >= len(d.data) {
		d.failf("the string does not end")
		return 0, false
	}
	c := d.data[d.pos+1]
	d.pos += 2
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		r, ok := d.hex4()
		if !ok {
			return 0, false
		}
		if !utf16.IsSurrogate(r) {
			return r, true
		}
		if d.pos+2 <= len(d.data) && string(d.data[d.pos:d.pos+2]) == `\u` {
			d.pos += 2
			low, ok := d.hex4()
			if !ok {
				return 0, false
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, true
			}
		}
		d.failf("half of a surrogate pair in a string")
		return 0, false
	}
	d.pos -= 2
	d.failf("unknown escape \\%c in a string", c)
	return 0, false
}

func (d *Decoder) hex4() (r rune, ok bool) {
	if d.pos+4 > len(d.data) {
		d.failf("\\u needs four hexadecimal digits")
		return 0, false
	}
	for _, c := range d.data[d.pos : d.pos+4] {
		h := hexDigit[c]
		if h == badDigit {
			d.failf("\\u needs four hexadecimal digits, got %q", d.data[d.pos:d.pos+4])
			return 0, false
		}
		r = r<<4 | rune(h)
	}
	d.pos += 4
	return r, true
}
