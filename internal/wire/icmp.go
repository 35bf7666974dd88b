package wire

import (
	"encoding/binary"
	"net/netip"
)

// ICMPv4 types and codes (RFC 792, RFC 1191).
const (
	ICMP4EchoReply       = 0
	ICMP4DstUnreach      = 3
	ICMP4EchoRequest     = 8
	ICMP4TimeExceeded    = 11
	ICMP4ParamProblem    = 12
	ICMP4HostUnreach     = 1 // code of ICMP4DstUnreach
	ICMP4PortUnreach     = 3 // likewise
	ICMP4FragmentsNeeded = 4 // likewise
)

// ICMPv6 types and codes (RFC 4443, RFC 4861).
const (
	ICMP6DstUnreach     = 1
	ICMP6PacketTooBig   = 2
	ICMP6EchoRequest    = 128
	ICMP6EchoReply      = 129
	ICMP6RouterSolicit  = 133
	ICMP6RouterAdvert   = 134
	ICMP6NeighSolicit   = 135
	ICMP6NeighAdvert    = 136
	ICMP6AdminProhibit  = 1 // code of ICMP6DstUnreach
	ICMP6PortUnreach    = 4 // likewise
	icmpChecksumOffset  = 2
	udpChecksumOffset   = 6
	tcpChecksumOffset   = 16
	ipv6MinMTU          = 1280
	icmp4MaxErrorLength = 576
)

// ICMP is an ICMPv4 or ICMPv6 message. Its header is 8 bytes: type, code, checksum
// and 4 bytes whose meaning depends on the type.
type ICMP []byte

// ParseICMP checks that b holds a header.
func ParseICMP(b []byte) (ICMP, error) {
	if len(b) < ICMPLen {
		return nil, short("ICMP", len(b), ICMPLen)
	}
	return b, nil
}

// Type is the message's type.
func (m ICMP) Type() uint8 { return m[0] }

// Code is the message's code.
func (m ICMP) Code() uint8 { return m[1] }

// Checksum is the checksum field.
func (m ICMP) Checksum() uint16 { return binary.BigEndian.Uint16(m[icmpChecksumOffset:]) }

// Rest is the second word of the header.
func (m ICMP) Rest() uint32 { return binary.BigEndian.Uint32(m[4:]) }

// Payload is what follows the header: in an error, the packet that caused it.
func (m ICMP) Payload() []byte { return m[ICMPLen:] }

// IsError4 tells whether m, an ICMPv4 message, is an error that quotes a packet.
func (m ICMP) IsError4() bool {
	switch m.Type() {
	case ICMP4DstUnreach, ICMP4TimeExceeded, ICMP4ParamProblem:
		return true
	}
	return false
}

// appendICMP appends a header without checksum and a payload.
func appendICMP(b []byte, typ, code uint8, rest uint32, payload []byte) []byte {
	b = append(b, typ, code, 0, 0)
	b = binary.BigEndian.AppendUint32(b, rest)
	return append(b, payload...)
}

// AppendICMP4 appends an ICMPv4 message.
func AppendICMP4(b []byte, typ, code uint8, rest uint32, payload []byte) []byte {
	at := len(b)
	b = appendICMP(b, typ, code, rest, payload)
	binary.BigEndian.PutUint16(b[at+icmpChecksumOffset:], Checksum(b[at:]))
	return b
}

// AppendICMP6 appends an ICMPv6 message that goes from src to dst.
func AppendICMP6(b []byte, src, dst netip.Addr, typ, code uint8, rest uint32, payload []byte) []byte {
	at := len(b)
	b = appendICMP(b, typ, code, rest, payload)
	SealICMP6(b[at:], src, dst)
	return b
}

// SealICMP6 writes the checksum of an ICMPv6 message that goes from src to dst.
func SealICMP6(m ICMP, src, dst netip.Addr) {
	m[2], m[3] = 0, 0
	binary.BigEndian.PutUint16(m[icmpChecksumOffset:], TransportChecksum(src, dst, ProtoICMPv6, m))
}

// Quotable4 is how much of an IPv4 packet an ICMPv4 error quotes, so that the frame
// of the error is at most 576 bytes long (RFC 1812, 4.3.2.3; OVN counts the Ethernet header in).
func Quotable4(p []byte) []byte {
	return p[:min(len(p), icmp4MaxErrorLength-EthernetLen-IPv4Len-ICMPLen)]
}

// Quotable6 is how much of an IPv6 packet an ICMPv6 error quotes, so that the frame
// of the error is at most 1280 bytes long (RFC 4443, 2.4 (c); OVN counts the Ethernet header in).
func Quotable6(p []byte) []byte {
	return p[:min(len(p), ipv6MinMTU-EthernetLen-IPv6Len-ICMPLen)]
}

// QuotedIPv4 is the beginning of the IPv4 packet that an ICMPv4 error quotes, which
// is often cut: nil when not even its header is there. Only accessors of the header
// may be used on it.
func QuotedIPv4(quote []byte) IPv4 {
	if len(quote) < IPv4Len {
		return nil
	}
	if head := int(quote[0]&15) * 4; quote[0]>>4 != 4 || head < IPv4Len || head > len(quote) {
		return nil
	}
	return quote
}
