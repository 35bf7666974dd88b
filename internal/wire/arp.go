package wire

import (
	"encoding/binary"
	"net/netip"
)

// ARP operations (RFC 826, RFC 903).
const (
	ARPRequest  = 1
	ARPReply    = 2
	RARPRequest = 3
	RARPReply   = 4
)

// ARP is an ARP or RARP message for IPv4 over Ethernet.
type ARP []byte

// ParseARP checks that b begins with such a message.
func ParseARP(b []byte) (ARP, error) {
	if len(b) < ARPLen {
		return nil, short("ARP", len(b), ARPLen)
	}
	if [6]byte(b[:6]) != [6]byte{0, 1, 8, 0, 6, 4} {
		return nil, malformed("ARP", "hardware and protocol % x are not IPv4 over Ethernet", b[:6])
	}
	return b[:ARPLen], nil
}

// Op is the operation.
func (a ARP) Op() uint16 { return binary.BigEndian.Uint16(a[6:]) }

// SHA is the sender's Ethernet address.
func (a ARP) SHA() MAC { return MAC(a[8:14]) }

// SPA is the sender's IPv4 address.
func (a ARP) SPA() netip.Addr { return netip.AddrFrom4([4]byte(a[14:18])) }

// THA is the target's Ethernet address.
func (a ARP) THA() MAC { return MAC(a[18:24]) }

// TPA is the target's IPv4 address.
func (a ARP) TPA() netip.Addr { return netip.AddrFrom4([4]byte(a[24:28])) }

// AppendARP appends a message. spa and tpa are IPv4 addresses; the zero Addr is 0.0.0.0.
func AppendARP(b []byte, op uint16, sha MAC, spa netip.Addr, tha MAC, tpa netip.Addr) []byte {
	b = append(b, 0, 1, 8, 0, 6, 4)
	b = binary.BigEndian.AppendUint16(b, op)
	b = append(b, sha[:]...)
	b = appendIPv4Addr(b, spa)
	b = append(b, tha[:]...)
	return appendIPv4Addr(b, tpa)
}

func appendIPv4Addr(b []byte, a netip.Addr) []byte {
	var v [4]byte
	if a.Unmap().Is4() {
		v = a.Unmap().As4()
	}
	return append(b, v[:]...)
}

func appendIPv6Addr(b []byte, a netip.Addr) []byte {
	var v [16]byte
	if a.IsValid() {
		v = a.As16()
	}
	return append(b, v[:]...)
}
