package ofp

import (
	"encoding/binary"
	"fmt"
)

// reader takes fixed-size parts from the front of a buffer. After the first
// read past the end it returns zeros and remembers the error.
type reader struct {
	b    []byte
	what string // for the error: what is being read
	err  error
}

// take returns the next n bytes, which share memory with the buffer; nil after an error.
func (r *reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.b) {
		r.err = fmt.Errorf("%s cut off: %d of %d bytes", r.what, len(r.b), n)
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) skip(n int) { r.take(n) }

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// fail remembers an error unless there is one.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// prop takes the next property: type, length, data, padding to 8 bytes. The
// padding of the last property may be missing.
func (r *reader) prop() (typ uint16, data []byte) {
	n := len(r.b)
	typ = r.u16()
	size := int(r.u16())
	if r.err == nil && (size < 4 || size > n) {
		r.err = fmt.Errorf("%s: property %d says its length is %d; there are %d bytes", r.what, typ, size, n)
	}
	data = r.take(size - 4)
	if pad := (8 - size%8) % 8; r.err == nil && pad > 0 {
		r.take(min(pad, len(r.b)))
	}
	return typ, data
}
