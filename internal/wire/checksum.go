package wire

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Sum is an unfinished Internet checksum (RFC 1071): a ones'-complement sum that
// grows with every even-length piece of data.
type Sum uint64

// Add adds data; only the last piece may have an odd length.
func (s Sum) Add(data []byte) Sum {
	sum, c := uint64(s), uint64(0)
	for ; len(data) >= 8; data = data[8:] {
		sum, c = bits.Add64(sum, binary.BigEndian.Uint64(data), c)
	}
	var tail [8]byte
	copy(tail[:], data)
	sum, c = bits.Add64(sum, binary.BigEndian.Uint64(tail[:]), c)
	sum, c = bits.Add64(sum, 0, c)
	return Sum(sum + c)
}

// Finish folds and complements: the value of a checksum field.
func (s Sum) Finish() uint16 {
	v := uint64(s)>>32 + uint64(s)&0xffffffff
	for v > 0xffff {
		v = v>>16 + v&0xffff
	}
	return ^uint16(v)
}

// Checksum is the Internet checksum of data. Over data that holds a right
// checksum it is 0.
func Checksum(data []byte) uint16 { return Sum(0).Add(data).Finish() }

// PseudoHeader is the sum over the pseudo header of a transport message of length
// bytes between two addresses of one family (RFC 9293, 3.1; RFC 8200, 8.1).
func PseudoHeader(src, dst netip.Addr, proto uint8, length int) Sum {
	var s Sum
	if src.Is4() && dst.Is4() {
		a, b := src.As4(), dst.As4()
		s = s.Add(a[:]).Add(b[:])
	} else {
		a, b := src.As16(), dst.As16()
		s = s.Add(a[:]).Add(b[:])
	}
	var t [8]byte
	binary.BigEndian.PutUint32(t[:], uint32(length))
	t[7] = proto
	return s.Add(t[:])
}

// TransportChecksum is the checksum of message (its checksum field zero or, to
// verify, as received) between src and dst.
func TransportChecksum(src, dst netip.Addr, proto uint8, message []byte) uint16 {
	return PseudoHeader(src, dst, proto, len(message)).Add(message).Finish()
}

// UpdateChecksum16 is checksum after a 16-bit word that it covers went from old to
// new (RFC 1624, equation 3). A wrong checksum stays wrong.
func UpdateChecksum16(checksum, old, new uint16) uint16 {
	v := uint32(^checksum) + uint32(^old) + uint32(new)
	v = v>>16 + v&0xffff
	return ^uint16(v>>16 + v)
}

// UpdateChecksum32 is UpdateChecksum16 for an aligned 32-bit word, such as an IPv4 address.
func UpdateChecksum32(checksum uint16, old, new uint32) uint16 {
	c := UpdateChecksum16(checksum, uint16(old>>16), uint16(new>>16))
	return UpdateChecksum16(c, uint16(old), uint16(new))
}
