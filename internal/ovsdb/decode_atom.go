package ovsdb

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// Text reads a string atom.
func (d *Decoder) Text() string {
	if d.peek() != '"' {
		d.expected("a string")
		return ""
	}
	return d.intern.String(d.rawString())
}

// Bool reads a boolean atom.
func (d *Decoder) Bool() bool {
	switch {
	case d.word("true"):
		return true
	case d.word("false"):
		return false
	}
	d.expected("a boolean")
	return false
}

// Int reads an integer atom. A number in real notation is taken if its value
// is an integer, as the C implementation does.
func (d *Decoder) Int() int64 {
	text := d.number()
	if text == nil {
		d.expected("an integer")
		return 0
	}
	if v, ok := parseInt(text); ok {
		return v
	}
	f, err := strconv.ParseFloat(string(text), 64)
	// -2^63 is exact as a float; 2^63 is the first that is too large.
	if err != nil || f != math.Trunc(f) || f < math.MinInt64 || f >= math.MaxInt64 {
		d.failf("%s is not a 64-bit integer", text)
		return 0
	}
	return int64(f)
}

// Real reads a real atom.
func (d *Decoder) Real() float64 {
	text := d.number()
	if text == nil {
		d.expected("a real number")
		return 0
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		d.failf("%s is not a real number: %w", text, errors.Unwrap(err))
	}
	return f
}

// UUID reads a uuid atom, ["uuid", "..."]. A ["named-uuid", "..."] is an
// error: a server resolves it before it reports the row.
func (d *Decoder) UUID() UUID {
	if d.peek() != '[' {
		d.expected(`["uuid", UUID]`)
		return UUID{}
	}
	d.pos++
	if d.peek() != '"' || !bytes.Equal(d.rawString(), []byte("uuid")) {
		d.failf(`expected ["uuid", UUID], got another tag`)
		return UUID{}
	}
	if !d.literal(',') {
		return UUID{}
	}
	u := d.bareUUID()
	d.literal(']')
	return u
}

// bareUUID reads a UUID that is written as a plain string.
func (d *Decoder) bareUUID() UUID {
	if d.peek() != '"' {
		d.expected("a UUID")
		return UUID{}
	}
	text := d.rawString()
	u, ok := DecodeUUID(text)
	if !ok {
		d.failf("%q is not a UUID", text)
	}
	return u
}

// number cuts a JSON number (RFC 8259, section 6) out, nil if there is none.
func (d *Decoder) number() []byte {
	d.peek()
	if d.err != nil {
		return nil
	}
	i := d.pos
	digits := func() bool {
		start := i
		for i < len(d.data) && '0' <= d.data[i] && d.data[i] <= '9' {
			i++
		}
		return i > start
	}
	at := func(chars string) bool {
		if i < len(d.data) && bytes.IndexByte([]byte(chars), d.data[i]) >= 0 {
			i++
			return true
		}
		return false
	}
	at("-")
	if !at("0") && !digits() {
		return nil
	}
	if at(".") && !digits() {
		return nil
	}
	if at("eE") {
		at("+-")
		if !digits() {
			return nil
		}
	}
	text := d.data[d.pos:i]
	d.pos = i
	return text
}

// parseInt reads a plain decimal that fits.
func parseInt(text []byte) (v int64, ok bool) {
	if len(text) > 18 { // may overflow, or is a real
		n, err := strconv.ParseInt(string(text), 10, 64)
		return n, err == nil
	}
	neg := text[0] == '-'
	if neg {
		text = text[1:]
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if neg {
		v = -v
	}
	return v, true
}
