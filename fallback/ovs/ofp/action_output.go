package ofp

// Output sends the packet out of a port. Output{Port: PortController} sends up
// to MaxLen bytes to the controller; MaxLen means nothing for other ports.
type Output struct {
	Port   Port
	MaxLen uint16
}

// Append implements Action.
func (a Output) Append(e *Encoder) {
	s := e.begin(atOutput)
	e.u32(uint32(a.Port))
	e.u16(a.MaxLen)
	e.end(s)
}

// OutputReg sends the packet out of the port whose number is in Src.
type OutputReg struct {
	Src    Sub
	MaxLen uint16 // as in Output, when the port is PortController
}

// Append implements Action.
func (a OutputReg) Append(e *Encoder) {
	e.sub("output", a.Src, false)
	if id, _ := a.Src.Field.info().preferNXM(); id.class == classExp || a.Src.Field.info().nxmName == "" {
		s := e.beginNX(nxOutputReg2)
		e.u16(ofsNBits(a.Src))
		e.u16(a.MaxLen)
		e.nxmHeader(a.Src.Field)
		e.padTo(s, 24)
		e.end(s)
		return
	}
	s := e.beginNX(nxOutputReg)
	e.u16(ofsNBits(a.Src))
	e.nxmHeader32("output", a.Src.Field)
	e.u16(a.MaxLen)
	e.padTo(s, 24)
	e.end(s)
}

// Group sends the packet through a group.
type Group struct{ ID uint32 }

// Append implements Action.
func (a Group) Append(e *Encoder) { e.arg32(atGroup, a.ID) }

// SetQueue sets the egress queue; PopQueue restores the one before.
type (
	SetQueue struct{ ID uint32 }
	PopQueue struct{}
)

// Append implements Action.
func (a SetQueue) Append(e *Encoder) { e.arg32(atSetQueue, a.ID) }

// Append implements Action.
func (PopQueue) Append(e *Encoder) { e.end(e.beginNX(nxPopQueue)) }

// Meter polices the packet by a meter.
type Meter struct{ ID uint32 }

// Append implements Action.
func (a Meter) Append(e *Encoder) { e.arg32(atMeter, a.ID) }

// arg32 appends a standard action with one 32-bit argument.
func (e *Encoder) arg32(typ uint16, arg uint32) {
	s := e.begin(typ)
	e.u32(arg)
	e.end(s)
}

func (r *actionReader) output() Action { return Output{Port(r.u32()), r.u16()} }

func (r *actionReader) outputReg(sub uint16) Action {
	on := r.u16()
	if sub == nxOutputReg {
		s := r.packed(r.header(), on)
		return OutputReg{s, r.u16()}
	}
	n := r.u16()
	return OutputReg{r.packed(r.header(), on), n}
}

// AppendText implements Action.
func (a Output) AppendText(b []byte) []byte {
	if a.Port < PortMax {
		b = append(b, "output:"...)
	}
	b = append(b, a.Port.String()...)
	if a.Port == PortController {
		b = appendUint(append(b, ':'), uint64(a.MaxLen))
	}
	return b
}

// AppendText implements Action.
func (a OutputReg) AppendText(b []byte) []byte { return a.Src.AppendText(append(b, "output:"...)) }

// AppendText implements Action.
func (a Group) AppendText(b []byte) []byte { return appendUint(append(b, "group:"...), uint64(a.ID)) }

// AppendText implements Action.
func (a SetQueue) AppendText(b []byte) []byte {
	return appendUint(append(b, "set_queue:"...), uint64(a.ID))
}

// AppendText implements Action.
func (PopQueue) AppendText(b []byte) []byte { return append(b, "pop_queue"...) }

// AppendText implements Action.
func (a Meter) AppendText(b []byte) []byte { return appendUint(append(b, "meter:"...), uint64(a.ID)) }
