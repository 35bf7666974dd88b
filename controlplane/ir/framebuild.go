package ir

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/internal/wire"
)

// Frame is p as an Ethernet frame, with right lengths and checksums: the frame it
// was parsed from with the changes that were made to its fields or, when it was
// made of terms, a new one with the shortest headers, padded with zeros to Len.
// A frame that was 802.3 with LLC and SNAP comes back as Ethernet II.
func (p *Packet) Frame() []byte {
	rest := p.network()
	b := make([]byte, 0, max(p.Len, 14+8+len(rest)))
	b = p.vals[EthDst].AppendBytes(b, 6)
	b = p.vals[EthSrc].AppendBytes(b, 6)
	if tci := p.vals[VLANTCI].Lo; tci&vlanPresent != 0 {
		b = binary.BigEndian.AppendUint16(b, p.outer)
		b = binary.BigEndian.AppendUint16(b, uint16(tci)&^vlanPresent)
	}
	for _, v := range p.inner {
		b = binary.BigEndian.AppendUint16(b, v.tpid)
		b = binary.BigEndian.AppendUint16(b, v.tci&^vlanPresent)
	}
	typ := uint16(p.vals[EthType].Lo)
	if typ < 0x600 {
		typ = uint16(len(rest)) // IEEE 802.3: a length
	}
	b = append(binary.BigEndian.AppendUint16(b, typ), rest...)
	for len(b) < p.Len {
		b = append(b, 0)
	}
	return b
}

// network is p from its network header on.
func (p *Packet) network() []byte {
	parsed := p.body.network != nil && p.body.eth == p.vals[EthType].Lo && p.body.proto == p.vals[IPProto].Lo
	switch {
	case p.Has(ARPOp):
		return p.arp(parsed)
	case !p.IsIP():
		return p.body.network
	case !parsed:
		return p.newIP()
	case p.body.malformed: // it goes out as it came in
		return p.body.network
	}
	// Copies of a parsed packet: header bytes, then the transport message.
	head := len(p.body.network) - len(p.body.transport)
	b := slices.Clone(p.body.network)
	p.writeIP(b)
	if len(p.body.transport) > 0 {
		p.writeTransport(b[head:])
	}
	return b
}

func (p *Packet) arp(parsed bool) []byte {
	b := []byte{0, 1, 8, 0, 6, 4}
	if parsed {
		if _, err := wire.ParseARP(p.body.network); err != nil {
			return p.body.network
		}
	}
	b = p.vals[ARPOp].AppendBytes(b, 2)
	b = p.vals[ARPSHA].AppendBytes(b, 6)
	b = p.vals[ARPSPA].AppendBytes(b, 4)
	b = p.vals[ARPTHA].AppendBytes(b, 6)
	b = p.vals[ARPTPA].AppendBytes(b, 4)
	if parsed {
		b = append(b, p.body.network[wire.ARPLen:]...)
	}
	return b
}

// newIP makes a datagram of the fields only.
func (p *Packet) newIP() []byte {
	msg := append(make([]byte, p.transportLen()), p.payload...)
	var b []byte
	if p.Has(IP4Src) {
		b = make([]byte, wire.IPv4Len, wire.IPv4Len+len(msg))
		b[0] = 0x45
		b[9] = byte(p.vals[IPProto].Lo)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)+len(msg)))
		switch {
		case p.laterFragment():
			b[7] = 1 // 8 bytes into the datagram
		case !p.vals[IPFrag].IsZero():
			b[6] = 0x20 // more fragments
		}
	} else {
		b = make([]byte, wire.IPv6Len, wire.IPv6Len+8+len(msg))
		b[0] = 0x60
		b[6] = byte(p.vals[IPProto].Lo)
		if frag := p.vals[IPFrag]; !frag.IsZero() {
			b[6] = 44
			ext := []byte{byte(p.vals[IPProto].Lo), 0, 0, 1, 0, 0, 0, 0} // more fragments
			if p.laterFragment() {
				ext[3] = 8
				ext[0] = protoUDP // IPProto is 44: what follows is not known
			}
			b = append(b, ext...)
		}
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)-wire.IPv6Len+len(msg)))
	}
	p.writeIP(b)
	if !p.laterFragment() {
		p.initTransport(msg)
		p.writeTransport(msg)
	}
	return append(b, msg...)
}

// transportLen is the length of a transport message without payload.
func (p *Packet) transportLen() int {
	switch {
	case p.Has(TCPSrc):
		return wire.TCPLen
	case p.Has(UDPSrc):
		return wire.UDPLen
	case p.Has(SCTPSrc):
		return wire.SCTPLen
	case p.Has(NDTarget):
		return ndHeader + 8
	case p.Has(ICMP4Type), p.Has(ICMP6Type):
		return wire.ICMPLen
	}
	return 0
}

