package expr

import (
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// NewSymtab makes the table of all symbols of the match language: the newest
// release's and the older releases' that it no longer has.
func NewSymtab() *Symtab {
	b := newBuilder()
	b.ports()
	b.registers()
	b.flags()
	b.conntrack()
	b.ethernet()
	b.ip()
	b.arp()
	b.neighbours()
	b.transport()
	b.ovnFields()
	return b.t
}

// NewACLConntrackSymtab is NewSymtab with tcp, udp and sctp and their ports read from
// the connection's original direction, which every fragment has. It is for logical
// flows whose tags column has acl_ct_translation=true.
func NewACLConntrackSymtab() *Symtab {
	b := &builder{NewSymtab()}
	b.field("ct_proto", ir.CTProto, "ct.trk").MustCrossProduct = true
	for _, p := range []struct{ name, proto string }{{"tcp", "6"}, {"udp", "17"}, {"sctp", "132"}} {
		b.predicate(p.name, "ct.trk && !ct.inv && ct_proto == "+p.proto)
		b.field(p.name+".src", ir.CTTPSrc, p.name)
		b.field(p.name+".dst", ir.CTTPDst, p.name)
	}
	return b.t
}

// builder fills a Symtab. A definition may use only names defined before it, so
// no definition can be recursive. A definition that does not parse is a fault of
// this package: the builder panics.
type builder struct{ t *Symtab }

func newBuilder() *builder { return &builder{&Symtab{byName: make(map[string]*Symbol, 256)}} }

// maskable tells whether a target can match single bits of f (ovs-fields(7),
// "Maskable").
func maskable(f ir.Field) bool {
	switch f {
	case ir.EthType, ir.IPProto, ir.IPDSCP, ir.IPECN, ir.IPTTL, ir.ARPOp,
		ir.ICMP4Type, ir.ICMP4Code, ir.ICMP6Type, ir.ICMP6Code, ir.CTProto:
		return false
	}
	return true
}

// mustCross tells whether f is a prerequisite of other fields.
func mustCross(f ir.Field) bool {
	switch f {
	case ir.EthType, ir.IPProto, ir.ICMP6Type, ir.ICMP6Code, ir.CTProto:
		return true
	}
	return false
}

func (b *builder) add(s *Symbol, prereqs string) *Symbol {
	if prereqs != "" {
		s.Prereqs = b.parse(s.Name, prereqs)
		s.prereqs = b.normal(s.Prereqs, false)
	}
	b.t.byName[s.Name] = s
	return s
}

func (b *builder) parse(name, text string) Expr {
	e, err := b.t.Parse(text)
	if err != nil {
		panic("expr: symbol " + name + ": " + text + ": " + err.Error())
	}
	return e
}

// normal is the normal form of e, or of its negation. Definitions never ask Env.
func (b *builder) normal(e Expr, not bool) sum {
	var c compiler
	s, err := c.sum(e, not)
	if err != nil {
		panic("expr: symbol definition: " + err.Error())
	}
	return s
}

// field adds a whole field.
func (b *builder) field(name string, f ir.Field, prereqs string) *Symbol {
	s := &Symbol{Name: name, Width: f.Width(), Sub: ir.All(f), MustCrossProduct: mustCross(f), Write: WriteDefault}
	if maskable(f) {
		s.Level = Ordinal
	}
	if f.Info().Read {
		s.Write = WriteNever
	}
	return b.add(s, prereqs)
}

// str adds a string field.
func (b *builder) str(name string, f ir.Field) {
	b.add(&Symbol{Name: name, Sub: ir.All(f), Write: WriteDefault}, "")
}

// sub adds a name for bits of another symbol, written as a field reference.
func (b *builder) sub(name, ref, prereqs string) *Symbol {
	l := NewLexer(ref)
	f, ok := b.t.ParseField(l)
	if !ok || !l.ForceEnd() {
		panic("expr: symbol " + name + ": " + ref + ": " + l.Err().Error())
	}
	return b.add(&Symbol{Name: name, Width: int(f.N), Sub: f.Sub(), Level: f.Symbol.Level,
		Write: f.Symbol.Write}, prereqs)
}

// predicate adds a name for an expression.
func (b *builder) predicate(name, text string) {
	e := b.parse(name, text)
	s := &Symbol{Name: name, Width: 1, Predicate: e, Level: levelOf(e), positive: b.normal(e, false)}
	if s.Level != Nominal { // the negation of a nominal one cannot be asked for
		s.negative = b.normal(e, true)
	}
	b.t.byName[name] = s
}

// levelOf is the level of a predicate with the expansion e.
func levelOf(e Expr) Level {
	var xs []Expr
	switch e := e.(type) {
	case *And:
		xs = e.X
	case *Or:
		xs = e.X
	case *Cmp:
		if e.Field.Symbol.Level == Nominal {
			return Nominal
		}
		return Boolean
	default:
		return Boolean
	}
	for _, x := range xs {
		if levelOf(x) == Nominal {
			return Nominal
		}
	}
	return Boolean
}

// subs adds a list of "name ref" lines.
func (b *builder) subs(prereqs, lines string) {
	for line := range strings.Lines(lines) {
		if f := strings.Fields(line); len(f) == 2 {
			b.sub(f[0], f[1], prereqs)
		}
	}
}

// predicates adds a list of "name expression" lines.
func (b *builder) predicates(lines string) {
	for line := range strings.Lines(lines) {
		if name, text, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			b.predicate(name, strings.TrimSpace(text))
		}
	}
}
