package flower

import (
	"net/netip"

	"github.com/sluice-gw/sluice/internal/nl"
)

// addrKey are the attributes of a match on an address: value and mask of each family.
type addrKey struct{ v4, mask4, v6, mask6 uint16 }

// put writes a match on an address. The family is the value's; a mask of zeros matches everything.
func (k addrKey) put(e *nl.Encoder, m Masked[netip.Addr]) {
	if !m.Value.IsValid() || m.Mask.IsUnspecified() {
		return
	}
	if m.Value.Is4() {
		value, mask := m.Value.As4(), m.Mask.As4()
		e.Put(k.v4, value[:])
		e.Put(k.mask4, mask[:])
		return
	}
	value, mask := m.Value.As16(), m.Mask.As16()
	e.Put(k.v6, value[:])
	e.Put(k.mask6, mask[:])
}

// take reads a match on an address of one family, "is6" or not.
func (k addrKey) take(t *nl.Table, is6 bool) Masked[netip.Addr] {
	value, mask, size, bits := k.v4, k.mask4, 4, 32
	if is6 {
		value, mask, size, bits = k.v6, k.mask6, 16, 128
	}
	v, ok := takeAddr(t, value, size)
	if !ok {
		return Masked[netip.Addr]{}
	}
	m, ok := takeAddr(t, mask, size)
	switch {
	case !ok:
		return InPrefix(netip.PrefixFrom(v, bits))
	case m.IsUnspecified():
		return Masked[netip.Addr]{}
	}
	return Masked[netip.Addr]{v, m}
}

func takeAddr(t *nl.Table, typ uint16, size int) (netip.Addr, bool) {
	b, ok := t.Sized(typ, size)
	a, _ := netip.AddrFromSlice(b)
	return a, ok
}

// checkAddr says what is wrong with a match on an address, "" if nothing is.
func checkAddr(m Masked[netip.Addr], is6 bool) string {
	switch {
	case !m.IsSet():
		return ""
	case !m.Value.IsValid() || !m.Mask.IsValid():
		return "needs both an address and a mask"
	case m.Value.Is4() != m.Mask.Is4():
		return "has an address of one family and a mask of the other"
	case m.Value.Is4() == is6:
		return "has an address of the other family than the packet type"
	}
	return ""
}
