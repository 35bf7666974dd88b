package ofp

import (
	"encoding/binary"
	"math/bits"
)

// Value is the value or the mask of a field: up to 128 bits, right-justified.
type Value struct{ Hi, Lo uint64 }

// V is the Value of a number of up to 64 bits.
func V(n uint64) Value { return Value{Lo: n} }

// Ones is a Value with the low n bits set; n is cut to 0..128.
func Ones(n int) Value {
	switch {
	case n <= 0:
		return Value{}
	case n >= 128:
		return Value{^uint64(0), ^uint64(0)}
	case n > 64:
		return Value{1<<(n-64) - 1, ^uint64(0)}
	case n == 64:
		return Value{Lo: ^uint64(0)}
	}
	return Value{Lo: 1<<n - 1}
}

// IsZero tells whether no bit is set.
func (v Value) IsZero() bool { return v.Hi|v.Lo == 0 }

// And is the bitwise and.
func (v Value) And(o Value) Value { return Value{v.Hi & o.Hi, v.Lo & o.Lo} }

// Or is the bitwise or.
func (v Value) Or(o Value) Value { return Value{v.Hi | o.Hi, v.Lo | o.Lo} }

// Xor is the bitwise exclusive or.
func (v Value) Xor(o Value) Value { return Value{v.Hi ^ o.Hi, v.Lo ^ o.Lo} }

// AndNot is v without the bits of o.
func (v Value) AndNot(o Value) Value { return Value{v.Hi &^ o.Hi, v.Lo &^ o.Lo} }

// Shl shifts left by n bits; bits beyond the 128th are lost.
func (v Value) Shl(n int) Value {
	switch {
	case n <= 0:
		return v
	case n >= 128:
		return Value{}
	case n >= 64:
		return Value{Hi: v.Lo << (n - 64)}
	}
	return Value{v.Hi<<n | v.Lo>>(64-n), v.Lo << n}
}

// Shr shifts right by n bits.
func (v Value) Shr(n int) Value {
	switch {
	case n <= 0:
		return v
	case n >= 128:
		return Value{}
	case n >= 64:
		return Value{Lo: v.Hi >> (n - 64)}
	}
	return Value{v.Hi >> n, v.Lo>>n | v.Hi<<(64-n)}
}

// Len is the number of bits needed to hold v; 0 for zero.
func (v Value) Len() int {
	if v.Hi != 0 {
		return 64 + bits.Len64(v.Hi)
	}
	return bits.Len64(v.Lo)
}

// appendBytes appends v as n bytes, most significant first. Bytes above the
// 16th are zero; bits that do not fit into n bytes are lost.
func (v Value) appendBytes(b []byte, n int) []byte {
	switch n {
	case 1:
		return append(b, byte(v.Lo))
	case 2:
		return binary.BigEndian.AppendUint16(b, uint16(v.Lo))
	case 4:
		return binary.BigEndian.AppendUint32(b, uint32(v.Lo))
	case 8:
		return binary.BigEndian.AppendUint64(b, v.Lo)
	}
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(v.Shr(8*i).Lo))
	}
	return b
}

// bytesValue reads b, most significant byte first. ok is false when a byte
// above the 16th is not zero.
func bytesValue(b []byte) (v Value, ok bool) {
	for len(b) > 16 {
		if b[0] != 0 {
			return Value{}, false
		}
		b = b[1:]
	}
	switch len(b) {
	case 2:
		return V(uint64(binary.BigEndian.Uint16(b))), true
	case 4:
		return V(uint64(binary.BigEndian.Uint32(b))), true
	case 8:
		return V(binary.BigEndian.Uint64(b)), true
	}
	for _, c := range b {
		v = v.Shl(8)
		v.Lo |= uint64(c)
	}
	return v, true
}
