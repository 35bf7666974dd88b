package ir

import (
	"iter"
	"sort"
	"strings"
)

// Term is a ternary test of one field: packet & Mask == Value. Value has no bit
// outside Mask, Mask none outside the field's width, and Mask is not 0.
type Term struct {
	Field Field
	Value Value
	Mask  Value
}

// Exact is a term that compares the whole field.
func Exact(f Field, v uint64) Term { return Term{f, V(v), Ones(f.Width())} }

// Masked is a term with an explicit mask.
func Masked(f Field, v, mask uint64) Term { return Term{f, V(v & mask), V(mask)} }

// TermOf is the term that compares the bits s with v.
func TermOf(s Sub, v Value) Term {
	m := Ones(int(s.N)).Shl(int(s.Ofs))
	return Term{s.Field, v.Shl(int(s.Ofs)).And(m), m}
}

// Match is a conjunction of terms, at most one per field, in canonical form:
// two matches are equal (==) exactly when they test the same. The zero Match
// matches every packet. Views (XReg, XXReg) never occur: they are split into
// their registers. The form is compact, comparable and immutable, so that a
// hundred thousand rules can be kept and hashed cheaply.
type Match struct{ s string }

const maskedBit = 0x80

func fieldBytes(f Field) int { return (f.Width() + 7) / 8 }

// NewMatch makes the conjunction of terms. ok is false when they contradict each
// other (no packet can match).
func NewMatch(terms ...Term) (m Match, ok bool) {
	if canonicalTerms(terms) {
		var buf [256]byte
		b := buf[:0]
		for i := range terms {
			b = appendTerm(b, &terms[i])
		}
		return Match{string(b)}, true
	}
	var vals, masks [NumFields]Value
	var used [NumFields]bool
	order := make([]Field, 0, 16)
	add := func(f Field, v, k Value) bool {
		k = k.And(Ones(f.Width()))
		v = v.And(k)
		if k.IsZero() {
			return true
		}
		if !used[f] {
			used[f], vals[f], masks[f] = true, v, k
			order = append(order, f)
			return true
		}
		if !vals[f].Xor(v).And(masks[f]).And(k).IsZero() {
			return false
		}
		vals[f], masks[f] = vals[f].Or(v), masks[f].Or(k)
		return true
	}
	for _, t := range terms {
		parts := t.Field.Parts()
		if parts == nil {
			if !add(t.Field, t.Value, t.Mask) {
				return Match{}, false
			}
			continue
		}
		for i, p := range parts {
			sh := 32 * (len(parts) - 1 - i)
			if !add(p, t.Value.Shr(sh), t.Mask.Shr(sh)) {
				return Match{}, false
			}
		}
	}
	sort.Slice(order, func(i, j int) bool { return order[i] < order[j] })
	var buf [256]byte
	b := buf[:0]
	for _, f := range order {
		b = appendTerm(b, &Term{f, vals[f], masks[f]})
	}
	return Match{string(b)}, true
}

// canonicalTerms tells whether terms are as Terms yields them: in field order, one
// per field, no view, masks within the field and values within the mask. Most
// callers have them so, and then there is nothing to sort or join.
func canonicalTerms(terms []Term) bool {
	last := FieldNone
	for i := range terms {
		t := &terms[i]
		if t.Field <= last || t.Field >= NumFields || fields[t.Field].View || t.Mask.IsZero() ||
			t.Mask.Len() > fields[t.Field].Width || t.Value.And(t.Mask) != t.Value {
			return false
		}
		last = t.Field
	}
	return true
}

func appendTerm(b []byte, t *Term) []byte {
	n := fieldBytes(t.Field)
	if t.Mask == Ones(t.Field.Width()) {
		return t.Value.AppendBytes(append(b, byte(t.Field)), n)
	}
	b = t.Value.AppendBytes(append(b, byte(t.Field)|maskedBit), n)
	return t.Mask.AppendBytes(b, n)
}

// MustMatch is NewMatch for terms known not to contradict; it panics otherwise.
func MustMatch(terms ...Term) Match {
	m, ok := NewMatch(terms...)
	if !ok {
		panic("ir: contradictory match terms")
	}
	return m
}

// Terms yields the terms in field order.
func (m Match) Terms() iter.Seq[Term] {
	return func(yield func(Term) bool) {
		for s := m.s; len(s) > 0; {
			f := Field(s[0] &^ maskedBit)
			n := fieldBytes(f)
			t := Term{Field: f, Value: stringValue(s[1 : 1+n])}
			if s[0]&maskedBit != 0 {
				t.Mask = stringValue(s[1+n : 1+2*n])
				s = s[1+2*n:]
			} else {
				t.Mask = Ones(f.Width())
				s = s[1+n:]
			}
			if !yield(t) {
				return
			}
		}
	}
}

func stringValue(s string) Value {
	var v Value
	for i := 0; i < len(s); i++ {
		v = v.Shl(8)
		v.Lo |= uint64(s[i])
	}
	return v
}

// And is the conjunction of m and o; ok is false when no packet matches both.
func (m Match) And(o Match) (Match, bool) {
	if m.s == "" {
		return o, true
	}
	if o.s == "" {
		return m, true
	}
	terms := make([]Term, 0, 16)
	for t := range m.Terms() {
		terms = append(terms, t)
	}
	for t := range o.Terms() {
		terms = append(terms, t)
	}
	return NewMatch(terms...)
}

// Term returns the term on f; ok is false when m does not test f.
func (m Match) Term(f Field) (t Term, ok bool) {
	for t := range m.Terms() {
		if t.Field == f {
			return t, true
		}
	}
	return Term{}, false
}

// IsAny tells whether m matches every packet.
func (m Match) IsAny() bool { return m.s == "" }

// Key is m as an opaque string: a map key or input of a hash.
func (m Match) Key() string { return m.s }

// String is the canonical text of m: terms joined by ", "; "any" for none.
func (m Match) String() string {
	if m.s == "" {
		return "any"
	}
	var b strings.Builder
	for t := range m.Terms() {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// String is "field=value" or "field=value/mask".
func (t Term) String() string {
	s := t.Field.String() + "=" + t.Value.String()
	if t.Mask != Ones(t.Field.Width()) {
		s += "/" + t.Mask.String()
	}
	return s
}
