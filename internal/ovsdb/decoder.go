package ovsdb

import (
	"errors"
	"fmt"
)

// Decoder reads one JSON value that is whole in memory, left to right. The
// first error sticks: later calls return zero values and consume nothing, so
// that code reads straight on and asks Err once.
type Decoder struct {
	data   []byte
	pos    int
	err    error
	intern *Interner
	text   []byte // scratch for strings with escapes
	scan   valueScanner
}

// NewDecoder returns a Decoder whose strings share their memory through in.
func NewDecoder(in *Interner) *Decoder { return &Decoder{intern: in} }

// Reset starts on a new value. The Decoder does not keep or change data beyond
// the next Reset, and what it returns does not point into it.
func (d *Decoder) Reset(data []byte) {
	d.data, d.pos, d.err = data, 0, nil
}

// Err returns the first error since Reset.
func (d *Decoder) Err() error { return d.err }

// End reports an error unless all of the value has been read.
func (d *Decoder) End() error {
	if d.peek(); d.err == nil && d.pos < len(d.data) {
		d.failf("text behind the end of the value")
	}
	return d.err
}

// Fail makes err the error of this value, unless there is one already.
func (d *Decoder) Fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *Decoder) failf(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("offset %d: %w", d.pos, fmt.Errorf(format, args...))
	}
}

// expected fails with what the value has instead of what.
func (d *Decoder) expected(what string) {
	if d.err != nil {
		return
	}
	d.peek()
	got := d.data[d.pos:]
	if len(got) == 0 {
		d.failf("expected %s, the value ends here", what)
		return
	}
	const enough = 32
	if len(got) > enough {
		got = got[:enough]
	}
	d.failf("expected %s, got %q", what, got)
}

// peek skips white space and returns the next byte, 0 at the end or after an
// error. (A zero byte in the text is no token either.)
func (d *Decoder) peek() byte {
	if d.err != nil {
		return 0
	}
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; c {
		case ' ', '\n', '\r', '\t':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

func (d *Decoder) literal(c byte) bool {
	if d.peek() != c {
		d.expected(string(rune(c)))
		return false
	}
	d.pos++
	return true
}

// word consumes w if it is next.
func (d *Decoder) word(w string) bool {
	if d.peek() == 0 || len(d.data)-d.pos < len(w) || string(d.data[d.pos:d.pos+len(w)]) != w {
		return false
	}
	d.pos += len(w)
	return true
}

// Null consumes a null if it is next.
func (d *Decoder) Null() bool { return d.word("null") }

// BeginObject enters an object; the members are read with
//
//	for d.BeginObject(); d.NextKey(&key); {
//		... read or Skip the value
//	}
func (d *Decoder) BeginObject() { d.literal('{') }

// NextKey moves to the next member of the object, or leaves it and returns
// false. The key is valid until the next call of any method.
func (d *Decoder) NextKey(key *[]byte) bool {
	if !d.next('{', '}') {
		return false
	}
	*key = d.rawString()
	return d.literal(':')
}

// BeginArray enters an array, to be read like an object with NextItem.
func (d *Decoder) BeginArray() { d.literal('[') }

// NextItem moves to the next item of the array, or leaves it and returns false.
func (d *Decoder) NextItem() bool { return d.next('[', ']') }

// next consumes the separator in front of an item. Whether the item is the
// first is told by the byte before it, so nesting needs no stack.
func (d *Decoder) next(open, end byte) bool {
	c := d.peek()
	if d.err != nil {
		return false
	}
	first := d.lastToken() == open
	switch {
	case c == end:
		d.pos++
		return false
	case first:
		return true
	case c == ',':
		d.pos++
		return true
	}
	d.expected("',' or '" + string(rune(end)) + "'")
	return false
}

// lastToken returns the last byte before pos that is not white space.
func (d *Decoder) lastToken() byte {
	for i := d.pos - 1; i >= 0; i-- {
		switch c := d.data[i]; c {
		case ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

var errUnbalanced = errors.New("unbalanced brackets")

// Raw consumes the next value whatever it is and returns its text, which
// points into the data given to Reset. Brackets and strings are checked, the
// rest is for whoever decodes it.
func (d *Decoder) Raw() []byte {
	switch d.peek() {
	case 0, ',', ':', ']', '}':
		d.expected("a value")
		return nil
	}
	d.scan.reset()
	start := d.pos
	n, done := d.scan.scan(d.data[start:], true)
	d.pos += n
	if d.scan.err != nil {
		d.failf("%w", d.scan.err)
	} else if !done {
		d.failf("%w", errUnbalanced)
	}
	if d.err != nil {
		return nil
	}
	return d.data[start:d.pos]
}

// Skip consumes the next value.
func (d *Decoder) Skip() { d.Raw() }

// Wrap puts the name of what was being read in front of the error, if there is
// one, and reports whether there is.
func (d *Decoder) Wrap(what string) bool {
	if d.err != nil {
		d.err = fmt.Errorf("%s: %w", what, d.err)
	}
	return d.err != nil
}
