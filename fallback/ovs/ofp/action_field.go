package ofp

import "fmt"

// SetField writes bits of a field: those of Mask.
type SetField struct {
	Field Field
	Value Value
	Mask  Value
}

// Set writes the whole of f.
func Set(f Field, v Value) SetField { return SetField{f, v, f.full()} }

// Load writes v to the bits s of a field.
func Load(s Sub, v Value) SetField {
	m := Ones(int(s.N)).Shl(int(s.Ofs))
	if s.whole() {
		m = s.Field.full()
	}
	return SetField{s.Field, v.Shl(int(s.Ofs)).And(m), m}
}

// Append implements Action.
func (a SetField) Append(e *Encoder) {
	full := a.Field.full()
	switch {
	case a.Field.Width() == 0:
		e.fail("set_field: there is no such field")
	case a.Field.info().readOnly:
		e.fail("set_field: %s cannot be written", a.Field)
	case !a.Mask.AndNot(full).IsZero() || !a.Value.AndNot(a.Mask).IsZero():
		e.fail("set_field: %s: value 0x%x has bits outside of its mask or of the field", a.Field, a.Value.Lo)
	case a.Mask.IsZero():
		e.fail("set_field: %s: the mask is zero", a.Field)
	}
	s := e.begin(atSetField)
	masked := a.Mask != full
	size := a.Field.Bytes()
	if a.Field.isTunMetadata() {
		// Open vSwitch leaves out the zeros at the front.
		bits := a.Value.Len()
		if masked {
			bits = a.Mask.Len()
		}
		size = (bits + 7) / 8
	}
	e.b = appendOXMSized(e.b, a.Field, size, a.Value, a.Mask, masked)
	e.end(s)
}

// Move copies bits of a field to another, or to the same (copy_field).
type Move struct{ Src, Dst Sub }

// Append implements Action.
func (a Move) Append(e *Encoder) {
	e.sub("move", a.Src, false)
	e.sub("move", a.Dst, true)
	if a.Src.N != a.Dst.N {
		e.fail("move: %d bits of %s to %d bits of %s", a.Src.N, a.Src.Field, a.Dst.N, a.Dst.Field)
	}
	s := e.begin(atCopyField)
	e.u16(a.Src.N)
	e.u16(a.Src.Ofs)
	e.u16(a.Dst.Ofs)
	e.u16(0)
	for _, f := range [...]Field{a.Src.Field, a.Dst.Field} {
		id, _ := f.info().preferOXM()
		e.b = appendOXMHeader(e.b, id, f.Bytes(), false)
	}
	e.end(s)
}

// Push saves bits of a field on the packet's stack; Pop restores them.
type (
	Push struct{ Src Sub }
	Pop  struct{ Dst Sub }
)

// Append implements Action.
func (a Push) Append(e *Encoder) { e.stack("push", nxStackPush, a.Src, false) }

// Append implements Action.
func (a Pop) Append(e *Encoder) { e.stack("pop", nxStackPop, a.Dst, true) }

func (e *Encoder) stack(name string, subtype uint16, sub Sub, write bool) {
	e.sub(name, sub, write)
	s := e.beginNX(subtype)
	e.u16(sub.Ofs)
	e.nxmHeader(sub.Field)
	e.u16(sub.N)
	e.padTo(s, 24)
	e.end(s)
}

// DeleteField removes a tunnel metadata field from the packet.
type DeleteField struct{ Field Field }

// Append implements Action.
func (a DeleteField) Append(e *Encoder) {
	if !a.Field.isTunMetadata() {
		e.fail("delete_field: only tunnel metadata can be deleted, not %s", a.Field)
	}
	s := e.beginNX(nxDeleteField)
	e.nxmHeader(a.Field)
	e.padTo(s, 24)
	e.end(s)
}

// CheckPktLarger sets the one bit Dst to whether the packet is longer than Len bytes.
type CheckPktLarger struct {
	Len uint16
	Dst Sub
}

// Append implements Action.
func (a CheckPktLarger) Append(e *Encoder) {
	e.sub("check_pkt_larger", a.Dst, true)
	if a.Dst.N != 1 {
		e.fail("check_pkt_larger: the result is 1 bit, not %d", a.Dst.N)
	}
	s := e.beginNX(nxCheckPktLarger)
	e.u16(a.Len)
	e.u16(a.Dst.Ofs)
	e.nxmHeader(a.Dst.Field)
	e.padTo(s, 24)
	e.end(s)
}

func (r *actionReader) setField() Action {
	if r.err != nil {
		return nil
	}
	e, v, k, rest, err := decodeOXM(r.b)
	if err != nil {
		r.err = fmt.Errorf("set_field: %w", err)
		return nil
	}
	r.b = rest
	if !v.AndNot(k).IsZero() || !k.AndNot(e.field.full()).IsZero() {
		r.fail("set_field: %s: value 0x%x has bits outside of its mask or of the field", e.field, v.Lo)
	}
	f := e.field
	if e.masked && f.isTunMetadata() {
		f &= fieldIndex // the length is that of the mask, not of the option
	}
	return SetField{f, v, k}
}

func (r *actionReader) move() Action {
	n, src, dst := r.u16(), r.u16(), r.u16()
	r.skip(2)
	return Move{Src: r.sub(r.header(), src, n), Dst: r.sub(r.header(), dst, n)}
}

func (r *actionReader) stack() Sub {
	ofs := r.u16()
	f := r.header()
	return r.sub(f, ofs, r.u16())
}

func (r *actionReader) checkPktLarger() Action {
	n, ofs := r.u16(), r.u16()
	return CheckPktLarger{n, r.sub(r.header(), ofs, 1)}
}

// AppendText implements Action.
func (a SetField) AppendText(b []byte) []byte {
	b = appendFieldValue(append(b, "set_field:"...), a.Field, a.Value, a.Mask)
	return append(append(b, "->"...), a.Field.String()...)
}

// AppendText implements Action.
func (a Move) AppendText(b []byte) []byte {
	b = a.Src.AppendText(append(b, "move:"...))
	return a.Dst.AppendText(append(b, "->"...))
}

// AppendText implements Action.
func (a Push) AppendText(b []byte) []byte { return a.Src.AppendText(append(b, "push:"...)) }

// AppendText implements Action.
func (a Pop) AppendText(b []byte) []byte { return a.Dst.AppendText(append(b, "pop:"...)) }

// AppendText implements Action.
func (a DeleteField) AppendText(b []byte) []byte {
	return append(append(b, "delete_field:"...), a.Field.String()...)
}

// AppendText implements Action.
func (a CheckPktLarger) AppendText(b []byte) []byte {
	b = appendUint(append(b, "check_pkt_larger("...), uint64(a.Len))
	return a.Dst.AppendText(append(b, ")->"...))
}
