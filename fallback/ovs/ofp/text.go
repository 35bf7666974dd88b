package ofp

import (
	"math/bits"
	"net/netip"
	"strconv"
)

func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }

// appendHex appends v as ovs-ofctl writes hexadecimal numbers of any width: 0
// has no prefix.
func appendHex(b []byte, v Value) []byte {
	if v.IsZero() {
		return append(b, '0')
	}
	b = append(b, "0x"...)
	if v.Hi == 0 {
		return strconv.AppendUint(b, v.Lo, 16)
	}
	b = strconv.AppendUint(b, v.Hi, 16)
	return appendHexPadded(b, v.Lo, 16)
}

// appendHexPadded appends n as at least width hexadecimal digits.
func appendHexPadded(b []byte, n uint64, width int) []byte {
	for i := max(1, (bits.Len64(n)+3)/4); i < width; i++ {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, n, 16)
}

// appendDotted appends data as ovs-ofctl writes strings of bytes: "01.ab".
func appendDotted(b, data []byte) []byte {
	for i, c := range data {
		if i > 0 {
			b = append(b, '.')
		}
		b = appendHexPadded(b, uint64(c), 2)
	}
	return b
}

func appendMAC(b []byte, v uint64) []byte {
	for i := 40; i >= 0; i -= 8 {
		b = appendHexPadded(b, v>>i&0xff, 2)
		if i > 0 {
			b = append(b, ':')
		}
	}
	return b
}

func addr4(v Value) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(v.Lo >> 24), byte(v.Lo >> 16), byte(v.Lo >> 8), byte(v.Lo)})
}

func addr6(v Value) netip.Addr {
	var a [16]byte
	v.appendBytes(a[:0], 16)
	return netip.AddrFrom16(a)
}

// appendIPv6 appends an IPv6 address as inet_ntop(3) of the C library does,
// which differs from Go: ::a.b.c.d for an address of 32 bits.
func appendIPv6(b []byte, v Value) []byte {
	if v.Hi == 0 && v.Lo>>32 == 0 && v.Lo>>16 != 0 {
		return addr4(v).AppendTo(append(b, "::"...))
	}
	return addr6(v).AppendTo(b)
}

// prefixLen is the length of the prefix that mask is, out of width bits; ok is
// false when mask is no prefix.
func prefixLen(mask Value, width int) (n int, ok bool) {
	host := Ones(width).AndNot(mask)
	n = width - host.Len()
	return n, host == Ones(width-n)
}

// appendAddr appends an IPv4 (width 32) or IPv6 (128) address with its mask.
func appendAddr(b []byte, v, mask Value, width int) []byte {
	one := appendIPv6
	if width == 32 {
		one = func(b []byte, v Value) []byte { return addr4(v).AppendTo(b) }
	}
	b = one(b, v)
	if mask == Ones(width) {
		return b
	}
	b = append(b, '/')
	if n, ok := prefixLen(mask, width); ok {
		return appendUint(b, uint64(n))
	}
	return one(b, mask)
}

// flagNames are the names of the bits of a field, from bit 0 up; "" for a bit
// without a name.
type flagNames []string

// The names that ovs-ofctl uses.
var (
	ctStateNames  = flagNames{"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"}
	tcpFlagNames  = flagNames{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"}
	tunFlagNames  = flagNames{"oam"}
	flowFlagNames = flagNames{"send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts"}
)

func (n flagNames) name(bit int) string {
	if bit < len(n) {
		return n[bit]
	}
	return ""
}

// appendSet appends the flags that are set, separated by sep; "0" for none.
func (n flagNames) appendSet(b []byte, v uint64, sep byte) []byte {
	if v == 0 {
		return append(b, '0')
	}
	var unnamed uint64
	for rest := v; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		s := n.name(i)
		if s == "" {
			unnamed |= 1 << i
			continue
		}
		b = append(append(b, s...), sep)
	}
	if unnamed != 0 {
		b = append(appendHex(b, V(unnamed)), sep)
	}
	return b[:len(b)-1]
}

// appendMasked appends "+new-est" for the bits of mask; when mask is full, as
// appendSet.
func (n flagNames) appendMasked(b []byte, v, mask, full uint64) []byte {
	if mask == full {
		return n.appendSet(b, v, '|')
	}
	if mask == 0 {
		return append(b, "0/0"...)
	}
	for rest := mask; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		sign := byte('-')
		if v>>i&1 == 1 {
			sign = '+'
		}
		s := n.name(i)
		if s == "" {
			s = "[Unknown]"
		}
		b = append(append(b, sign), s...)
	}
	return b
}