// initTransport writes what no field says.
func (p *Packet) initTransport(msg []byte) {
	switch {
	case p.Has(TCPSrc):
		msg[12] = 5 << 4
	case p.Has(UDPSrc):
		binary.BigEndian.PutUint16(msg[4:], uint16(len(msg)))
		msg[6] = 0xff // a checksum is wanted
	case p.Has(NDSLL):
		msg[ndHeader], msg[ndHeader+1] = 1, 1
	case p.Has(NDTLL):
		msg[ndHeader], msg[ndHeader+1] = 2, 1
	}
}

// writeIP writes the fields of the IP header at the start of b.
func (p *Packet) writeIP(b []byte) {
	tos := byte(p.vals[IPDSCP].Lo<<2 | p.vals[IPECN].Lo)
	if p.Has(IP4Src) {
		b[1], b[8] = tos, byte(p.vals[IPTTL].Lo)
		p.vals[IP4Src].AppendBytes(b[12:12], 4)
		p.vals[IP4Dst].AppendBytes(b[16:16], 4)
		b[10], b[11] = 0, 0
		head := b[:min(len(b), 4*max(int(b[0]&15), 5))]
		binary.BigEndian.PutUint16(b[10:], wire.Checksum(head))
		return
	}
	if len(b) < wire.IPv6Len {
		return
	}
	binary.BigEndian.PutUint32(b, 6<<28|uint32(tos)<<20|uint32(p.vals[IP6Label].Lo))
	b[7] = byte(p.vals[IPTTL].Lo)
	p.vals[IP6Src].AppendBytes(b[8:8], 16)
	p.vals[IP6Dst].AppendBytes(b[24:24], 16)
}

// writeTransport writes the fields of the transport message b, as far as it goes,
// and its checksum; of a fragment the checksum covers more than b and is left.
func (p *Packet) writeTransport(b []byte) {
	if s, d, ok := p.portFields(); ok && len(b) >= 4 {
		p.vals[s].AppendBytes(b[0:0], 2)
		p.vals[d].AppendBytes(b[2:2], 2)
	}
	sum := -1
	switch {
	case p.Has(TCPSrc) && len(b) >= wire.TCPLen:
		sum = 16
		b[12] = b[12]&0xf0 | byte(p.vals[TCPFlags].Lo>>8)
		b[13] = byte(p.vals[TCPFlags].Lo)
	case p.Has(UDPSrc) && len(b) >= wire.UDPLen:
		if b[6]|b[7] != 0 { // 0: the sender computed none (RFC 768)
			sum = 6
		}
	case p.Has(SCTPSrc) && len(b) >= wire.SCTPLen:
		p.sealSCTP(b)
	case p.Has(ICMP4Type) && len(b) >= wire.ICMPLen:
		b[0], b[1] = byte(p.vals[ICMP4Type].Lo), byte(p.vals[ICMP4Code].Lo)
		if p.vals[IPFrag].IsZero() {
			b[2], b[3] = 0, 0
			binary.BigEndian.PutUint16(b[2:], wire.Checksum(b))
		}
	case p.Has(ICMP6Type) && len(b) >= 4:
		sum = 2
		b[0], b[1] = byte(p.vals[ICMP6Type].Lo), byte(p.vals[ICMP6Code].Lo)
		p.writeND(b)
	}
	if sum < 0 || !p.vals[IPFrag].IsZero() {
		return
	}
	src, dst := p.addressFields()
	b[sum], b[sum+1] = 0, 0
	c := wire.TransportChecksum(p.addr(src), p.addr(dst), uint8(p.vals[IPProto].Lo), b)
	if c == 0 && p.Has(UDPSrc) {
		c = 0xffff
	}
	binary.BigEndian.PutUint16(b[sum:], c)
}

func (p *Packet) sealSCTP(b []byte) {
	if p.vals[IPFrag].IsZero() {
		binary.LittleEndian.PutUint32(b[8:], wire.SCTPChecksum(b))
	}
}

func (p *Packet) writeND(b []byte) {
	if !p.Has(NDTarget) || len(b) < ndHeader {
		return
	}
	p.vals[NDTarget].AppendBytes(b[8:8], 16)
	if at := linkAddress(b, 1); at > 0 && p.Has(NDSLL) {
		p.vals[NDSLL].AppendBytes(b[at:at], 6)
	}
	if at := linkAddress(b, 2); at > 0 && p.Has(NDTLL) {
		p.vals[NDTLL].AppendBytes(b[at:at], 6)
	}
}

// addr is an address field as an address.
func (p *Packet) addr(f Field) netip.Addr {
	a, _ := netip.AddrFromSlice(p.vals[f].AppendBytes(nil, f.Width()/8))
	return a
}
