package ovsdb

import (
	"bytes"
	"fmt"
	"io"
)

// Stream reads JSON from a connection while it arrives. It walks the outer
// levels of a message and cuts the inner ones, as small as a row, out as whole
// values for a Decoder. So a message of any size needs memory for its largest
// row only. Errors stick and are about the connection: once the structure of
// the text is lost it cannot be found again.
type Stream struct {
	r    io.Reader
	buf  []byte
	pos  int   // next byte to read
	end  int   // end of what has arrived
	last byte  // last byte consumed that is not white space
	done int64 // bytes consumed before buf[0]
	err  error
	key  []byte
	scan valueScanner
	tape tape
}

const (
	streamBuffer = 64 << 10
	// maxIdleBuffer is the size above which the buffer that a large row
	// needed is given back.
	maxIdleBuffer = 1 << 20
)

// NewStream reads from r.
func NewStream(r io.Reader) *Stream {
	return &Stream{r: r, buf: make([]byte, streamBuffer)}
}

// newTextStream reads a copy of text. The space ends a bare word.
func newTextStream(text []byte) *Stream {
	return &Stream{r: bytes.NewReader(nil), buf: append(append([]byte(nil), text...), ' '), end: len(text) + 1}
}

// Err returns the first error: of the reader, or of the text.
func (s *Stream) Err() error { return s.err }

func (s *Stream) failf(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("JSON at byte %d: %w", s.done+int64(s.pos), fmt.Errorf(format, args...))
	}
}

// Fail makes err the error of the stream, unless there is one already.
func (s *Stream) Fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Peek skips white space, waits for a byte and returns it; 0 after an error.
func (s *Stream) Peek() byte {
	for s.err == nil {
		for s.pos < s.end {
			switch c := s.buf[s.pos]; c {
			case ' ', '\n', '\r', '\t':
				s.pos++
			default:
				return c
			}
		}
		s.fill(s.pos)
	}
	return 0
}

// fill reads more behind what is in buf, of which it keeps what starts at from.
func (s *Stream) fill(from int) {
	if s.tape.on {
		s.tape.save(s.buf, from)
		s.tape.from = 0
	}
	if from > 0 {
		copy(s.buf, s.buf[from:s.end])
		s.done += int64(from)
		s.pos -= from
		s.end -= from
	}
	if s.end == 0 && len(s.buf) > maxIdleBuffer {
		s.buf = make([]byte, streamBuffer)
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, max(len(s.buf), streamBuffer))...)
	}
	for range 100 { // a reader may return nothing, but not for ever
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if n > 0 {
			return
		}
		if err != nil {
			s.Fail(err)
			return
		}
	}
	s.Fail(io.ErrNoProgress)
}

// consume takes the byte that Peek returned.
func (s *Stream) consume() {
	s.last = s.buf[s.pos]
	s.pos++
}

func (s *Stream) literal(c byte) {
	if got := s.Peek(); got == c && s.err == nil {
		s.consume()
	} else {
		s.failf("expected %q, got %q", c, got)
	}
}

// BeginObject enters an object, to be read with NextKey as with a Decoder.
func (s *Stream) BeginObject() { s.literal('{') }

// BeginArray enters an array, to be read with NextItem as with a Decoder.
func (s *Stream) BeginArray() { s.literal('[') }

// NextKey moves to the next member of the object, or leaves it and returns
// false. The key is valid until the next call of NextKey.
func (s *Stream) NextKey(key *[]byte) bool {
	if !s.next('{', '}') {
		return false
	}
	if s.Peek() != '"' {
		s.failf("expected the name of a member")
		return false
	}
	d := Decoder{data: s.Raw(), text: s.key}
	k := d.rawString()
	if d.err != nil {
		s.failf("name of a member: %w", d.err)
		return false
	}
	s.key = append(s.key[:0], k...)
	*key = s.key
	s.literal(':')
	return s.err == nil
}

// NextItem moves to the next item of the array, or leaves it and returns false.
func (s *Stream) NextItem() bool { return s.next('[', ']') }

func (s *Stream) next(open, end byte) bool {
	first := s.last == open
	c := s.Peek()
	switch {
	case s.err != nil:
		return false
	case c == end:
		s.consume()
		return false
	case first:
		return true
	case c == ',':
		s.consume()
		return true
	}
	s.failf("expected ',' or %q, got %q", end, c)
	return false
}

// Raw consumes the next value whatever it is and returns its text, valid until
// the next call of any method; nil after an error.
func (s *Stream) Raw() []byte {
	switch c := s.Peek(); c {
	case 0, ',', ':', ']', '}':
		s.failf("expected a value, got %q", c)
		return nil
	}
	s.scan.reset()
	n := 0 // bytes of the value seen so far, from s.pos on
	for s.err == nil {
		m, done := s.scan.scan(s.buf[s.pos+n:s.end], false)
		n += m
		if s.scan.err != nil {
			s.failf("%w", s.scan.err)
			return nil
		}
		if done {
			value := s.buf[s.pos : s.pos+n]
			s.pos += n
			s.last = value[n-1]
			return value
		}
		s.fill(s.pos)
	}
	return nil
}
