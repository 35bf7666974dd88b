package ir

import (
	"fmt"
	"strings"
)

// MinFrame is the length in bytes that NewPacket gives a packet: the shortest Ethernet frame.
const MinFrame = 60

// PrerequisiteError says that a term asks for a header that the other terms do not imply.
type PrerequisiteError struct {
	Field Field
	Needs string
}

// Error implements error.
func (e *PrerequisiteError) Error() string {
	return fmt.Sprintf("%s needs %s: add that term", e.Field, e.Needs)
}

// NewPacket makes a packet, a microflow, in which each term's field has the term's
// value, bits outside masks and fields without a term are 0. It is an error when
// terms contradict each other or one needs a header that the others do not imply.
func NewPacket(terms ...Term) (*Packet, error) {
	p := &Packet{Len: MinFrame}
	m, ok := NewMatch(terms...)
	if !ok {
		return nil, fmt.Errorf("microflow: terms contradict each other: %v", terms)
	}
	for t := range m.Terms() {
		p.vals[t.Field] = t.Value
	}
	for t := range m.Terms() {
		if !p.Has(t.Field) {
			return nil, fmt.Errorf("microflow: %w", &PrerequisiteError{t.Field, needs(t.Field)})
		}
	}
	if p.vals[VLANTCI].Lo&vlanPresent != 0 {
		p.outer = 0x8100
	}
	return p, nil
}

// Terms are exact terms for all fields that p has and that are not 0, in field
// order. NewPacket makes an equal packet of them, but for length, stack and inner
// VLAN headers.
func (p *Packet) Terms() []Term {
	var terms []Term
	for f := FieldNone + 1; f < NumFields; f++ {
		if p.Has(f) && !p.vals[f].IsZero() {
			terms = append(terms, Term{f, p.vals[f], Ones(f.Width())})
		}
	}
	return terms
}

// String is the canonical text of Terms.
func (p *Packet) String() string {
	var b strings.Builder
	for i, t := range p.Terms() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// Changed are the fields in which p differs from q, in field order.
func (p *Packet) Changed(q *Packet) []Field {
	var fs []Field
	for f := FieldNone + 1; f < NumFields; f++ {
		if !f.Info().View && (p.Has(f) != q.Has(f) || p.Get(f) != q.Get(f)) {
			fs = append(fs, f)
		}
	}
	return fs
}
