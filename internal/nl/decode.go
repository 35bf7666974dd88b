package nl

import (
	"encoding/binary"
	"fmt"
)

// An Attr is one attribute. Type keeps the bits Nested and NetByteOrder; Data is part of the buffer that was read.
type Attr struct {
	Type uint16
	Data []byte
}

// NextAttr splits the first attribute off b. Fewer bytes than an attribute's header are padding and end the list (ok is
// false), as in the kernel's nla_parse.
func NextAttr(b []byte) (a Attr, rest []byte, ok bool, err error) {
	if len(b) < attrHeaderLen {
		return Attr{}, nil, false, nil
	}
	size := int(binary.NativeEndian.Uint16(b))
	typ := binary.NativeEndian.Uint16(b[2:])
	if size < attrHeaderLen || size > len(b) {
		return Attr{}, nil, false, fmt.Errorf("netlink attribute %d says that it has %d bytes, %d are there", typ&typeMask, size, len(b))
	}
	return Attr{typ, b[attrHeaderLen:size:size]}, b[min(align(size), len(b)):], true, nil
}

// Kind is the type without the bits Nested and NetByteOrder.
func (a Attr) Kind() uint16 { return a.Type & typeMask }

// A Table holds the attributes of one nest by their type, and hands out each of them once: what nobody asked for is left for
// Rest, so that nothing is overlooked. The first attribute of a wrong size is remembered (Err).
type Table struct {
	slots []Attr
	body  []byte
	more  int // attributes of higher types than slots has, which Rest looks for in body
	bad   wrongSize
}

// wrongSize is an error, as a value: with a pointer in the table, the compiler would put the slots on the heap.
type wrongSize struct {
	typ        uint16
	have, want int
}

// NewTable makes a table of the caller's memory, which needs one more slot than the highest type that the caller knows.
func NewTable(slots []Attr) Table { return Table{slots: slots} }

// Parse fills the table. Of several attributes of one type the last counts, as in the kernel.
func (t *Table) Parse(b []byte) error {
	clear(t.slots)
	t.body, t.more, t.bad = b, 0, wrongSize{}
	for {
		a, rest, ok, err := NextAttr(b)
		if err != nil || !ok {
			return err
		}
		if int(a.Kind()) < len(t.slots) {
			t.slots[a.Kind()] = a
		} else {
			t.more++
		}
		b = rest
	}
}

// Err is the first error of what was taken.
func (t *Table) Err() error {
	if t.bad == (wrongSize{}) {
		return nil
	}
	return fmt.Errorf("netlink attribute %d has %d bytes, should have %d", t.bad.typ, t.bad.have, t.bad.want)
}

// Has tells whether an attribute is there and not yet taken.
func (t *Table) Has(typ uint16) bool { return t.slots[typ].Data != nil }

// Peek returns an attribute and leaves it there.
func (t *Table) Peek(typ uint16) []byte { return t.slots[typ].Data }

// Bytes takes an attribute of any size.
func (t *Table) Bytes(typ uint16) ([]byte, bool) {
	b := t.slots[typ].Data
	t.slots[typ] = Attr{}
	return b, b != nil
}

// Sized takes an attribute of a fixed size in bytes. A larger one is an error too: the caller would lose what it cannot name.
func (t *Table) Sized(typ uint16, size int) ([]byte, bool) {
	b, ok := t.Bytes(typ)
	if ok && len(b) != size {
		if t.bad == (wrongSize{}) {
			t.bad = wrongSize{typ, len(b), size}
		}
		return nil, false
	}
	return b, ok
}

// Flag takes an attribute without payload.
func (t *Table) Flag(typ uint16) bool {
	_, ok := t.Sized(typ, 0)
	return ok
}

// U8 takes a byte.
func (t *Table) U8(typ uint16) (uint8, bool) {
	if b, ok := t.Sized(typ, 1); ok {
		return b[0], true
	}
	return 0, false
}

// U16 takes two bytes in the host's order.
func (t *Table) U16(typ uint16) (uint16, bool) {
	if b, ok := t.Sized(typ, 2); ok {
		return binary.NativeEndian.Uint16(b), true
	}
	return 0, false
}

// U32 takes four bytes in the host's order.
func (t *Table) U32(typ uint16) (uint32, bool) {
	if b, ok := t.Sized(typ, 4); ok {
		return binary.NativeEndian.Uint32(b), true
	}
	return 0, false
}

// U64 takes eight bytes in the host's order.
func (t *Table) U64(typ uint16) (uint64, bool) {
	if b, ok := t.Sized(typ, 8); ok {
		return binary.NativeEndian.Uint64(b), true
	}
	return 0, false
}

// BE16 takes two bytes in the network's order.
func (t *Table) BE16(typ uint16) (uint16, bool) {
	if b, ok := t.Sized(typ, 2); ok {
		return binary.BigEndian.Uint16(b), true
	}
	return 0, false
}

// BE32 takes four bytes in the network's order.
func (t *Table) BE32(typ uint16) (uint32, bool) {
	if b, ok := t.Sized(typ, 4); ok {
		return binary.BigEndian.Uint32(b), true
	}
	return 0, false
}

// String takes a string; the zero byte that ends it may be missing.
func (t *Table) String(typ uint16) (string, bool) {
	b, ok := t.Bytes(typ)
	if !ok {
		return "", false
	}
	if n := len(b); n > 0 && b[n-1] == 0 {
		b = b[:n-1]
	}
	return string(b), true
}

// IsEmpty tells whether all was taken.
func (t *Table) IsEmpty() bool {
	for i := range t.slots {
		if t.slots[i].Data != nil {
			return false
		}
	}
	return t.more == 0
}

// Rest returns copies of the attributes that nobody took, by type; those of higher types than the table has come last.
func (t *Table) Rest() []Attr {
	var rest []Attr
	for _, a := range t.slots {
		if a.Data != nil {
			rest = append(rest, a.clone())
		}
	}
	for b := t.body; t.more > 0; {
		a, more, ok, _ := NextAttr(b)
		if !ok {
			break
		}
		if int(a.Kind()) >= len(t.slots) {
			rest = append(rest, a.clone())
		}
		b = more
	}
	return rest
}

func (a Attr) clone() Attr { return Attr{a.Type, append([]byte{}, a.Data...)} }
