package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// load is "FIELD = CONSTANT;".
type load struct {
	dst field
	imm expr.Operand
}

func parseLoad(p *parser, dst field) node {
	p.check(dst, dst.bits(), true)
	imm, ok := expr.ParseConstant(&p.lex, dst.ref)
	if !ok {
		return nil
	}
	if dst.isOVN() {
		return parseICMPField(p, dst, imm)
	}
	return load{dst, imm}
}

func (n load) format(b []byte, _ Position) []byte {
	return append(n.imm.AppendText(append(n.dst.append(b), " = "...)), ';')
}

func (n load) lower(l *lowering) {
	dst := n.dst.sub()
	if n.dst.isString() {
		key, _ := l.port(n.imm.Text)
		l.emit(ir.Set{Dst: dst, Value: ir.V(uint64(key))})
		return
	}
	mask := ir.Ones(int(dst.N))
	if n.imm.Const.Masked {
		mask = n.imm.Const.Mask
	}
	l.ops = appendMaskedSet(l.ops, dst, n.imm.Const.Value, mask)
}

// appendMaskedSet appends what loads value into the bits of dst that are 1 in
// mask. A mask with holes is several runs of bits.
func appendMaskedSet(ops []ir.Op, dst ir.Sub, value, mask ir.Value) []ir.Op {
	for ofs := 0; ofs < int(dst.N); {
		run := 0
		for ofs+run < int(dst.N) && mask.Bit(ofs+run) == 1 {
			run++
		}
		if run > 0 {
			ops = append(ops, ir.Set{Dst: ir.Bits(dst.Field, int(dst.Ofs)+ofs, run), Value: value.Shr(ofs).And(ir.Ones(run))})
		}
		ofs += run + 1
	}
	return ops
}

// move is "FIELD = FIELD;", exchange "FIELD <-> FIELD;".
type (
	move     struct{ dst, src field }
	exchange struct{ a, b field }
)

func parseMove(p *parser, dst field, swap bool) node {
	src := p.field()
	if p.failed() {
		return nil
	}
	switch {
	case dst.isString() != src.isString() && swap:
		p.errorf("can't exchange %s field (%s) with %s field (%s)", dst.kind(), dst.name(), src.kind(), src.name())
	case dst.isString() != src.isString():
		p.errorf("can't assign %s field (%s) to %s field (%s)", src.kind(), src.name(), dst.kind(), dst.name())
	case dst.bits() != src.bits() && swap:
		p.errorf("can't exchange %d-bit field with %d-bit field", dst.bits(), src.bits())
	case dst.bits() != src.bits():
		p.errorf("can't assign %d-bit value to %d-bit destination", src.bits(), dst.bits())
	}
	p.check(dst, dst.bits(), true)
	p.check(src, src.bits(), swap)
	if dst.isOVN() || src.isOVN() {
		p.errorf("field %s can only be assigned a constant", dst.name())
	}
	if swap {
		return exchange{dst, src}
	}
	return move{dst, src}
}

func (n move) format(b []byte, _ Position) []byte {
	return append(n.src.append(append(n.dst.append(b), " = "...)), ';')
}

func (n move) lower(l *lowering) { l.emit(ir.Copy{Dst: n.dst.sub(), Src: n.src.sub()}) }

func (n exchange) format(b []byte, _ Position) []byte {
	return append(n.b.append(append(n.a.append(b), " <-> "...)), ';')
}

func (n exchange) lower(l *lowering) {
	x, y := n.a.sub(), n.b.sub()
	l.emit(ir.Push{Src: y}, ir.Push{Src: x}, ir.Pop{Dst: y}, ir.Pop{Dst: x})
}

// push and pop are "push(FIELD);" and "pop(FIELD);".
type (
	push struct{ src field }
	pop  struct{ dst field }
)

func parsePush(p *parser) node { return push{p.stacked(false)} }
func parsePop(p *parser) node  { return pop{p.stacked(true)} }

func (p *parser) stacked(write bool) field {
	p.force(expr.LParen)
	f := p.field()
	p.check(f, f.bits(), write)
	p.force(expr.RParen)
	return f
}

func (n push) format(b []byte, _ Position) []byte {
	return append(n.src.append(append(b, "push("...)), ");"...)
}
func (n push) lower(l *lowering) { l.emit(ir.Push{Src: n.src.sub()}) }

func (n pop) format(b []byte, _ Position) []byte {
	return append(n.dst.append(append(b, "pop("...)), ");"...)
}
func (n pop) lower(l *lowering) { l.emit(ir.Pop{Dst: n.dst.sub()}) }
