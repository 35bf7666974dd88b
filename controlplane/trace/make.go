package trace

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// IP protocols, TCP flags and ICMP types of the packets that actions make.
const (
	protoICMP, protoTCP, protoICMPv6, protoSCTP = 1, 6, 58, 132

	tcpRST           = 4
	icmp4Unreachable = 3
	icmp6Unreachable = 1
	ndSolicit        = 135
	ndAdvertise      = 136
)

// transform runs the inner actions of s on the packet that the controller would
// make of this one. A made packet does not answer a packet of its own kind.
func (t *tracer) transform(s statement, f *frame, node *Node) {
	p := f.p
	name, back := s.name, false
	if name == "reject" {
		back = true
		switch {
		case p.Has(ir.TCPSrc):
			name = "tcp_reset"
		case p.Has(ir.SCTPSrc):
			name = "sctp_abort"
		case p.Has(ir.IP4Src):
			name = "icmp4"
		default:
			name = "icmp6"
		}
	}
	q := p.Copy()
	switch name {
	case "arp":
		makeARP(q)
	case "nd_ns":
		makeSolicitation(q)
	case "nd_na", "nd_na_router":
		name = "nd_na"
		makeAdvertisement(q, p)
	case "icmp4", "icmp4_error":
		name = "icmp4"
		if back && p.Has(ir.ICMP4Type) && p.Get(ir.ICMP4Type) == ir.V(icmp4Unreachable) {
			return
		}
		makeIP(q, back, protoICMP)
		q.Put(ir.ICMP4Type, ir.V(icmp4Unreachable))
		q.Put(ir.ICMP4Code, ir.V(1))
	case "icmp6", "icmp6_error":
		name = "icmp6"
		if back && p.Has(ir.ICMP6Type) && p.Get(ir.ICMP6Type) == ir.V(icmp6Unreachable) {
			return
		}
		makeIP(q, back, protoICMPv6)
		q.Put(ir.ICMP6Type, ir.V(icmp6Unreachable))
		q.Put(ir.ICMP6Code, ir.V(1))
	case "tcp_reset":
		if back && p.Get(ir.TCPFlags) == ir.V(tcpRST) {
			return
		}
		makeIP(q, back, protoTCP)
		swap(q, ir.TCPSrc, ir.TCPDst)
		q.Put(ir.TCPFlags, ir.V(tcpRST))
	case "sctp_abort":
		makeIP(q, back, protoSCTP)
		swap(q, ir.SCTPSrc, ir.SCTPDst)
	}
	t.run(t.statements(s.args), f.on(q), node.add(Transformation, "%s", name))
}

func swap(q *ir.Packet, a, b ir.Field) {
	x, y := q.Get(a), q.Get(b)
	q.Put(a, y)
	q.Put(b, x)
}

// makeIP makes q an IP packet of a protocol, on the way back when back is set.
func makeIP(q *ir.Packet, back bool, proto uint64) {
	if back {
		swap(q, ir.EthSrc, ir.EthDst)
		swap(q, ir.IP4Src, ir.IP4Dst)
		swap(q, ir.IP6Src, ir.IP6Dst)
	}
	q.Put(ir.IPProto, ir.V(proto))
	q.Put(ir.IPTTL, ir.V(255))
}

// makeARP makes q an ARP request for the destination of the packet that it was.
func makeARP(q *ir.Packet) {
	src, dst := q.Get(ir.IP4Src), q.Get(ir.IP4Dst)
	q.Put(ir.EthType, ir.V(wire.TypeARP))
	q.Put(ir.ARPOp, ir.V(wire.ARPRequest))
	q.Put(ir.ARPSPA, src)
	q.Put(ir.ARPTPA, dst)
	q.Put(ir.ARPSHA, q.Get(ir.EthSrc))
	q.Put(ir.ARPTHA, ir.Value{})
}

// makeSolicitation makes q the question for the neighbour that the packet that it was is
// for, from the link-local address (RFC 4861, 4.3 and 7.2.2). ovn-trace leaves the
// packet its own addresses, and the match of what follows to chance.
func makeSolicitation(q *ir.Packet) {
	target := q.Get(ir.IP6Dst)
	group := wire.SolicitedNode(ip6Of(target))
	q.Put(ir.EthDst, macValue(wire.MulticastMAC(group)))
	q.Put(ir.IP6Src, ipValue(macOf(q.Get(ir.EthSrc)).LinkLocal()))
	q.Put(ir.IP6Dst, ipValue(group))
	makeND(q, ndSolicit)
	q.Put(ir.NDTarget, target)
	q.Put(ir.NDSLL, q.Get(ir.EthSrc))
}

// makeAdvertisement makes q the answer to the solicitation p.
func makeAdvertisement(q, p *ir.Packet) {
	swap(q, ir.EthSrc, ir.EthDst)
	q.Put(ir.IP6Dst, p.Get(ir.IP6Src))
	q.Put(ir.IP6Src, p.Get(ir.NDTarget))
	makeND(q, ndAdvertise)
	q.Put(ir.NDTarget, p.Get(ir.NDTarget))
	q.Put(ir.NDTLL, p.Get(ir.EthDst))
}

func makeND(q *ir.Packet, typ uint64) {
	q.Put(ir.IPProto, ir.V(protoICMPv6))
	q.Put(ir.ICMP6Type, ir.V(typ))
	q.Put(ir.ICMP6Code, ir.Value{})
	q.Put(ir.IPTTL, ir.V(255))
}

// putOpts takes the packet for one that the action answers.
func (t *tracer) putOpts(s statement, f *frame, node *Node) {
	node.add(Modify, "%s(%s)", s.name, s.args)
	t.success(s, f, node)
}

func (t *tracer) success(s statement, f *frame, node *Node) {
	if !inRegister(s.dst.Sub().Field) {
		node.add(Modify, "%s = 1", s.dst)
	}
	result(s, f.p, true)
}

func (t *tracer) relay(s statement, f *frame, node *Node) {
	if s.name == "dhcp_relay_req_chk" {
		node.add(Error, "/* We assume that this packet is DHCPDISCOVER or DHCPREQUEST. */")
	} else {
		node.add(Error, "/* We assume that this packet is DHCPOFFER or DHCPACK with the broadcast flag: it goes to the broadcast addresses. */")
		f.p.Set(ir.All(ir.IP4Dst), ipValue(netip.AddrFrom4([4]byte{255, 255, 255, 255})))
		f.p.Put(ir.EthDst, macValue(wire.Broadcast))
	}
	t.success(s, f, node)
}
