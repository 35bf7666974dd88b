package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// family is what differs between the IPv4 and the IPv6 form of an action on
// neighbours: its name, the width of an address, and the register that carries it.
type family struct {
	name string
	bits int
	reg  ir.Field
}

func arpFamily(name string) family { return family{name, 32, ir.Reg0} }
func ndFamily(name string) family  { return family{name, 128, ir.XXReg0} }

// getMAC is "get_arp(P, A);" and "get_nd(P, A);".
type getMAC struct {
	family
	port, addr field
}

func parseGetMAC(f family) func(*parser) node {
	return func(p *parser) node {
		n := getMAC{family: f}
		p.force(expr.LParen)
		n.port = p.fieldOf(0)
		p.force(expr.Comma)
		n.addr = p.fieldOf(f.bits)
		p.force(expr.RParen)
		return n
	}
}

func (n getMAC) format(b []byte, _ Position) []byte { return appendCall(b, n.name, n.port, n.addr) }

func (n getMAC) lower(l *lowering) {
	args := []arg{{n.port.sub(), ir.Outport}, {n.addr.sub(), n.reg}}
	l.withArgs(args, nil, func() {
		l.emit(ir.Set{Dst: ir.All(ir.EthDst)}, ir.Call{Stage: ir.MACBinding})
	})
}

// lookupMAC is "R = lookup_arp(P, A, M);" and "R = lookup_nd(P, A, M);": is this
// binding known already?
type lookupMAC struct {
	family
	dst, port, addr, mac field
}

func parseLookupMAC(f family) func(*parser, field) node {
	return func(p *parser, dst field) node {
		p.check(dst, 1, true)
		n := lookupMAC{family: f, dst: dst}
		p.force(expr.LParen)
		n.port = p.fieldOf(0)
		p.force(expr.Comma)
		n.addr = p.fieldOf(f.bits)
		p.force(expr.Comma)
		n.mac = p.fieldOf(48)
		p.force(expr.RParen)
		return n
	}
}

func (n lookupMAC) format(b []byte, _ Position) []byte {
	return appendCall(append(n.dst.append(b), " = "...), n.name, n.port, n.addr, n.mac)
}

// The answer is copied behind the restoration of the registers, here and below,
// so that it survives when it goes into one of them.
func (n lookupMAC) lower(l *lowering) {
	args := []arg{{n.port.sub(), ir.Inport}, {n.addr.sub(), n.reg}, {n.mac.sub(), ir.EthSrc}}
	l.withArgs(args, nil, func() { l.ask(ir.MACLookup, ir.FlagLookupMAC) })
	l.answer(n.dst.sub(), ir.FlagLookupMAC)
}

// lookupIP is "R = lookup_arp_ip(P, A);" and "R = lookup_nd_ip(P, A);": is any
// binding of the address known?
type lookupIP struct {
	family
	dst, port, addr field
}

func parseLookupIP(f family) func(*parser, field) node {
	return func(p *parser, dst field) node {
		p.check(dst, 1, true)
		n := lookupIP{family: f, dst: dst}
		p.force(expr.LParen)
		n.port = p.fieldOf(0)
		p.force(expr.Comma)
		n.addr = p.fieldOf(f.bits)
		p.force(expr.RParen)
		return n
	}
}

func (n lookupIP) format(b []byte, _ Position) []byte {
	return appendCall(append(n.dst.append(b), " = "...), n.name, n.port, n.addr)
}

func (n lookupIP) lower(l *lowering) {
	args := []arg{{n.port.sub(), ir.Outport}, {n.addr.sub(), n.reg}}
	l.withArgs(args, []ir.Sub{ir.All(ir.EthDst)}, func() { l.ask(ir.MACBinding, ir.FlagLookupMAC) })
	l.answer(n.dst.sub(), ir.FlagLookupMAC)
}

// chkEVPNARP is "R = chk_evpn_arp(A);": is the address known by EVPN?
type chkEVPNARP struct{ dst, addr field }

func parseChkEVPNARP(p *parser, dst field) node {
	p.check(dst, 1, true)
	p.force(expr.LParen)
	addr := p.field()
	if !p.failed() && addr.bits() != 32 && addr.bits() != 128 {
		p.errorf("chk_evpn_arp requires a 32-bit or 128-bit IP field")
	}
	p.force(expr.RParen)
	return chkEVPNARP{dst, addr}
}

func (n chkEVPNARP) format(b []byte, _ Position) []byte {
	return appendCall(append(n.dst.append(b), " = "...), "chk_evpn_arp", n.addr)
}

func (n chkEVPNARP) lower(l *lowering) {
	reg := ir.Reg0
	if n.addr.bits() == 128 {
		reg = ir.XXReg0
	}
	l.withArgs([]arg{{n.addr.sub(), reg}}, nil, func() { l.ask(ir.EVPNARPLookup, ir.FlagEVPNLookup) })
	l.answer(n.dst.sub(), ir.FlagEVPNLookup)
}

// appendCall appends "name(field, field);".
func appendCall(b []byte, name string, args ...field) []byte {
	b = append(append(b, name...), '(')
	for i, f := range args {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = f.append(b)
	}
	return append(b, ");"...)
}
