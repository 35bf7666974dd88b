package wire

import (
	"encoding/hex"
	"fmt"
	"net/netip"
)

// MAC is an Ethernet address.
type MAC [6]byte

// Uint64 is the address as a number of 48 bits.
func (m MAC) Uint64() uint64 {
	return uint64(m[0])<<40 | uint64(m[1])<<32 | uint64(m[2])<<24 | uint64(m[3])<<16 | uint64(m[4])<<8 | uint64(m[5])
}

// Broadcast is ff:ff:ff:ff:ff:ff.
var Broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// String is six colon-separated lower-case hexadecimal octets, as OVN writes them.
func (m MAC) String() string {
	var b [17]byte
	for i, o := range m {
		if i > 0 {
			b[3*i-1] = ':'
		}
		hex.Encode(b[3*i:3*i+2], []byte{o})
	}
	return string(b[:])
}

// ParseMAC reads the form that String writes; upper case is accepted.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	if len(s) != 17 {
		return MAC{}, fmt.Errorf("%q is not an Ethernet address: want xx:xx:xx:xx:xx:xx", s)
	}
	for i := range m {
		if _, err := hex.Decode(m[i:i+1], []byte(s[3*i:3*i+2])); err != nil || i > 0 && s[3*i-1] != ':' {
			return MAC{}, fmt.Errorf("%q is not an Ethernet address: want xx:xx:xx:xx:xx:xx", s)
		}
	}
	return m, nil
}

// IsMulticast tells whether m is a group address; Broadcast is one.
func (m MAC) IsMulticast() bool { return m[0]&1 != 0 }

// IsZero tells whether m is 00:00:00:00:00:00, OVN's "not known".
func (m MAC) IsZero() bool { return m == MAC{} }

// LinkLocal is the IPv6 link-local address made from m (RFC 4291, appendix A:
// modified EUI-64).
func (m MAC) LinkLocal() netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80,
		8: m[0] ^ 2, 9: m[1], 10: m[2], 11: 0xff, 12: 0xfe, 13: m[3], 14: m[4], 15: m[5]})
}

// SolicitedNode is the solicited-node multicast address of an IPv6 address
// (RFC 4291, 2.7.1).
func SolicitedNode(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
}

// MulticastMAC is the Ethernet address of an IPv6 multicast address (RFC 2464, 7).
func MulticastMAC(a netip.Addr) MAC {
	b := a.As16()
	return MAC{0x33, 0x33, b[12], b[13], b[14], b[15]}
}
