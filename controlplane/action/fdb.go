package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// getFDB is "P = get_fdb(M);" and "P = get_remote_fdb(M);": the port behind which
// an Ethernet address was learnt.
type getFDB struct {
	remote   bool
	dst, mac field
}

func parseGetFDB(remote bool) func(*parser, field) node {
	return func(p *parser, dst field) node {
		if dst.isString() {
			p.check(dst, 0, true)
		} else {
			p.check(dst, 32, true)
		}
		p.force(expr.LParen)
		mac := p.fieldOf(48)
		p.force(expr.RParen)
		return getFDB{remote, dst, mac}
	}
}

func (n getFDB) format(b []byte, _ Position) []byte {
	name := "get_fdb"
	if n.remote {
		name = "get_remote_fdb"
	}
	return appendCall(append(n.dst.append(b), " = "...), name, n.mac)
}

func (n getFDB) lower(l *lowering) {
	answer, stage := ir.All(ir.Outport), ir.GetFDB
	if n.remote {
		answer, stage = ir.All(ir.Reg1), ir.GetRemoteFDB
	}
	dst := n.dst.sub()
	if dst != answer {
		l.emit(ir.Push{Src: answer})
	}
	l.withArgs([]arg{{n.mac.sub(), ir.EthDst}}, nil, func() {
		l.emit(ir.Set{Dst: answer}, ir.Call{Stage: stage})
	})
	if dst != answer {
		l.emit(ir.Copy{Dst: dst, Src: answer}, ir.Pop{Dst: answer})
	}
}

// lookupFDB is "R = lookup_fdb(P, M);": was the address learnt behind the port?
type lookupFDB struct{ dst, port, mac field }

func parseLookupFDB(p *parser, dst field) node {
	p.check(dst, 1, true)
	n := lookupFDB{dst: dst}
	p.force(expr.LParen)
	n.port = p.fieldOf(0)
	p.force(expr.Comma)
	n.mac = p.fieldOf(48)
	p.force(expr.RParen)
	return n
}

func (n lookupFDB) format(b []byte, _ Position) []byte {
	return appendCall(append(n.dst.append(b), " = "...), "lookup_fdb", n.port, n.mac)
}

func (n lookupFDB) lower(l *lowering) {
	args := []arg{{n.port.sub(), ir.Inport}, {n.mac.sub(), ir.EthSrc}}
	l.withArgs(args, nil, func() { l.ask(ir.LookupFDB, ir.FlagLookupFDB) })
	l.answer(n.dst.sub(), ir.FlagLookupFDB)
}
