package expr

import "github.com/sluice-gw/sluice/controlplane/ir"

// Level is what comparisons a symbol allows (ovn-sb(5), "level of measurement").
type Level uint8

// The levels. Nominal fields can only be tested for equality, because a target
// cannot look at their bits one by one; Boolean ones also for inequality; ordinal
// ones with all operators, bit by bit.
const (
	Nominal Level = iota
	Boolean
	Ordinal
)

// String is the name of the level as error texts have it.
func (l Level) String() string { return [...]string{"nominal", "Boolean", "ordinal"}[l] }

// Scope is a set of places where an action may write a symbol.
type Scope uint8

// The scopes.
const (
	WriteDefault  Scope = 1 << iota // at the top level and in nested actions
	WriteCTCommit                   // inside ct_commit { ... }
	WriteNever    Scope = 0
	WriteAnywhere Scope = WriteDefault | WriteCTCommit
)

// OVNField is a symbol that stands for no field of a packet that a target can
// match, but that the action language can write.
type OVNField uint8

// The OVN fields (ovn-sb(5)).
const (
	NoOVNField       OVNField = iota
	ICMP4FragMTU              // icmp4.frag_mtu, 16 bits
	ICMP6FragMTU              // icmp6.frag_mtu, 32 bits
	ICMP4InnerIP4Src          // icmp4.inner_ip4.src, 32 bits
)

// Symbol is a name of the language. It is one of four: a field or a run of bits of
// one (Sub), a string field that holds a logical port (Sub, Width 0), a predicate
// (Predicate) or an OVN field (OVNField).
type Symbol struct {
	Name      string
	Width     int    // bits; 0 for string fields
	Sub       ir.Sub // where the value is; Field is FieldNone for predicates and OVN fields
	Predicate Expr   // not nil for predicates; what the name stands for
	OVNField  OVNField

	// Prereqs must be true wherever the symbol is used; nil for none.
	Prereqs Expr
	Level   Level
	// MustCrossProduct says that the field is a prerequisite of others, so that it
	// may not be a dimension of a product: every rule must hold it.
	MustCrossProduct bool
	Write            Scope

	prereqs  sum // Prereqs in normal form; nil for none
	positive sum // Predicate in normal form
	negative sum // its negation; nil when Level is Nominal
}

// IsString tells whether the symbol's value is the name of a logical port.
func (s *Symbol) IsString() bool { return s.Width == 0 }

// Symtab is a set of symbols. It is read-only once made.
type Symtab struct {
	byName map[string]*Symbol
}

// Lookup finds a symbol; nil when there is none.
func (t *Symtab) Lookup(name string) *Symbol { return t.byName[name] }

// FieldRef is a symbol or a run of its bits, as the text names it.
type FieldRef struct {
	Symbol *Symbol
	Ofs    uint8 // lowest bit, within the symbol
	N      uint8 // bits; 0 for string fields
}

// Sub is where the bits are; for string fields the whole register. The Field is
// FieldNone for predicates and OVN fields.
func (f FieldRef) Sub() ir.Sub {
	if f.N == 0 {
		return f.Symbol.Sub
	}
	return ir.Sub{Field: f.Symbol.Sub.Field, Ofs: f.Symbol.Sub.Ofs + f.Ofs, N: f.N}
}

// Whole tells whether f is all of its symbol.
func (f FieldRef) Whole() bool { return f.Ofs == 0 && int(f.N) == f.Symbol.Width }

// AppendText appends the name, with the bits when they are not all.
func (f FieldRef) AppendText(b []byte) []byte {
	b = append(b, f.Symbol.Name...)
	if f.Whole() {
		return b
	}
	b = appendUint(append(b, '['), f.Ofs)
	if f.N != 1 {
		b = appendUint(append(b, ".."...), f.Ofs+f.N-1)
	}
	return append(b, ']')
}

// String is the text of f.
func (f FieldRef) String() string { return string(f.AppendText(nil)) }

// ParseField reads a field or a run of its bits, "name" or "name[lo..hi]", that an
// action can read or write. When ok is false, l has the error.
func (t *Symtab) ParseField(l *Lexer) (f FieldRef, ok bool) {
	f, ok = t.field(l)
	if ok && f.Symbol.Predicate != nil {
		l.Errorf("predicate symbol %s used where lvalue required", f.Symbol.Name)
		return FieldRef{}, false
	}
	return f, ok
}

// field reads any symbol.
func (t *Symtab) field(l *Lexer) (f FieldRef, ok bool) {
	if l.Tok.Kind != ID {
		l.SyntaxErrorf("expecting field name")
		return f, false
	}
	s := t.byName[l.Tok.Text]
	if s == nil {
		l.SyntaxErrorf("expecting field name")
		return f, false
	}
	f = FieldRef{s, 0, uint8(s.Width)}
	if l.Next() == LSquare {
		return subfield(l, s)
	}
	return f, !l.Failed()
}

// subfield reads "[bit]" or "[lo..hi]" behind the name of s.
func subfield(l *Lexer, s *Symbol) (f FieldRef, ok bool) {
	if s.IsString() {
		l.Errorf("cannot select subfield of string field %s", s.Name)
		return f, false
	}
	l.Next()
	lo, ok := l.ForceInt()
	if !ok {
		return f, false
	}
	hi := lo
	if l.Match(Ellipsis) {
		if hi, ok = l.ForceInt(); !ok {
			return f, false
		}
	}
	if !l.ForceMatch(RSquare) {
		return f, false
	}
	switch {
	case lo > hi:
		l.Errorf("invalid bit range %d to %d", lo, hi)
		return f, false
	case hi >= s.Width:
		l.Errorf("cannot select bits %d to %d of %d-bit field %s", lo, hi, s.Width, s.Name)
		return f, false
	case s.Level == Nominal && hi-lo+1 != s.Width:
		l.Errorf("cannot select subfield of nominal field %s", s.Name)
		return f, false
	}
	return FieldRef{s, uint8(lo), uint8(hi - lo + 1)}, !l.Failed()
}
