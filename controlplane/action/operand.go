package action

import (
	"encoding/binary"
	"math"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// field is a field, or bits of one, as an action names it.
type field struct{ ref expr.FieldRef }

func (f field) append(b []byte) []byte { return f.ref.AppendText(b) }
func (f field) name() string           { return f.ref.Symbol.Name }
func (f field) bits() int              { return int(f.ref.N) } // 0 for string fields
func (f field) isString() bool         { return f.ref.Symbol.IsString() }
func (f field) isOVN() bool            { return f.ref.Symbol.OVNField != expr.NoOVNField }
func (f field) sub() ir.Sub            { return narrowest(f.ref.Sub()) }

func (f field) kind() string {
	if f.isString() {
		return "string"
	}
	return "integer"
}

// ranged is the name with the bits, also when they are all.
func (f field) ranged() string {
	return f.name() + ir.Sub{Field: ir.FieldNone, Ofs: f.ref.Ofs, N: f.ref.N}.String()[len(ir.FieldNone.String()):]
}

// anyField parses a field; it also takes those that only the controller can write.
func (p *parser) anyField() field {
	ref, ok := p.symbols.ParseField(&p.lex)
	if !ok {
		return noField
	}
	if ref.Symbol.Prereqs != nil {
		p.needs = append(p.needs, ref.Symbol.Prereqs)
	}
	return field{ref}
}

// noField stands in for a field that could not be parsed.
var noField = field{expr.FieldRef{Symbol: &expr.Symbol{Width: 1}}}

// field parses a field that can be read.
func (p *parser) field() field {
	f := p.anyField()
	if !p.failed() && f.isOVN() {
		p.errorf("field %s cannot be read", f.name())
	}
	return f
}

// fieldOf parses a field of a width that can be read; 0 is a string field.
func (p *parser) fieldOf(bits int) field {
	f := p.field()
	p.check(f, bits, false)
	return f
}

// check demands a width, 0 for a string field, and that f can be written here.
func (p *parser) check(f field, bits int, write bool) {
	switch {
	case p.failed():
	case bits == f.bits():
	case bits == 0:
		p.errorf("cannot use numeric field %s where string field is required", f.name())
	case f.isString():
		p.errorf("cannot use string field %s where numeric field is required", f.name())
	default:
		p.errorf("cannot use %d-bit field %s where %d-bit field is required", f.bits(), f.ranged(), bits)
	}
	if write && !p.failed() && f.ref.Symbol.Write&p.scope == 0 {
		p.errorf("field %s is not modifiable", f.name())
	}
}

// quoted parses a string; want completes the error's text.
func (p *parser) quoted(want string) string {
	if !p.is(expr.String) {
		p.syntax("%s", want)
		return ""
	}
	s := p.lex.Tok.Text
	p.lex.Next()
	return s
}

// boolean parses true or false, quoted or not.
func (p *parser) boolean() bool {
	switch {
	case p.matchID("true"), p.lex.MatchString("true"):
		return true
	case p.matchID("false"), p.lex.MatchString("false"):
		return false
	}
	p.syntax("expecting true or false")
	return false
}

func (p *parser) isDecimal() bool {
	return p.is(expr.Integer) && p.lex.Tok.Const.Format == expr.Decimal
}

// uint parses a decimal number of at most so much; want says what it is.
func (p *parser) uint(most uint64, want string) uint64 {
	if !p.isDecimal() || p.lex.Tok.Const.Value.Lo > most {
		p.syntax("expecting %s", want)
		return 0
	}
	n := p.lex.Tok.Const.Value.Lo
	p.lex.Next()
	return n
}

func (p *parser) uint16(want string) uint16 { return uint16(p.uint(math.MaxUint16, want)) }

// ip parses an IPv4 or IPv6 address; ok is false, and nothing parsed, when there
// is none.
func (p *parser) ip() (a netip.Addr, ok bool) {
	if !p.is(expr.Integer) {
		return a, false
	}
	a, ok = addrOf(p.lex.Tok.Const)
	if ok {
		p.lex.Next()
	}
	return a, ok
}

// addrOf is a number that was written as an IPv4 or IPv6 address.
func addrOf(c expr.Constant) (netip.Addr, bool) {
	switch c.Format {
	case expr.IPv4:
		return addr4(c.Value), true
	case expr.IPv6:
		return addr16(c.Value), true
	}
	return netip.Addr{}, false
}

func addr4(v ir.Value) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], uint32(v.Lo))
	return netip.AddrFrom4(a)
}

func addr16(v ir.Value) netip.Addr {
	var a [16]byte
	v.AppendBytes(a[:0], 16)
	return netip.AddrFrom16(a)
}
