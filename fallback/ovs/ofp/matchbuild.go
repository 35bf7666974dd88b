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
	if mask.IsZero() && !f.isTunMetadata() {
		return
	}
	switch i := f & fieldIndex; {
	case f == FieldNone || i >= numFields:
		m.fail("there is no such field")
	case i >= reg0 && i <= reg15:
		n := int(i - reg0)
		sh := 32 * (1 - n&1)
		m.add(XReg0+Field(n/2), value.Shl(sh), mask.Shl(sh))
	case i >= XXReg0 && i <= XXReg3:
		x := XReg0 + 2*(i-XXReg0)
		m.SetMasked(x, V(value.Hi), V(mask.Hi))
		m.SetMasked(x+1, V(value.Lo), V(mask.Lo))
	case f == VLANTCI:
		m.SetMasked(VLANVID, V(value.Lo&0x1fff), V(mask.Lo&0x1fff))
		m.SetMasked(VLANPCP, V(value.Lo>>13), V(mask.Lo>>13))
	case f == IPTOS:
		if mask.Lo&3 != 0 {
			m.fail("nw_tos: the low two bits are nw_ecn")
			return
		}
		m.SetMasked(IPDSCP, value.Shr(2), mask.Shr(2))
	case f == InPortNXM:
		m.add(InPort, V(uint64(PortFrom16(uint16(value.Lo)))), InPort.full())
	default:
		m.add(f, value, mask)
	}
}

// add merges one test of a field that is not a view into the sorted terms.
func (m *MatchBuilder) add(f Field, value, mask Value) {
	i := len(m.terms)
	for i > 0 && m.terms[i-1].Field&fieldIndex > f&fieldIndex {
		i--
	}
	if i > 0 && m.terms[i-1].Field&fieldIndex == f&fieldIndex {
		t := &m.terms[i-1]
		if t.Field != f {
			m.fail(f.String() + ": tested with two different lengths")
			return
		}
		if !t.Value.Xor(value).And(t.Mask).And(mask).IsZero() {
			m.fail(f.String() + ": two tests contradict each other")
			return
		}
		t.Value, t.Mask = t.Value.Or(value), t.Mask.Or(mask)
		return
	}
	m.terms = append(m.terms, Term{})
	copy(m.terms[i+1:], m.terms[i:])
	m.terms[i] = Term{f, value, mask}
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
func (m *MatchBuilder) Append(b []byte) (Match, error) {
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
		if info.pre != preNone && !c.holds(info.pre) {
			return nil, fmt.Errorf("ofp: match: %s needs a match on %s", t.Field, info.pre)
		}
		masked := !t.Exact()
		if masked && !info.maskable {
			return nil, fmt.Errorf("ofp: match: %s cannot be matched with a mask (0x%x)", t.Field, t.Mask.Lo)
		}
		b = appendOXM(b, t.Field, t.Value, t.Mask, masked)
	}
	return b, nil
}
