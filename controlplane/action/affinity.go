package action

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// commitAffinity is `commit_lb_aff(vip = "V", backend = "B", proto = P, timeout = T);`:
// for a while, send what this client sends to the virtual address to the same backend.
type commitAffinity struct {
	vip, backend netip.Addr
	vipPort      uint16 // 0: any, and then there is no proto
	backendPort  uint16
	proto        l4proto
	timeout      uint16 // seconds without packets
}

func parseCommitAffinity(p *parser) node {
	var n commitAffinity
	p.force(expr.LParen)
	p.key("vip")
	n.vip, n.vipPort = p.endpoint()
	p.force(expr.Comma)
	p.key("backend")
	n.backend, n.backendPort = p.endpoint()
	if n.vip.Is4() != n.backend.Is4() {
		p.syntax("invalid protocol family: vip and backend must both be IPv4 or both IPv6")
	}
	p.force(expr.Comma)
	if n.vipPort != 0 {
		p.key("proto")
		n.proto = p.l4proto()
		p.force(expr.Comma)
	}
	p.key("timeout")
	n.timeout = p.uint16("affinity timeout")
	p.force(expr.RParen)
	return n
}

// endpoint parses an address and perhaps a port in a string.
func (p *parser) endpoint() (netip.Addr, uint16) {
	if !p.is(expr.String) {
		p.syntax("invalid parameter: expecting a string with an address and a port")
		return netip.Addr{}, 0
	}
	a, port, ok := parseEndpoint(p.lex.Tok.Text)
	if !ok {
		p.syntax("invalid parameter: expecting an address and a port")
	}
	p.lex.Next()
	return a, port
}

func (n commitAffinity) format(b []byte, _ Position) []byte {
	b = appendEndpoint(append(b, "commit_lb_aff(vip = "...), n.vip, n.vipPort)
	b = appendEndpoint(append(b, ", backend = "...), n.backend, n.backendPort)
	if n.vipPort != 0 {
		b = append(append(b, ", proto = "...), n.proto.name...)
	}
	return append(appendUint(append(b, ", timeout = "...), uint64(n.timeout)), ");"...)
}

func appendEndpoint(b []byte, a netip.Addr, port uint16) []byte {
	b = append(b, '"')
	if a.Is6() {
		b = append(a.AppendTo(append(b, '[')), ']')
	} else {
		b = a.AppendTo(b)
	}
	if port != 0 {
		b = appendUint(append(b, ':'), uint64(port))
	}
	return append(b, '"')
}

func (n commitAffinity) lower(l *lowering) {
	regs := l.env.affinity()
	ipSrc, ipDst, ethType, backend := ir.IP4Src, ir.IP4Dst, uint64(0x0800), regs.IP4
	if n.vip.Is6() {
		ipSrc, ipDst, ethType, backend = ir.IP6Src, ir.IP6Dst, 0x86dd, regs.IP6
	}
	learn := ir.Learn{
		Stage: ir.ChkLBAffinity, Priority: learntPriority, Idle: n.timeout, DeleteOnDel: true,
		Matches: []ir.LearnMatch{
			same(ir.Datapath, ir.Datapath), equal(ir.EthType, ethType), same(ipSrc, ipSrc),
			{Dst: ir.All(ipDst), Value: ir.BytesValue(n.vip.AsSlice())},
		},
		Loads: []ir.LearnLoad{
			{Dst: ir.Bits(ir.Flags, ir.FlagUseLBAffSession, 1), Value: ir.V(1)},
			{Dst: backend, Value: ir.BytesValue(n.backend.AsSlice())},
		},
	}
	if n.vipPort != 0 {
		learn.Matches = append(learn.Matches, equal(ir.IPProto, n.proto.number), equal(n.proto.dst, uint64(n.vipPort)))
	}
	if n.backendPort != 0 {
		learn.Loads = append(learn.Loads, ir.LearnLoad{Dst: regs.Port, Value: ir.V(uint64(n.backendPort))})
	}
	l.emit(learn)
}
