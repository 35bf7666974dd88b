package flower

import (
	"fmt"
	"net/netip"
	"strconv"
)

// writer collects text in iproute2's form.
type writer struct {
	buf   []byte
	style Style
}

func (w *writer) printf(format string, args ...any) { w.buf = fmt.Appendf(w.buf, format, args...) }

// key writes a line of the match.
func (w *writer) key(name, format string, args ...any) {
	w.printf("\n  %s ", name)
	w.printf(format, args...)
}

func (w *writer) masked8(name string, m Masked[uint8]) {
	w.masked(name, uint32(m.Value), uint32(m.Mask), 0xff)
}
func (w *writer) masked16(name string, m Masked[uint16]) {
	w.masked(name, uint32(m.Value), uint32(m.Mask), 0xffff)
}
func (w *writer) masked32(name string, m Masked[uint32]) { w.masked(name, m.Value, m.Mask, 0xffffffff) }

func (w *writer) masked(name string, value, mask, ones uint32) {
	if mask != 0 {
		w.key(name, "%s", maskedText(value, mask, ones))
	}
}

func maskedText(value, mask, ones uint32) string {
	if mask == ones {
		return fmt.Sprint(value)
	}
	return fmt.Sprintf("%d/0x%x", value, mask)
}

// decimal8 is for the keys whose mask iproute2 prints in decimal.
func (w *writer) decimal8(name string, m Masked[uint8]) {
	switch m.Mask {
	case 0:
	case 0xff:
		w.key(name, "%d", m.Value)
	default:
		w.key(name, "%d/%d", m.Value, m.Mask)
	}
}

func (w *writer) mac(name string, m Masked[MAC]) {
	if m.Mask == (MAC{}) {
		return
	}
	switch bits, ok := prefixBits(m.Mask[:]); {
	case !ok:
		w.key(name, "%s/%s", m.Value, m.Mask)
	case bits < 48:
		w.key(name, "%s/%d", m.Value, bits)
	default:
		w.key(name, "%s", m.Value)
	}
}

func (w *writer) addr(name string, m Masked[netip.Addr]) {
	if !m.Value.IsValid() || m.Mask.IsUnspecified() {
		return
	}
	switch bits, ok := prefixBits(m.Mask.AsSlice()); {
	case !ok:
		w.key(name, "%s/%s", addrText(m.Value), addrText(m.Mask))
	case bits < m.Value.BitLen():
		w.key(name, "%s/%d", addrText(m.Value), bits)
	default:
		w.key(name, "%s", addrText(m.Value))
	}
}

// prefixBits counts the ones that a mask begins with; ok is false if there are ones after zeros.
func prefixBits(mask []byte) (bits int, ok bool) {
	hole := false
	for _, b := range mask {
		for i := 7; i >= 0; i-- {
			one := b>>i&1 == 1
			if one && hole {
				return 0, false
			}
			if one {
				bits++
			}
			hole = !one
		}
	}
	return bits, true
}

// addrText is inet_ntop's form, which differs from netip's for IPv4 addresses in IPv6 form.
func addrText(a netip.Addr) string {
	b := a.As16()
	compatible := [12]byte(b[:12]) == [12]byte{} && (b[12] != 0 || b[13] != 0)
	if a.Is6() && compatible {
		return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
	}
	return a.String()
}

func hex2(v uint8) string {
	s := strconv.FormatUint(uint64(v), 16)
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

// labelText is a conntrack label in bytes, with its mask if that has zeros.
func labelText(m Masked[Label]) string {
	if m == ExactLabel(m.Value) {
		return fmt.Sprintf("%x", m.Value[:])
	}
	return fmt.Sprintf("%x/%x", m.Value[:], m.Mask[:])
}

// classText is a class or qdisc handle.
func classText(h uint32) string {
	switch major, minor := h>>16, h&0xffff; {
	case h == 0xffffffff:
		return "root"
	case h == 0:
		return "none"
	case major == 0:
		return fmt.Sprintf(":%x", minor)
	case minor == 0:
		return fmt.Sprintf("%x:", major)
	default:
		return fmt.Sprintf("%x:%x", major, minor)
	}
}
