package flower

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A Masked is a ternary match: the bits of a field that Mask selects must be those of Value. The zero value matches everything.
// Bits of Value outside Mask mean nothing. The kernel gives them back as they were sent, except those of PacketFlags.
type Masked[T comparable] struct{ Value, Mask T }

// IsSet tells whether anything is matched.
func (m Masked[T]) IsSet() bool { return m != Masked[T]{} }

// An Opt is a value that may be absent, for fields that the kernel matches whole or not at all.
type Opt[T any] struct {
	Value T
	Set   bool
}

// Some is a value that is there.
func Some[T any](v T) Opt[T] { return Opt[T]{v, true} }

// Exact matches all bits of a number.
func Exact[T ~uint8 | ~uint16 | ~uint32](v T) Masked[T] { return Masked[T]{v, ^T(0)} }

// A MAC is an Ethernet address.
type MAC [6]byte

// String is the usual form with colons.
func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// ExactMAC matches one Ethernet address.
func ExactMAC(m MAC) Masked[MAC] { return Masked[MAC]{m, MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} }

// A Label is a conntrack label. Bit n of the label is bit n%8 of byte n/8.
type Label [16]byte

// ExactLabel matches all bits of a conntrack label.
func ExactLabel(l Label) Masked[Label] {
	m := Masked[Label]{Value: l}
	for i := range m.Mask {
		m.Mask[i] = 0xff
	}
	return m
}

// ExactAddr matches one address.
func ExactAddr(a netip.Addr) Masked[netip.Addr] { return InPrefix(netip.PrefixFrom(a, a.BitLen())) }

// InPrefix matches the addresses of a prefix. A prefix of no bits matches everything.
func InPrefix(p netip.Prefix) Masked[netip.Addr] {
	if !p.IsValid() || p.Bits() == 0 {
		return Masked[netip.Addr]{}
	}
	ones := netip.IPv6Unspecified().As16()
	for i := range p.Bits() {
		ones[i/8] |= 0x80 >> (i % 8)
	}
	mask, _ := netip.AddrFromSlice(ones[:p.Addr().BitLen()/8])
	return Masked[netip.Addr]{p.Addr().WithZone(""), mask}
}

// The put functions write a key and its mask, and nothing where nothing is matched. The take functions read them: a mask that
// is absent selects all bits, a mask of zeros nothing, both as the kernel has it.

func put8(e *nl.Encoder, value, mask uint16, m Masked[uint8]) {
	if m.Mask != 0 {
		e.U8(value, m.Value)
		e.U8(mask, m.Mask)
	}
}

func take8(t *nl.Table, value, mask uint16) Masked[uint8] {
	v, ok := t.U8(value)
	if !ok {
		return Masked[uint8]{}
	}
	m, ok := t.U8(mask)
	return masked(v, m, ok, 0xff)
}

func put16(e *nl.Encoder, value, mask uint16, m Masked[uint16]) {
	if m.Mask != 0 {
		e.U16(value, m.Value)
		e.U16(mask, m.Mask)
	}
}

func take16(t *nl.Table, value, mask uint16) Masked[uint16] {
	v, ok := t.U16(value)
	if !ok {
		return Masked[uint16]{}
	}
	m, ok := t.U16(mask)
	return masked(v, m, ok, 0xffff)
}

func put32(e *nl.Encoder, value, mask uint16, m Masked[uint32]) {
	if m.Mask != 0 {
		e.U32(value, m.Value)
		e.U32(mask, m.Mask)
	}
}

func take32(t *nl.Table, value, mask uint16) Masked[uint32] {
	v, ok := t.U32(value)
	if !ok {
		return Masked[uint32]{}
	}
	m, ok := t.U32(mask)
	return masked(v, m, ok, 0xffffffff)
}

// putBE16 omits a mask of ones, as iproute2 does for ports.
func putBE16(e *nl.Encoder, value, mask uint16, m Masked[uint16]) {
	if m.Mask == 0 {
		return
	}
	e.BE16(value, m.Value)
	if m.Mask != 0xffff {
		e.BE16(mask, m.Mask)
	}
}

func takeBE16(t *nl.Table, value, mask uint16) Masked[uint16] {
	v, ok := t.BE16(value)
	if !ok {
		return Masked[uint16]{}
	}
	m, ok := t.BE16(mask)
	return masked(v, m, ok, 0xffff)
}

func putMAC(e *nl.Encoder, value, mask uint16, m Masked[MAC]) {
	if m.Mask != (MAC{}) {
		e.Put(value, m.Value[:])
		e.Put(mask, m.Mask[:])
	}
}

func takeMAC(t *nl.Table, value, mask uint16) Masked[MAC] {
	var v, m MAC
	b, ok := t.Sized(value, len(v))
	if !ok {
		return Masked[MAC]{}
	}
	copy(v[:], b)
	b, ok = t.Sized(mask, len(m))
	copy(m[:], b)
	return masked(v, m, ok, ExactMAC(v).Mask)
}

func putLabel(e *nl.Encoder, value, mask uint16, m Masked[Label]) {
	if m.Mask != (Label{}) {
		e.Put(value, m.Value[:])
		e.Put(mask, m.Mask[:])
	}
}

func takeLabel(t *nl.Table, value, mask uint16) Masked[Label] {
	var v, m Label
	b, ok := t.Sized(value, len(v))
	if !ok {
		return Masked[Label]{}
	}
	copy(v[:], b)
	b, ok = t.Sized(mask, len(m))
	copy(m[:], b)
	return masked(v, m, ok, ExactLabel(v).Mask)
}

// masked makes a match of a value that is there and a mask that may not be.
func masked[T comparable](value, mask T, hasMask bool, ones T) Masked[T] {
	var zero T
	switch {
	case !hasMask:
		return Masked[T]{value, ones}
	case mask == zero:
		return Masked[T]{}
	}
	return Masked[T]{value, mask}
}
