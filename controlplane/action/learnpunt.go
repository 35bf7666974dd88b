package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// putMAC is "put_arp(P, A, M);" and "put_nd(P, A, M);": learn a MAC_Binding.
type putMAC struct {
	family
	port, addr, mac field
}

func parsePutMAC(f family) func(*parser) node {
	return func(p *parser) node {
		n := putMAC{family: f}
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

func (n putMAC) format(b []byte, _ Position) []byte {
	return appendCall(b, n.name, n.port, n.addr, n.mac)
}

func (n putMAC) lower(l *lowering) {
	op := ir.OpPutARP
	if n.bits == 128 {
		op = ir.OpPutND
	}
	args := []arg{{n.port.sub(), ir.Inport}, {n.addr.sub(), n.reg}, {n.mac.sub(), ir.EthSrc}}
	l.withArgs(args, nil, func() { l.punt(ir.Punt{Opcode: op}) })
}

// putFDB is "put_fdb(P, M);": learn an FDB entry.
type putFDB struct{ port, mac field }

func parsePutFDB(p *parser) node {
	var n putFDB
	p.force(expr.LParen)
	n.port = p.fieldOf(0)
	p.force(expr.Comma)
	n.mac = p.fieldOf(48)
	p.force(expr.RParen)
	return n
}

func (n putFDB) format(b []byte, _ Position) []byte { return appendCall(b, "put_fdb", n.port, n.mac) }

func (n putFDB) lower(l *lowering) {
	args := []arg{{n.port.sub(), ir.Inport}, {n.mac.sub(), ir.EthSrc}}
	l.withArgs(args, nil, func() { l.punt(ir.Punt{Opcode: ir.OpPutFDB}) })
}

// svcCheck is "handle_svc_check(P);": a reply to a health check of a load balancer.
type svcCheck struct{ port field }

func parseSvcCheck(p *parser) node {
	p.force(expr.LParen)
	n := svcCheck{p.fieldOf(0)}
	p.force(expr.RParen)
	return n
}

func (n svcCheck) format(b []byte, _ Position) []byte {
	return appendCall(b, "handle_svc_check", n.port)
}

func (n svcCheck) lower(l *lowering) {
	l.withArgs([]arg{{n.port.sub(), ir.Inport}}, nil, func() { l.punt(ir.Punt{Opcode: ir.OpHandleSvcCheck}) })
}

// bindVport is `bind_vport("V", P);`: claim the virtual port V for its parent P.
type bindVport struct {
	vport  string
	parent field
}

func parseBindVport(p *parser) node {
	var n bindVport
	p.force(expr.LParen)
	n.vport = p.quoted("expecting port name string")
	p.force(expr.Comma)
	n.parent = p.fieldOf(0)
	p.force(expr.RParen)
	return n
}

func (n bindVport) format(b []byte, _ Position) []byte {
	b = append(expr.AppendQuoted(append(b, "bind_vport("...), n.vport), ", "...)
	return append(n.parent.append(b), ");"...)
}

// lower does nothing for a virtual port that does not exist.
func (n bindVport) lower(l *lowering) {
	key, ok := l.port(n.vport)
	if !ok {
		return
	}
	l.withArgs([]arg{{n.parent.sub(), ir.Inport}}, nil, func() {
		l.punt(ir.Punt{Opcode: ir.OpBindVport, Args: BindVportArgs{key}.Encode()})
	})
}

// plainPunt is an action without arguments that hands the packet to the controller.
type plainPunt struct {
	text   string
	opcode ir.Opcode
}

func parsePlainPunt(name string, opcode ir.Opcode) func(*parser) node {
	n := plainPunt{name, opcode}
	return func(*parser) node { return n }
}

func parseBFDMsg(p *parser) node {
	p.noArgs("handle_bfd_msg")
	return plainPunt{"handle_bfd_msg()", ir.OpBFDMsg}
}

func (n plainPunt) format(b []byte, _ Position) []byte { return append(append(b, n.text...), ';') }
func (n plainPunt) lower(l *lowering)                  { l.punt(ir.Punt{Opcode: n.opcode}) }
