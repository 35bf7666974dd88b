package ovsdb

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// UUID identifies a row. The zero UUID is no row: it stands for an optional
// reference that is not set.
type UUID [16]byte

// ParseUUID reads the form 01234567-89ab-cdef-0123-456789abcdef.
func ParseUUID(s string) (UUID, error) {
	u, ok := DecodeUUID([]byte(s))
	if !ok {
		return UUID{}, fmt.Errorf("%q is not a UUID: expected 32 hexadecimal digits in groups of 8-4-4-4-12", s)
	}
	return u, nil
}

// NewUUID returns a random (version 4, RFC 9562) UUID.
func NewUUID() UUID {
	var u UUID
	rand.Read(u[:]) // never fails since Go 1.24
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// String returns the form that ParseUUID reads.
func (u UUID) String() string {
	return string(u.AppendText(make([]byte, 0, 36)))
}

// AppendText appends the form that ParseUUID reads.
func (u UUID) AppendText(b []byte) []byte {
	b = hex.AppendEncode(b, u[0:4])
	b = append(b, '-')
	b = hex.AppendEncode(b, u[4:6])
	b = append(b, '-')
	b = hex.AppendEncode(b, u[6:8])
	b = append(b, '-')
	b = hex.AppendEncode(b, u[8:10])
	b = append(b, '-')
	return hex.AppendEncode(b, u[10:16])
}

// IsZero reports whether u refers to no row.
func (u UUID) IsZero() bool { return u == UUID{} }

// Compare orders UUIDs as ovsdb-server orders them in a set.
func (u UUID) Compare(o UUID) int { return bytes.Compare(u[:], o[:]) }

// DecodeUUID is ParseUUID for decoders: it makes no error value and no copy.
func DecodeUUID(s []byte) (u UUID, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return UUID{}, false
	}
	for n, i := range uuidDigits {
		hi, lo := hexDigit[s[i]], hexDigit[s[i+1]]
		if hi == badDigit || lo == badDigit {
			return UUID{}, false
		}
		u[n] = hi<<4 | lo
	}
	return u, true
}

// uuidDigits is where the two digits of each byte stand in the text.
var uuidDigits = [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

const badDigit = 0xff

// hexDigit maps a byte to the value of the hexadecimal digit, or to badDigit.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = badDigit
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i] = byte(10 + i)
		t['A'+i] = byte(10 + i)
	}
	return t
}()
