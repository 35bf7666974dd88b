package ofp

import (
	"fmt"
	"iter"
)

// Match is a flow match as a sequence of OXM entries, without the ofp_match
// header and its padding. MatchBuilder makes the canonical form.
type Match []byte

// Term is one test of a match: field & Mask == Value.
type Term struct {
	Field Field
	Value Value
	Mask  Value
}

// Exact tells whether t compares the whole field.
func (t Term) Exact() bool { return t.Mask == t.Field.full() }

// Terms yields the entries in wire order. After an error it stops; the error
// says which entry is wrong.
func (m Match) Terms() iter.Seq2[Term, error] {
	return func(yield func(Term, error) bool) {
		for b := []byte(m); len(b) > 0; {
			e, v, k, rest, err := decodeOXM(b)
			if err != nil {
				yield(Term{}, fmt.Errorf("ofp: match: offset %d: %w", len(m)-len(b), err))
				return
			}
			if !yield(Term{e.field, v, k}, nil) {
				return
			}
			b = rest
		}
	}
}

// Term returns the test of f; ok is false when m does not test it or cannot be
// decoded that far. Tunnel metadata is found whatever its length, and a register in the
// pair that a canonical match has it in.
func (m Match) Term(f Field) (t Term, ok bool) {
	if i := f & fieldIndex; i >= reg0 && i <= reg15 {
		if pair, ok := m.Term(XReg0 + (i-reg0)/2); ok {
			sh := 32 * int(1-(i-reg0)&1)
			mask := pair.Mask.Shr(sh).And(f.full())
			return Term{f, pair.Value.Shr(sh).And(mask), mask}, !mask.IsZero()
		}
	}
	for t, err := range m.Terms() {
		if err != nil {
			break
		}
		if t.Field&fieldIndex == f&fieldIndex {
			return t, true
		}
	}
	return Term{}, false
}

// Canonical is m in canonical form: as ovs-vswitchd would dump it. It fails
// when m cannot be decoded, or as MatchBuilder.Append does.
func (m Match) Canonical() (Match, error) {
	var b MatchBuilder
	for t, err := range m.Terms() {
		if err != nil {
			return nil, err
		}
		b.SetMasked(t.Field, t.Value, t.Mask)
	}
	return b.Append(nil)
}

// With is m with the bits s set to v, as the pipeline fields of a Resume or a
// PacketOut. It does not ask for prerequisites: such a match describes a packet
// and is not installed.
func (m Match) With(s Sub, v Value) (Match, error) {
	if !s.valid() {
		return nil, fmt.Errorf("ofp: match: %s has no bits %d..%d", s.Field, s.Ofs, int(s.Ofs)+int(s.N)-1)
	}
	var b MatchBuilder
	for t, err := range m.Terms() {
		if err != nil {
			return nil, err
		}
		b.SetMasked(t.Field, t.Value, t.Mask)
	}
	mask := Ones(int(s.N)).Shl(int(s.Ofs))
	b.forget(s.Field, mask)
	b.SetMasked(s.Field, v.Shl(int(s.Ofs)), mask)
	return b.append(nil, false)
}
