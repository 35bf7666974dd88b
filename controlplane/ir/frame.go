package ir

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/wire"
)

// body is what a packet has beside its fields. It is shared by copies and never written.
type body struct {
	network   []byte // from the network header to the end; nil when the packet was made of terms
	transport []byte // the tail of network from the transport header on; nil in a later fragment
	pad       int    // bytes behind network that only fill the frame up
	malformed bool   // network has an IP header that cannot be read
	eth       uint64 // EthType and IPProto for which network and transport are right
	proto     uint64
}

// icmpID is the identifier of an ICMP echo.
func (b body) icmpID() uint16 {
	if len(b.transport) < 6 {
		return 0
	}
	return binary.BigEndian.Uint16(b.transport[4:])
}

// ParseFrame makes a packet of an Ethernet frame without its check sequence. As in
// Open vSwitch, the fields of a header that is cut off or malformed are 0; only
// a frame without a whole Ethernet header is an error. The packet refers to b.
func ParseFrame(b []byte) (*Packet, error) {
	f, err := wire.ParseFrame(b)
	if f.Ethernet == nil {
		return nil, err
	}
	p := &Packet{Len: len(b)}
	dst, src := f.Ethernet.Dst(), f.Ethernet.Src()
	p.vals[EthDst], p.vals[EthSrc] = BytesValue(dst[:]), BytesValue(src[:])
	p.vals[EthType] = V(uint64(f.EtherType))
	if f.TCI[0] != 0 {
		p.outer = binary.BigEndian.Uint16(b[12:])
		p.vals[VLANTCI] = V(uint64(f.TCI[0]))
	}
	if f.TCI[1] != 0 {
		p.inner = []vlan{{binary.BigEndian.Uint16(b[16:]), f.TCI[1]}}
	}
	switch {
	case p.Has(ARPOp):
		p.readARP(f.Network)
	case p.IsIP() && f.Src.IsValid():
		p.readIP(f)
	}
	p.body = body{
		network: f.Network, transport: f.Transport, pad: len(b) - f.NetworkOffset() - len(f.Network),
		malformed: p.IsIP() && !f.Src.IsValid(), eth: p.vals[EthType].Lo, proto: p.vals[IPProto].Lo,
	}
	return p, nil
}

func (p *Packet) readARP(b []byte) {
	a, err := wire.ParseARP(b)
	if err != nil {
		return
	}
	p.vals[ARPOp] = V(uint64(a.Op()))
	p.vals[ARPSHA], p.vals[ARPSPA] = BytesValue(a[8:14]), BytesValue(a[14:18])
	p.vals[ARPTHA], p.vals[ARPTPA] = BytesValue(a[18:24]), BytesValue(a[24:28])
}

func (p *Packet) readIP(f wire.Frame) {
	src, dst := p.addressFields()
	p.vals[src], p.vals[dst] = BytesValue(f.Src.AsSlice()), BytesValue(f.Dst.AsSlice())
	p.vals[IPProto] = V(uint64(f.Proto))
	p.vals[IPDSCP], p.vals[IPECN] = V(uint64(f.TOS>>2)), V(uint64(f.TOS&3))
	p.vals[IPTTL] = V(uint64(f.TTL))
	if p.Has(IP6Label) {
		p.vals[IP6Label] = V(uint64(f.Label))
	}
	if f.Fragment {
		p.vals[IPFrag] = V(1)
	}
	if f.Later {
		p.vals[IPFrag] = V(1 | fragLater)
	}
	p.readTransport(f.Transport)
}

// readTransport reads the fields behind IP; of b that is too short, none.
func (p *Packet) readTransport(b []byte) {
	switch {
	case p.Has(ICMP4Type) && len(b) >= 8:
		p.vals[ICMP4Type], p.vals[ICMP4Code] = V(uint64(b[0])), V(uint64(b[1]))
	case p.Has(ICMP6Type) && len(b) >= 4:
		p.vals[ICMP6Type], p.vals[ICMP6Code] = V(uint64(b[0])), V(uint64(b[1]))
		p.readND(b)
	case p.Has(TCPSrc) && len(b) >= 4:
		p.vals[TCPSrc], p.vals[TCPDst] = BytesValue(b[:2]), BytesValue(b[2:4])
		if len(b) >= 14 {
			p.vals[TCPFlags] = BytesValue(b[12:14]).And(Ones(12))
		}
	case p.Has(UDPSrc) && len(b) >= 4:
		p.vals[UDPSrc], p.vals[UDPDst] = BytesValue(b[:2]), BytesValue(b[2:4])
	case p.Has(SCTPSrc) && len(b) >= 4:
		p.vals[SCTPSrc], p.vals[SCTPDst] = BytesValue(b[:2]), BytesValue(b[2:4])
	}
}

const ndHeader = 24 // bytes of a neighbour solicitation or advertisement before its options

func (p *Packet) readND(b []byte) {
	if !p.Has(NDTarget) || len(b) < ndHeader {
		return
	}
	p.vals[NDTarget] = BytesValue(b[8:24])
	if at := linkAddress(b, 1); at > 0 && p.Has(NDSLL) {
		p.vals[NDSLL] = BytesValue(b[at : at+6])
	}
	if at := linkAddress(b, 2); at > 0 && p.Has(NDTLL) {
		p.vals[NDTLL] = BytesValue(b[at : at+6])
	}
}

// linkAddress is where the address of option typ (1 source, 2 target; RFC 4861, 4.6.1)
// is in a neighbour discovery message, 0 when it has none.
func linkAddress(b []byte, typ byte) int {
	for at := ndHeader; at+8 <= len(b) && b[at+1] != 0; at += 8 * int(b[at+1]) {
		if b[at] == typ && b[at+1] == 1 {
			return at + 2
		}
	}
	return 0
}
