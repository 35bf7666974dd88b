package wire

import "encoding/binary"

// EtherTypes.
const (
	TypeIPv4 = 0x0800
	TypeARP  = 0x0806
	TypeRARP = 0x8035
	TypeVLAN = 0x8100
	TypeQinQ = 0x88a8
	TypeIPv6 = 0x86dd
	// TypeNone stands for a frame without an EtherType: 802.3 with a bare LLC
	// header (OVS's OFP_DL_TYPE_NOT_ETH_TYPE).
	TypeNone = 0x05ff
)

// Lengths of the fixed part of headers.
const (
	EthernetLen = 14
	VLANLen     = 4
	ARPLen      = 28
	IPv4Len     = 20
	IPv6Len     = 40
	UDPLen      = 8
	TCPLen      = 20
	ICMPLen     = 8
	SCTPLen     = 12
)

// Ethernet is a frame from its destination address on.
type Ethernet []byte

// ParseEthernet checks that b holds an Ethernet header.
func ParseEthernet(b []byte) (Ethernet, error) {
	if len(b) < EthernetLen {
		return nil, short("Ethernet", len(b), EthernetLen)
	}
	return b, nil
}

// Dst is the destination address.
func (e Ethernet) Dst() MAC { return MAC(e[0:6]) }

// Src is the source address.
func (e Ethernet) Src() MAC { return MAC(e[6:12]) }

// Type is the EtherType or, below 0x600, the length field.
func (e Ethernet) Type() uint16 { return binary.BigEndian.Uint16(e[12:14]) }

// SetDst writes the destination address.
func (e Ethernet) SetDst(m MAC) { copy(e[0:6], m[:]) }

// SetSrc writes the source address.
func (e Ethernet) SetSrc(m MAC) { copy(e[6:12], m[:]) }

// AppendEthernet appends a header.
func AppendEthernet(b []byte, dst, src MAC, etherType uint16) []byte {
	b = append(b, dst[:]...)
	b = append(b, src[:]...)
	return binary.BigEndian.AppendUint16(b, etherType)
}

// AppendTaggedEthernet appends a header and, when tci has its CFI bit (0x1000, "a
// tag is there") set, an 802.1Q tag with the priority and VLAN of tci.
func AppendTaggedEthernet(b []byte, dst, src MAC, tci, etherType uint16) []byte {
	if tci&TCIPresent == 0 {
		return AppendEthernet(b, dst, src, etherType)
	}
	b = AppendEthernet(b, dst, src, TypeVLAN)
	b = binary.BigEndian.AppendUint16(b, tci&^TCIPresent)
	return binary.BigEndian.AppendUint16(b, etherType)
}

// TCIPresent is the bit of a tag control information that OVS and this package use
// for "there is a tag"; on the wire the bit is 0.
const TCIPresent = 0x1000
