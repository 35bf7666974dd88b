package wire

import (
	"encoding/binary"
	"net/netip"
)

// Frame is a packet with its layers found. Fields of layers that are not there, or
// that could not be read, are zero.
type Frame struct {
	Ethernet  Ethernet
	TCI       [2]uint16 // of the outer tags, TCIPresent set; 0 for none
	EtherType uint16    // behind the tags
	Network   []byte    // from the network header to the end of the packet, without padding
	Transport []byte    // from the transport header on; nil in a later fragment
	Src, Dst  netip.Addr
	Proto     uint8 // transport protocol; ProtoFragment in a later IPv6 fragment
	TOS       uint8
	TTL       uint8
	Label     uint32 // IPv6 flow label
	Fragment  bool
	Later     bool // a fragment, not the first
}

// ParseFrame finds the layers of an Ethernet frame: at most two VLAN tags, LLC/SNAP,
// IPv4 with options, IPv6 with extension headers. An error says what is malformed;
// what was read before it is in the frame. The frame refers to b.
func ParseFrame(b []byte) (Frame, error) {
	var f Frame
	eth, err := ParseEthernet(b)
	if err != nil {
		return f, err
	}
	f.Ethernet = eth
	rest := b[12:]
	for i := range f.TCI {
		if t := binary.BigEndian.Uint16(rest); t != TypeVLAN && t != TypeQinQ || len(rest) < VLANLen+2 {
			break
		}
		f.TCI[i] = binary.BigEndian.Uint16(rest[2:]) | TCIPresent
		rest = rest[VLANLen:]
	}
	f.EtherType = binary.BigEndian.Uint16(rest)
	rest = rest[2:]
	if f.EtherType < 0x600 {
		f.EtherType, rest = snap(rest)
	}
	f.Network = rest
	switch f.EtherType {
	case TypeIPv4:
		return f, f.ipv4()
	case TypeIPv6:
		return f, f.ipv6()
	}
	return f, nil
}

// snap reads the EtherType of an 802.3 frame with an LLC and SNAP header.
func snap(b []byte) (uint16, []byte) {
	if len(b) < 8 || b[0] != 0xaa || b[1] != 0xaa || b[2] != 3 || b[3]|b[4]|b[5] != 0 {
		return TypeNone, b
	}
	if t := binary.BigEndian.Uint16(b[6:]); t >= 0x600 {
		return t, b[8:]
	}
	return TypeNone, b[8:]
}

func (f *Frame) ipv4() error {
	ip, err := ParseIPv4(f.Network)
	if err != nil {
		return err
	}
	f.Network = ip
	f.Src, f.Dst = ip.Src(), ip.Dst()
	f.TOS, f.TTL, f.Proto = ip.TOS(), ip.TTL(), ip.Proto()
	f.Fragment, f.Later = ip.Fragment()
	if !f.Later {
		f.Transport = ip.Payload()
	}
	return nil
}

func (f *Frame) ipv6() error {
	ip, err := ParseIPv6(f.Network)
	if err != nil {
		return err
	}
	f.Network = ip
	f.Src, f.Dst = ip.Src(), ip.Dst()
	up, err := ip.Upper()
	if err != nil {
		return err // Open vSwitch, too, then knows only the addresses
	}
	f.TOS, f.TTL, f.Label = ip.TrafficClass(), ip.HopLimit(), ip.Label()
	f.Proto, f.Fragment, f.Later = up.Proto, up.Fragment, up.Later
	if !f.Later {
		f.Transport = up.Payload
	}
	return nil
}

// TransportOffset is where Transport begins in the packet; -1 without one.
func (f *Frame) TransportOffset() int {
	if f.Transport == nil {
		return -1
	}
	return cap(f.Ethernet) - cap(f.Transport)
}

// NetworkOffset is where Network begins in the packet.
func (f *Frame) NetworkOffset() int { return cap(f.Ethernet) - cap(f.Network) }
