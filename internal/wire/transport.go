package wire

import (
	"encoding/binary"
	"net/netip"
)

// UDP is a UDP datagram, without padding.
type UDP []byte

// ParseUDP checks that b begins with a datagram of the length that its header says.
func ParseUDP(b []byte) (UDP, error) {
	if len(b) < UDPLen {
		return nil, short("UDP", len(b), UDPLen)
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < UDPLen || n > len(b) {
		return nil, malformed("UDP", "length %d does not fit %d bytes", n, len(b))
	}
	return b[:n], nil
}

// SrcPort is the source port.
func (u UDP) SrcPort() uint16 { return binary.BigEndian.Uint16(u) }

// DstPort is the destination port.
func (u UDP) DstPort() uint16 { return binary.BigEndian.Uint16(u[2:]) }

// Checksum is the checksum field; 0 is none (IPv4 only).
func (u UDP) Checksum() uint16 { return binary.BigEndian.Uint16(u[udpChecksumOffset:]) }

// Payload is the data.
func (u UDP) Payload() []byte { return u[UDPLen:] }

// AppendUDP appends a header without checksum; the caller appends length bytes of data.
func AppendUDP(b []byte, src, dst uint16, length int) []byte {
	b = binary.BigEndian.AppendUint16(b, src)
	b = binary.BigEndian.AppendUint16(b, dst)
	b = binary.BigEndian.AppendUint16(b, uint16(UDPLen+length))
	return append(b, 0, 0)
}

// Seal writes the checksum for a datagram from src to dst. A sum of 0 is sent as
// 0xffff (RFC 768).
func (u UDP) Seal(src, dst netip.Addr) {
	u[6], u[7] = 0, 0
	c := TransportChecksum(src, dst, ProtoUDP, u)
	if c == 0 {
		c = 0xffff
	}
	binary.BigEndian.PutUint16(u[udpChecksumOffset:], c)
}

// TCP flags.
const (
	TCPFin = 1 << iota
	TCPSyn
	TCPRst
	TCPPsh
	TCPAck
)

// TCP is a TCP segment.
type TCP []byte

// ParseTCP checks that b begins with a whole TCP header.
func ParseTCP(b []byte) (TCP, error) {
	if len(b) < TCPLen {
		return nil, short("TCP", len(b), TCPLen)
	}
	if n := int(b[12]>>4) * 4; n < TCPLen || n > len(b) {
		return nil, malformed("TCP", "header length %d does not fit %d bytes", n, len(b))
	}
	return b, nil
}

// SrcPort is the source port.
func (t TCP) SrcPort() uint16 { return binary.BigEndian.Uint16(t) }

// DstPort is the destination port.
func (t TCP) DstPort() uint16 { return binary.BigEndian.Uint16(t[2:]) }

// Seq is the sequence number.
func (t TCP) Seq() uint32 { return binary.BigEndian.Uint32(t[4:]) }

// Ack is the acknowledgement number.
func (t TCP) Ack() uint32 { return binary.BigEndian.Uint32(t[8:]) }

// Flags are the 12 bits of flags, reserved ones included.
func (t TCP) Flags() uint16 { return binary.BigEndian.Uint16(t[12:]) & 0xfff }

// AppendTCP appends a segment without options, window and data, from src to dst.
func AppendTCP(b []byte, src, dst netip.AddrPort, seq, ack uint32, flags uint16) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint32(b, seq)
	b = binary.BigEndian.AppendUint32(b, ack)
	b = binary.BigEndian.AppendUint16(b, 5<<12|flags)
	b = append(b, 0, 0, 0, 0, 0, 0)
	c := TransportChecksum(src.Addr(), dst.Addr(), ProtoTCP, b[at:])
	binary.BigEndian.PutUint16(b[at+tcpChecksumOffset:], c)
	return b
}
