package flower

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A Masked is a ternary match: the bits of a field that Mask selects must be those of Value. The zero value matches everything.
// Bits of Value outside Mask mean nothing, and the kernel gives them back as they were sent.
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
	m, _ := masked(t.U8, value, mask, 0xff)
	return m
}

func put16(e *nl.Encoder, value, mask uint16, m Masked[uint16]) {
	if m.Mask != 0 {
		e.U16(value, m.Value)
		e.U16(mask, m.Mask)
	}
}

func take16(t *nl.Table, value, mask uint16) Masked[uint16] {
	m, _ := masked(t.U16, value, mask, 0xffff)
	return m
}

func put32(e *nl.Encoder, value, mask uint16, m Masked[uint32]) {
	if m.Mask != 0 {
		e.U32(value, m.Value)
		e.U32(mask, m.Mask)
	}
}

func take32(t *nl.Table, value, mask uint16) Masked[uint32] {
	m, _ := masked(t.U32, value, mask, 0xffffffff)
	return m
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
	m, _ := masked(t.BE16, value, mask, 0xffff)
	return m
}

func putMAC(e *nl.Encoder, value, mask uint16, m Masked[MAC]) {
	if m.Mask != (MAC{}) {
		e.Put(value, m.Value[:])
		e.Put(mask, m.Mask[:])
	}
}

func takeMAC(t *nl.Table, value, mask uint16) Masked[MAC] {
	m, _ := masked(func(typ uint16) (mac MAC, ok bool) {
		b, ok := t.Sized(typ, len(mac))
		copy(mac[:], b)
		return mac, ok
	}, value, mask, MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	return m
}

func masked[T comparable](take func(uint16) (T, bool), value, mask uint16, ones T) (m Masked[T], ok bool) {
	if m.Value, ok = take(value); !ok {
		return Masked[T]{}, false
	}
	if m.Mask, ok = take(mask); !ok {
		m.Mask = ones
	}
	var zero T
	if m.Mask == zero {
		return Masked[T]{}, false
	}
	return m, true
}
