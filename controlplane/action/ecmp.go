package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// commitECMP is "commit_ecmp_nh(ipv6 = B, proto = P);": remember for a while that
// the connection came from this Ethernet address, so that a change of it can be
// noticed, and which replies belong to it.
type commitECMP struct {
	ipv6  bool
	proto l4proto
}

// l4proto is a transport protocol with ports.
type l4proto struct {
	name     string
	number   uint64 // of IP
	src, dst ir.Field
}

var (
	protoTCP  = l4proto{"tcp", 6, ir.TCPSrc, ir.TCPDst}
	protoUDP  = l4proto{"udp", 17, ir.UDPSrc, ir.UDPDst}
	protoSCTP = l4proto{"sctp", 132, ir.SCTPSrc, ir.SCTPDst}
)

func (p *parser) l4proto() l4proto {
	for _, pr := range []l4proto{protoTCP, protoUDP, protoSCTP} {
		if p.matchID(pr.name) {
			return pr
		}
	}
	p.syntax("invalid protocol")
	return l4proto{}
}

func parseCommitECMP(p *parser) node {
	var n commitECMP
	p.force(expr.LParen)
	p.key("ipv6")
	n.ipv6 = p.boolean()
	p.force(expr.Comma)
	p.key("proto")
	n.proto = p.l4proto()
	p.force(expr.RParen)
	return n
}

// key parses "name =".
func (p *parser) key(name string) {
	if !p.matchID(name) {
		p.syntax("invalid parameter: expecting %s", name)
	}
	p.force(expr.Equals)
}

func (n commitECMP) format(b []byte, _ Position) []byte {
	b = append(b, "commit_ecmp_nh(ipv6 = "...)
	if n.ipv6 {
		b = append(b, "true"...)
	} else {
		b = append(b, "false"...)
	}
	return append(append(append(b, ", proto = "...), n.proto.name...), ");"...)
}

const (
	learntPriority = 0x8000
	ecmpIdle       = 20 // seconds
	ecmpHard       = 30 // seconds: time after which a changed route is noticed
)

func (n commitECMP) lower(l *lowering) {
	ipSrc, ipDst, ethType := ir.IP4Src, ir.IP4Dst, uint64(0x0800)
	if n.ipv6 {
		ipSrc, ipDst, ethType = ir.IP6Src, ir.IP6Dst, 0x86dd
	}
	learn := func(stage ir.Stage, matches ...ir.LearnMatch) {
		l.emit(ir.Learn{
			Stage: stage, Priority: learntPriority, Idle: ecmpIdle, Hard: ecmpHard, DeleteOnDel: true,
			Matches: append([]ir.LearnMatch{same(ir.Datapath, ir.Datapath), equal(ir.EthType, ethType),
				equal(ir.IPProto, n.proto.number)}, matches...),
			Loads: []ir.LearnLoad{{Dst: ir.Bits(ir.Flags, ir.FlagLookupCommitECMPNH, 1), Value: ir.V(1)}},
		})
	}
	learn(ir.ECMPNHMAC, same(ir.EthSrc, ir.EthSrc), same(ipSrc, ipSrc), same(ipDst, ipDst),
		same(n.proto.src, n.proto.src), same(n.proto.dst, n.proto.dst))
	learn(ir.ECMPNH, same(ipSrc, ipDst), same(ipDst, ipSrc),
		same(n.proto.src, n.proto.dst), same(n.proto.dst, n.proto.src))
}

// same is the term that a learnt rule's dst is what src of the packet is now.
func same(dst, src ir.Field) ir.LearnMatch {
	return ir.LearnMatch{Dst: ir.All(dst), Src: ir.All(src)}
}

// equal is the term that a learnt rule's dst is v.
func equal(dst ir.Field, v uint64) ir.LearnMatch {
	return ir.LearnMatch{Dst: ir.All(dst), Value: ir.V(v)}
}
