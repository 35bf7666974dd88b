package ofp

import "fmt"

// MatchBuilder collects the terms of a match and writes them in canonical form:
// in Open vSwitch's order, registers in pairs as OXM_OF_PKT_REGn, a mask only
// where it does not cover the field. The zero value is an empty match, ready for
// use. It may be reused after Reset and keeps its memory.
type MatchBuilder struct {
	terms []Term // sorted by field, at most one per field, views resolved
	err   error  // the first thing that went wrong
}

// Reset forgets all terms and errors.
func (m *MatchBuilder) Reset() { m.terms, m.err = m.terms[:0], nil }

// Set adds a test of the whole field.
func (m *MatchBuilder) Set(f Field, v uint64) { m.SetMasked(f, V(v), f.full()) }

// SetValue adds a test of the whole field, for fields wider than 64 bits.
func (m *MatchBuilder) SetValue(f Field, v Value) { m.SetMasked(f, v, f.full()) }

// SetMasked adds the test field & mask == value & mask. A test of a field that
// is tested already adds to it; tests that contradict each other are an error,
// which Append returns. A zero mask adds nothing, except for tunnel metadata,
// where it tests that the option is there.
func (m *MatchBuilder) SetMasked(f Field, value, mask Value) {
	mask = mask.And(f.full())
	value = value.And(mask)
	if f&fieldIndex == FieldNone || f&fieldIndex >= numFields {
		m.fail("there is no such field")
		return
	}
	if f == IPTOS && value.Lo&3 != 0 {
		m.fail("nw_tos: the low two bits are nw_ecn")
		return
	}
	terms, n := resolve(Term{f, value, mask})
	for _, t := range terms[:n] {
		m.add(t)
	}
}

// resolve returns the n tests of the fields that t.Field is a view of, or t itself.
func resolve(t Term) (terms [2]Term, n int) {
	v, k := t.Value, t.Mask
	switch i := t.Field & fieldIndex; {
	case i >= reg0 && i <= reg15:
		r := int(i - reg0)
		sh := 32 * (1 - r&1)
		return [2]Term{{XReg0 + Field(r/2), v.Shl(sh), k.Shl(sh)}}, 1
	case i >= XXReg0 && i <= XXReg3:
		x := XReg0 + 2*(i-XXReg0)
		return [2]Term{{x, V(v.Hi), V(k.Hi)}, {x + 1, V(v.Lo), V(k.Lo)}}, 2
	case t.Field == VLANTCI:
		return [2]Term{{VLANVID, V(v.Lo & 0x1fff), V(k.Lo & 0x1fff)}, {VLANPCP, V(v.Lo >> 13), V(k.Lo >> 13)}}, 2
	case t.Field == IPTOS:
		return [2]Term{{IPDSCP, v.Shr(2), k.Shr(2)}}, 1
	case t.Field == InPortNXM:
		return [2]Term{{InPort, V(uint64(PortFrom16(uint16(v.Lo)))), InPort.full()}}, 1
	}
	return [2]Term{t}, 1
}

// forget removes the bits mask of f from the tests.
func (m *MatchBuilder) forget(f Field, mask Value) {
	parts, n := resolve(Term{Field: f, Mask: mask})
	for _, p := range parts[:n] {
		for i := range m.terms {
			if t := &m.terms[i]; t.Field == p.Field {
				t.Mask = t.Mask.AndNot(p.Mask)
				t.Value = t.Value.And(t.Mask)
			}
		}
	}
}

// add merges one test of a field that is not a view into the sorted terms.
func (m *MatchBuilder) add(n Term) {
	if n.Mask.IsZero() && !n.Field.isTunMetadata() {
		return
	}
	i := len(m.terms)
	for i > 0 && m.terms[i-1].Field&fieldIndex > n.Field&fieldIndex {
		i--
	}
	if i > 0 && m.terms[i-1].Field&fieldIndex == n.Field&fieldIndex {
		t := &m.terms[i-1]
		if t.Field != n.Field {
			m.fail(n.Field.String() + ": tested with two different lengths")
			return
		}
		if !t.Value.Xor(n.Value).And(t.Mask).And(n.Mask).IsZero() {
			m.fail(n.Field.String() + ": two tests contradict each other")
			return
		}
		t.Value, t.Mask = t.Value.Or(n.Value), t.Mask.Or(n.Mask)
		return
	}
	m.terms = append(m.terms, Term{})
	copy(m.terms[i+1:], m.terms[i:])
	m.terms[i] = n
}

func (m *MatchBuilder) fail(detail string) {
	if m.err == nil {
		m.err = fmt.Errorf("ofp: match: %s", detail)
	}
}

// get is the test of f, which must not be a view; the zero Term when there is none.
func (m *MatchBuilder) get(f Field) Term {
	for _, t := range m.terms {
		if t.Field == f {
			return t
		}
	}
	return Term{}
}

// Append appends the match in canonical form to b. It fails when a term was
// refused by Set, when a mask is given for a field that has none, and when a
// term lacks its prerequisite (ovs-fields(7)): the switch would answer
// OFPBMC_BAD_PREREQ.
func (m *MatchBuilder) Append(b []byte) (Match, error) { return m.append(b, true) }

func (m *MatchBuilder) append(b []byte, prereqs bool) (Match, error) {
	if m.err != nil {
		return nil, m.err
	}
	var c prereqContext
	c.read(m)
	for _, t := range m.terms {
		if t.Field == PacketType {
			if t.Value.IsZero() {
				continue // Ethernet: what every match has anyway
			}
			return nil, fmt.Errorf("ofp: match: packet_type 0x%x: only Ethernet packets are supported", t.Value.Lo)
		}
		info := t.Field.info()
		if prereqs && info.pre != preNone && !c.holds(info.pre) {
			return nil, fmt.Errorf("ofp: match: %s needs a match on %s", t.Field, info.pre)
		}
		// Open vSwitch knows 4 bits of tun_flags and lets 1 be matched, so it
		// always gives the field back with a mask.
		masked := !t.Exact() || t.Field == TunFlags
		if masked && !info.maskable {
			return nil, fmt.Errorf("ofp: match: %s cannot be matched with a mask (0x%x)", t.Field, t.Mask.Lo)
		}
		b = appendOXM(b, t.Field, t.Value, t.Mask, masked)
	}
	return b, nil
}
