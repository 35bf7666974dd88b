package ir

// Ethertypes, IP protocols and ICMPv6 types that decide which fields a packet has.
const (
	ethIPv4 = 0x0800
	ethARP  = 0x0806
	ethRARP = 0x8035
	ethIPv6 = 0x86dd

	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132

	ndSolicit   = 135
	ndAdvertise = 136
)

// Has tells whether p has the header of f. Pipeline state, tunnel and
// connection-tracking fields, the Ethernet addresses, the ethertype and VLANTCI
// are always there. The prerequisites are those of ovs-fields(7). As in Open
// vSwitch, transport fields of a later fragment are there and 0; IPProto of a
// later IPv6 fragment is 44, the fragment header.
func (p *Packet) Has(f Field) bool {
	if f < IPProto {
		return f != FieldNone
	}
	eth, proto := p.vals[EthType].Lo, p.vals[IPProto].Lo
	ip := eth == ethIPv4 || eth == ethIPv6
	switch f {
	case IPProto, IPDSCP, IPECN, IPTTL, IPFrag:
		return ip
	case IP4Src, IP4Dst:
		return eth == ethIPv4
	case IP6Src, IP6Dst, IP6Label:
		return eth == ethIPv6
	case ARPOp, ARPSPA, ARPTPA, ARPSHA, ARPTHA:
		return eth == ethARP || eth == ethRARP
	case ICMP4Type, ICMP4Code:
		return eth == ethIPv4 && proto == protoICMP
	case ICMP6Type, ICMP6Code:
		return eth == ethIPv6 && proto == protoICMPv6
	case NDTarget:
		return p.neighbour(ndSolicit) || p.neighbour(ndAdvertise)
	case NDSLL:
		return p.neighbour(ndSolicit)
	case NDTLL:
		return p.neighbour(ndAdvertise)
	case TCPSrc, TCPDst, TCPFlags:
		return ip && proto == protoTCP
	case UDPSrc, UDPDst:
		return ip && proto == protoUDP
	case SCTPSrc, SCTPDst:
		return ip && proto == protoSCTP
	}
	return false
}

func (p *Packet) neighbour(typ uint64) bool {
	return p.Has(ICMP6Type) && p.vals[ICMP6Type].Lo == typ && p.vals[ICMP6Code].IsZero()
}

// IsIP tells whether p is IPv4 or IPv6.
func (p *Packet) IsIP() bool { return p.Has(IPProto) }

// transport tells whether f is a field of a header behind IP.
func transport(f Field) bool { return f >= ICMP4Type && f <= SCTPDst }

const fragLater = 2 // bit of IPFrag

func (p *Packet) laterFragment() bool { return p.IsIP() && p.vals[IPFrag].Lo&fragLater != 0 }

// needs names what a packet must be to have f, for error texts.
func needs(f Field) string {
	switch f {
	case IPProto, IPDSCP, IPECN, IPTTL, IPFrag:
		return "eth.type of IPv4 (0x800) or IPv6 (0x86dd)"
	case IP4Src, IP4Dst:
		return "eth.type=0x800"
	case IP6Src, IP6Dst, IP6Label:
		return "eth.type=0x86dd"
	case ARPOp, ARPSPA, ARPTPA, ARPSHA, ARPTHA:
		return "eth.type of ARP (0x806) or RARP (0x8035)"
	case ICMP4Type, ICMP4Code:
		return "eth.type=0x800 and ip.proto=1"
	case ICMP6Type, ICMP6Code:
		return "eth.type=0x86dd and ip.proto=58"
	case NDTarget:
		return "icmp6.type 135 or 136 and icmp6.code=0"
	case NDSLL:
		return "icmp6.type=135 and icmp6.code=0"
	case NDTLL:
		return "icmp6.type=136 and icmp6.code=0"
	case TCPSrc, TCPDst, TCPFlags:
		return "IPv4 or IPv6 and ip.proto=6"
	case UDPSrc, UDPDst:
		return "IPv4 or IPv6 and ip.proto=17"
	case SCTPSrc, SCTPDst:
		return "IPv4 or IPv6 and ip.proto=132"
	}
	return "nothing"
}
