package wire

import (
	"encoding/binary"
	"net/netip"
)

// IPv6 is an IPv6 packet: fixed header, extension headers and payload, without padding.
type IPv6 []byte

// ParseIPv6 checks the lengths of the packet that b begins with.
func ParseIPv6(b []byte) (IPv6, error) {
	if len(b) < IPv6Len {
		return nil, short("IPv6", len(b), IPv6Len)
	}
	if v := b[0] >> 4; v != 6 {
		return nil, malformed("IPv6", "version is %d", v)
	}
	n := IPv6Len + int(binary.BigEndian.Uint16(b[4:]))
	if n > len(b) {
		return nil, malformed("IPv6", "payload length %d does not fit %d bytes", n-IPv6Len, len(b))
	}
	return b[:n], nil
}

// TrafficClass is the traffic class octet: DSCP and ECN.
func (p IPv6) TrafficClass() uint8 { return p[0]<<4 | p[1]>>4 }

// Label is the flow label, 20 bits.
func (p IPv6) Label() uint32 { return binary.BigEndian.Uint32(p) & 0xfffff }

// HopLimit is the hop limit.
func (p IPv6) HopLimit() uint8 { return p[7] }

// NextHeader is the type of what follows the fixed header.
func (p IPv6) NextHeader() uint8 { return p[6] }

// Src is the source address.
func (p IPv6) Src() netip.Addr { return netip.AddrFrom16([16]byte(p[8:24])) }

// Dst is the destination address.
func (p IPv6) Dst() netip.Addr { return netip.AddrFrom16([16]byte(p[24:40])) }

// SetSrc writes the source address. IPv6 has no header checksum, but that of the
// payload covers the address.
func (p IPv6) SetSrc(a netip.Addr) { v := a.As16(); copy(p[8:24], v[:]) }

// SetPayloadLen writes the payload length.
func (p IPv6) SetPayloadLen(n int) { binary.BigEndian.PutUint16(p[4:], uint16(n)) }

// Upper is what follows the extension headers of an IPv6 packet.
type Upper struct {
	Proto           uint8
	Payload         []byte
	Fragment, Later bool
}

// Extension headers that are walked (RFC 8200, 4; RFC 4302).
const (
	extHopByHop = 0
	extRouting  = 43
	extAuth     = 51
	extDstOpts  = 60
)

// Upper walks the extension headers. It stops at a later fragment, whose Proto is
// ProtoFragment, and at the first header that is not an extension.
func (p IPv6) Upper() (Upper, error) {
	u := Upper{Proto: p.NextHeader(), Payload: p[IPv6Len:]}
	for {
		var n int
		switch u.Proto {
		case extHopByHop, extRouting, extDstOpts, extAuth, ProtoFragment:
			if len(u.Payload) < 8 {
				return u, short("IPv6 extension header", len(u.Payload), 8)
			}
		default:
			return u, nil
		}
		next := u.Payload[0]
		switch u.Proto {
		case extAuth:
			n = (int(u.Payload[1]) + 2) * 4
		case ProtoFragment:
			n = 8
			if v := binary.BigEndian.Uint16(u.Payload[2:]); v != 0 {
				u.Fragment = true
				if v&0xfff8 != 0 {
					u.Later = true
					return u, nil
				}
			}
		default:
			n = (int(u.Payload[1]) + 1) * 8
		}
		u.Proto = next
		if n > len(u.Payload) {
			return u, malformed("IPv6 extension header", "length %d does not fit %d bytes", n, len(u.Payload))
		}
		u.Payload = u.Payload[n:]
	}
}

// AppendIPv6 appends a fixed header for a payload of length bytes that the caller appends next.
func AppendIPv6(b []byte, src, dst netip.Addr, next, hopLimit uint8, length int) []byte {
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = append(b, next, hopLimit)
	b = appendIPv6Addr(b, src)
	return appendIPv6Addr(b, dst)
}
