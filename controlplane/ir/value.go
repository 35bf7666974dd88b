package ir

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
)

// Value is an unsigned integer of up to 128 bits, the widest field there is
// (ct_label, an IPv6 address, xxreg). Bit 0 is the least significant bit of Lo.
type Value struct{ Hi, Lo uint64 }

// V returns a Value of up to 64 bits.
func V(lo uint64) Value { return Value{Lo: lo} }

// Ones returns a Value whose n least significant bits are 1 (0 <= n <= 128).
func Ones(n int) Value {
	switch {
	case n <= 0:
		return Value{}
	case n < 64:
		return Value{Lo: 1<<uint(n) - 1}
	case n == 64:
		return Value{Lo: ^uint64(0)}
	case n < 128:
		return Value{Hi: 1<<uint(n-64) - 1, Lo: ^uint64(0)}
	}
	return Value{Hi: ^uint64(0), Lo: ^uint64(0)}
}

// BytesValue reads a big-endian integer of at most 16 bytes.
func BytesValue(b []byte) Value {
	var v Value
	for _, c := range b {
		v = v.Shl(8)
		v.Lo |= uint64(c)
	}
	return v
}

// IsZero tells whether all bits are 0.
func (v Value) IsZero() bool { return v.Hi|v.Lo == 0 }

// And returns v & o.
func (v Value) And(o Value) Value { return Value{v.Hi & o.Hi, v.Lo & o.Lo} }

// Or returns v | o.
func (v Value) Or(o Value) Value { return Value{v.Hi | o.Hi, v.Lo | o.Lo} }

// Xor returns v ^ o.
func (v Value) Xor(o Value) Value { return Value{v.Hi ^ o.Hi, v.Lo ^ o.Lo} }

// Not returns the complement of all 128 bits; mask it to a field's width.
func (v Value) Not() Value { return Value{^v.Hi, ^v.Lo} }

// Shl returns v << n.
func (v Value) Shl(n int) Value {
	switch {
	case n <= 0:
		return v
	case n < 64:
		return Value{v.Hi<<uint(n) | v.Lo>>uint(64-n), v.Lo << uint(n)}
	}
	return Value{Hi: v.Lo << uint(n-64)}
}

// Shr returns v >> n.
func (v Value) Shr(n int) Value {
	switch {
	case n <= 0:
		return v
	case n < 64:
		return Value{v.Hi >> uint(n), v.Lo>>uint(n) | v.Hi<<uint(64-n)}
	}
	return Value{Lo: v.Hi >> uint(n-64)}
}

// Add returns v + o modulo 2^128.
func (v Value) Add(o Value) Value {
	lo, c := bits.Add64(v.Lo, o.Lo, 0)
	hi, _ := bits.Add64(v.Hi, o.Hi, c)
	return Value{hi, lo}
}

// Sub returns v - o modulo 2^128.
func (v Value) Sub(o Value) Value {
	lo, b := bits.Sub64(v.Lo, o.Lo, 0)
	hi, _ := bits.Sub64(v.Hi, o.Hi, b)
	return Value{hi, lo}
}

// Cmp compares v and o as unsigned integers: -1, 0 or 1.
func (v Value) Cmp(o Value) int {
	switch {
	case v.Hi < o.Hi || v.Hi == o.Hi && v.Lo < o.Lo:
		return -1
	case v == o:
		return 0
	}
	return 1
}

// Bit returns bit i (0 or 1).
func (v Value) Bit(i int) int { return int(v.Shr(i).Lo & 1) }

// Len is the number of bits that v needs; 0 for 0.
func (v Value) Len() int {
	if v.Hi != 0 {
		return 64 + bits.Len64(v.Hi)
	}
	return bits.Len64(v.Lo)
}

// OnesCount is the number of bits that are 1.
func (v Value) OnesCount() int { return bits.OnesCount64(v.Hi) + bits.OnesCount64(v.Lo) }

// AppendBytes appends the n (at most 16) least significant bytes, big-endian.
func (v Value) AppendBytes(b []byte, n int) []byte {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], v.Hi)
	binary.BigEndian.PutUint64(a[8:], v.Lo)
	return append(b, a[16-n:]...)
}

// String formats v as OVN formats integers: decimal when small, else 0x hexadecimal.
func (v Value) String() string {
	switch {
	case v.Hi != 0:
		return fmt.Sprintf("0x%x%016x", v.Hi, v.Lo)
	case v.Lo < 1<<16:
		return strconv.FormatUint(v.Lo, 10)
	}
	return "0x" + strconv.FormatUint(v.Lo, 16)
}
