package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// question is an action of the form "R = name();" that a side stage answers in
// the bits out.
type question struct {
	name  string
	stage ir.Stage
	out   ir.Sub
	save  bool // out is a register that others use: save and restore it
}

func flagQuestion(name string, stage ir.Stage, flag int) question {
	return question{name, stage, ir.Bits(ir.Flags, flag, 1), false}
}

// ctQuestion is a question about the connection: the low bits of xxreg1 are lent
// to the answer.
func ctQuestion(name string, stage ir.Stage, bits int) question {
	return question{name, stage, narrowest(ir.Bits(ir.XXReg1, 0, bits)), true}
}

// asked is a question whose answer goes to dst.
type asked struct {
	*question
	dst field
}

func (q question) parse(p *parser, dst field) node {
	p.noArgs(q.name)
	p.check(dst, int(q.out.N), true)
	if q.save && !p.failed() && partlySame(dst.sub(), q.out) {
		p.errorf("%s overlaps %s, in which %s leaves its answer; use another field", dst.ranged(), q.out, q.name)
	}
	return asked{&q, dst}
}

// noArgs parses "()".
func (p *parser) noArgs(name string) {
	p.force(expr.LParen)
	if !p.failed() && !p.match(expr.RParen) {
		p.errorf("%s doesn't take any parameters", name)
	}
}

func (n asked) format(b []byte, _ Position) []byte {
	return appendCall(append(n.dst.append(b), " = "...), n.name)
}

func (n asked) lower(l *lowering) {
	dst := n.dst.sub()
	if sameBits(dst, n.out) {
		l.emit(ir.Set{Dst: n.out}, ir.Call{Stage: n.stage})
		return
	}
	if n.save {
		l.emit(ir.Push{Src: n.out})
	}
	l.emit(ir.Set{Dst: n.out}, ir.Call{Stage: n.stage}, ir.Copy{Dst: dst, Src: n.out})
	if n.save {
		l.emit(ir.Pop{Dst: n.out})
	}
}
