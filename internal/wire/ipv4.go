package wire

import (
	"encoding/binary"
	"net/netip"
)

// IP protocol numbers.
const (
	ProtoICMP     = 1
	ProtoIGMP     = 2
	ProtoTCP      = 6
	ProtoUDP      = 17
	ProtoFragment = 44
	ProtoICMPv6   = 58
	ProtoSCTP     = 132
)

// IPv4 is an IPv4 packet: header, options and payload, without padding.
type IPv4 []byte

// ParseIPv4 checks the lengths of the packet that b begins with. The checksum is
// not verified: OVS did not either.
func ParseIPv4(b []byte) (IPv4, error) {
	if len(b) < IPv4Len {
		return nil, short("IPv4", len(b), IPv4Len)
	}
	if v := b[0] >> 4; v != 4 {
		return nil, malformed("IPv4", "version is %d", v)
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if head < IPv4Len || head > total || total > len(b) {
		return nil, malformed("IPv4", "header length %d and total length %d do not fit %d bytes", head, total, len(b))
	}
	return b[:total], nil
}

// HeaderLen is the length of the header with its options.
func (p IPv4) HeaderLen() int { return int(p[0]&15) * 4 }

// TOS is the type-of-service octet: DSCP and ECN.
func (p IPv4) TOS() uint8 { return p[1] }

// TTL is the time to live.
func (p IPv4) TTL() uint8 { return p[8] }

// Proto is the protocol of the payload.
func (p IPv4) Proto() uint8 { return p[9] }

// Src is the source address.
func (p IPv4) Src() netip.Addr { return netip.AddrFrom4([4]byte(p[12:16])) }

// Dst is the destination address.
func (p IPv4) Dst() netip.Addr { return netip.AddrFrom4([4]byte(p[16:20])) }

// Checksum is the header checksum field.
func (p IPv4) Checksum() uint16 { return binary.BigEndian.Uint16(p[10:]) }

// Payload is what follows the header.
func (p IPv4) Payload() []byte { return p[p.HeaderLen():] }

// Fragment tells whether p is a fragment, and whether it is not the first.
func (p IPv4) Fragment() (fragment, later bool) {
	v := binary.BigEndian.Uint16(p[6:])
	return v&0x3fff != 0, v&0x1fff != 0
}

// SetSrc writes the source address and updates the checksum for the change only: a
// checksum that was wrong stays wrong.
func (p IPv4) SetSrc(a netip.Addr) {
	v := a.As4()
	c := UpdateChecksum32(p.Checksum(), binary.BigEndian.Uint32(p[12:]), binary.BigEndian.Uint32(v[:]))
	copy(p[12:16], v[:])
	binary.BigEndian.PutUint16(p[10:], c)
}

// SetDst writes the destination address; Seal makes the checksum right.
func (p IPv4) SetDst(a netip.Addr) { v := a.As4(); copy(p[16:20], v[:]) }

// Seal writes total length (of all of p) and header checksum.
func (p IPv4) Seal() {
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	p[10], p[11] = 0, 0
	binary.BigEndian.PutUint16(p[10:], Checksum(p[:p.HeaderLen()]))
}

// AppendIPv4 appends a header without options, "don't fragment" set, for a payload
// of length bytes that the caller appends next.
func AppendIPv4(b []byte, src, dst netip.Addr, proto, ttl uint8, length int) []byte {
	at := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(IPv4Len+length))
	b = append(b, 0, 0, 0x40, 0, ttl, proto, 0, 0)
	b = appendIPv4Addr(b, src)
	b = appendIPv4Addr(b, dst)
	binary.BigEndian.PutUint16(b[at+10:], Checksum(b[at:]))
	return b
}
