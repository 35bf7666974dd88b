package nl

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Bits of an attribute's type (linux/netlink.h): NLA_F_NESTED and NLA_F_NET_BYTEORDER.
const (
	Nested       = 0x8000
	NetByteOrder = 0x4000
	typeMask     = ^uint16(Nested | NetByteOrder)
)

const (
	attrHeaderLen = 4
	maxAttr       = 0xffff - attrHeaderLen
)

// An Encoder builds messages out of attributes, one after another in one buffer. The zero value is ready. The first attribute
// that is too large is remembered (Err); what is written after that is lost.
type Encoder struct {
	buf []byte
	err error
}

// Reset forgets what was written and keeps the memory.
func (e *Encoder) Reset() { e.buf, e.err = e.buf[:0], nil }

// Bytes is what was written. It is valid until the next Reset.
func (e *Encoder) Bytes() []byte { return e.buf }

// Len is the number of bytes written.
func (e *Encoder) Len() int { return len(e.buf) }

// Err is the first error.
func (e *Encoder) Err() error { return e.err }

// truncate goes back to an earlier length, and forgets an error.
func (e *Encoder) truncate(n int) { e.buf, e.err = e.buf[:n], nil }

// Raw appends n zero bytes that are no attribute, such as the header of a family, for the caller to fill.
func (e *Encoder) Raw(n int) []byte {
	at := len(e.buf)
	e.buf = slices.Grow(e.buf, n)[:at+n]
	clear(e.buf[at:])
	return e.buf[at:]
}

// Reserve appends an attribute with a payload of n zero bytes, for the caller to fill before the next call.
func (e *Encoder) Reserve(typ uint16, n int) []byte {
	if n > maxAttr {
		if e.err == nil {
			e.err = fmt.Errorf("netlink attribute %d has %d bytes, more than %d", typ&typeMask, n, maxAttr)
		}
		return make([]byte, n)
	}
	b := e.Raw(attrHeaderLen + align(n))
	binary.NativeEndian.PutUint16(b, uint16(attrHeaderLen+n))
	binary.NativeEndian.PutUint16(b[2:], typ)
	return b[attrHeaderLen : attrHeaderLen+n]
}

// Put appends an attribute with the given payload.
func (e *Encoder) Put(typ uint16, payload []byte) { copy(e.Reserve(typ, len(payload)), payload) }

// Flag appends an attribute without payload.
func (e *Encoder) Flag(typ uint16) { e.Reserve(typ, 0) }

// U8 appends a byte.
func (e *Encoder) U8(typ uint16, v uint8) { e.Reserve(typ, 1)[0] = v }

// U16 appends two bytes in the host's order.
func (e *Encoder) U16(typ, v uint16) { binary.NativeEndian.PutUint16(e.Reserve(typ, 2), v) }

// U32 appends four bytes in the host's order.
func (e *Encoder) U32(typ uint16, v uint32) { binary.NativeEndian.PutUint32(e.Reserve(typ, 4), v) }

// U64 appends eight bytes in the host's order.
func (e *Encoder) U64(typ uint16, v uint64) { binary.NativeEndian.PutUint64(e.Reserve(typ, 8), v) }

// BE16 appends two bytes in the network's order.
func (e *Encoder) BE16(typ, v uint16) { binary.BigEndian.PutUint16(e.Reserve(typ, 2), v) }

// BE32 appends four bytes in the network's order.
func (e *Encoder) BE32(typ uint16, v uint32) { binary.BigEndian.PutUint32(e.Reserve(typ, 4), v) }

// String appends a string and the zero byte that ends it.
func (e *Encoder) String(typ uint16, s string) { copy(e.Reserve(typ, len(s)+1), s) }

// A Nest is an attribute that Begin has opened and End has not yet closed.
type Nest int

// Begin opens an attribute whose payload is the attributes written until End. Not every family wants the flag Nested in typ;
// the caller sets it where it belongs.
func (e *Encoder) Begin(typ uint16) Nest {
	n := Nest(len(e.buf))
	e.Reserve(typ, 0)
	return n
}

// End closes what Begin opened, and pads it if something other than attributes was written into it.
func (e *Encoder) End(n Nest) {
	size := len(e.buf) - int(n)
	if size > attrHeaderLen+maxAttr {
		if e.err == nil {
			e.err = fmt.Errorf("nested netlink attribute has %d bytes, more than %d", size-attrHeaderLen, maxAttr)
		}
		return
	}
	binary.NativeEndian.PutUint16(e.buf[n:], uint16(size))
	e.Raw(align(size) - size)
}
