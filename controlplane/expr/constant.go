package expr

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

const hexDigits = "0123456789abcdef"

// formatWidth is the number of bits that a constant of the format has, 0 when it
// depends on the value.
var formatWidth = [...]int{Decimal: 0, Hex: 0, IPv4: 32, IPv6: 128, Ethernet: 48}

// Width is the least width of a field that c can be compared with or loaded into.
func (c Constant) Width() int {
	if c.Masked {
		return c.Mask.Len()
	}
	if w := formatWidth[c.Format]; w != 0 {
		return w
	}
	return c.Value.Len()
}

// AppendText appends c as the lexer reads it, in its own format where the value
// fits that format.
func (c Constant) AppendText(b []byte) []byte {
	f := c.Format
	if w := formatWidth[f]; w != 0 && (c.Value.Len() > w || c.Masked && c.Mask.Len() > w) {
		f = Hex
	}
	if f == Decimal && (c.Value.Hi != 0 || c.Masked && c.Mask.Hi != 0) {
		f = Hex
	}
	if f == Hex && c.Masked && c.Value.IsZero() {
		// "0/0xff": the lexer reads a bare 0 as decimal and takes the mask's format.
		b = append(b, '0', '/')
		return appendHex(b, c.Mask)
	}
	b = appendValue(b, c.Value, f)
	if !c.Masked {
		return b
	}
	b = append(b, '/')
	if w := formatWidth[f]; f == IPv4 || f == IPv6 {
		if n, ok := prefixLen(c.Mask, w); ok {
			return strconv.AppendInt(b, int64(n), 10)
		}
	}
	if f == Hex {
		return appendHex(b, c.Mask)
	}
	return appendValue(b, c.Mask, f)
}

// String is the text of c.
func (c Constant) String() string { return string(c.AppendText(nil)) }

func appendValue(b []byte, v ir.Value, f Format) []byte {
	switch f {
	case Decimal:
		return strconv.AppendUint(b, v.Lo, 10)
	case IPv4:
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(v.Lo))
		return netip.AddrFrom4(a).AppendTo(b)
	case IPv6:
		var a [16]byte
		v.AppendBytes(a[:0], 16)
		return netip.AddrFrom16(a).AppendTo(b)
	case Ethernet:
		for i := 5; i >= 0; i-- {
			o := byte(v.Lo >> (8 * i))
			b = append(b, hexDigits[o>>4], hexDigits[o&15])
			if i > 0 {
				b = append(b, ':')
			}
		}
		return b
	}
	if v.IsZero() {
		return append(b, '0')
	}
	return appendHex(b, v)
}

func appendHex(b []byte, v ir.Value) []byte {
	b = append(b, '0', 'x')
	if v.Hi == 0 {
		return strconv.AppendUint(b, v.Lo, 16)
	}
	b = strconv.AppendUint(b, v.Hi, 16)
	for i := 60; i >= 0; i -= 4 {
		b = append(b, hexDigits[v.Lo>>i&15])
	}
	return b
}

// prefixLen is the number of leading ones of a mask of w bits; ok is false when
// the mask is not a prefix mask.
func prefixLen(mask ir.Value, w int) (n int, ok bool) {
	n = mask.OnesCount()
	return n, mask == ir.Ones(n).Shl(w-n)
}
