package ofp

// Resubmit searches another table and executes what it finds, then goes on.
type Resubmit struct {
	Table uint8 // 255: the table that the flow is in
	Port  Port  // in_port during the search; 0 and PortIn keep it as it is
	CT    bool  // search with the original tuple of the connection, once
}

// Append implements Action.
func (a Resubmit) Append(e *Encoder) {
	sub := uint16(nxResubmitTable)
	if a.CT {
		sub = nxResubmitTableCT
	}
	p := a.Port
	if p == 0 {
		p = PortIn
	}
	s := e.beginNX(sub)
	e.port16("resubmit", p)
	e.u8(a.Table)
	e.end(s)
}

// Conjunction makes the flow a member of clause Clause (from 0) of N clauses of
// the conjunctive match ID (ovs-fields(7), conj_id).
type Conjunction struct {
	ID     uint32
	Clause uint8
	N      uint8
}

// Append implements Action.
func (a Conjunction) Append(e *Encoder) {
	if a.N < 2 || a.N > 64 || a.Clause >= a.N {
		e.fail("conjunction: clause %d of %d: there must be 2 to 64 clauses", int(a.Clause)+1, a.N)
	}
	s := e.beginNX(nxConjunction)
	e.u8(a.Clause)
	e.u8(a.N)
	e.u32(a.ID)
	e.end(s)
}

// Clone executes actions on a copy of the packet. To encode them in place use
// Open instead of Append.
type Clone struct{ Actions Actions }

// Append implements Action.
func (a Clone) Append(e *Encoder) {
	m := a.Open(e)
	e.Raw(a.Actions)
	e.Close(m)
}

// Open starts a clone whose actions are those appended to e before Close;
// a.Actions is ignored.
func (Clone) Open(e *Encoder) Mark {
	s := e.beginNX(nxClone)
	e.padTo(s, 16)
	return Mark(s)
}

// Exit ends the processing of the packet.
type Exit struct{}

// Append implements Action.
func (Exit) Append(e *Encoder) { e.end(e.beginNX(nxExit)) }

// Note does nothing; it carries data that a reader of the flow table sees.
type Note struct{ Data []byte }

// Append implements Action.
func (a Note) Append(e *Encoder) {
	s := e.beginNX(nxNote)
	e.Bytes(a.Data)
	e.padTo(s, 16)
	e.end(s)
}

// Sample sends a sample of packets to an IPFIX collector set.
type Sample struct {
	Probability  uint16 // of 65535; not 0
	CollectorSet uint32
	ObsDomain    uint32
	ObsPoint     uint32
	Port         Port            // sampling port; 0 for none
	Direction    SampleDirection // with Port
}

// SampleDirection says on which side of the sampling port the packet is.
type SampleDirection uint8

// The directions.
const (
	SampleDefault SampleDirection = iota
	SampleIngress
	SampleEgress
)

// Append implements Action.
func (a Sample) Append(e *Encoder) {
	if a.Probability == 0 {
		e.fail("sample: the probability is 0")
	}
	sub := uint16(nxSample)
	switch {
	case a.Direction != SampleDefault:
		sub = nxSample3
	case a.Port != 0:
		sub = nxSample2
	}
	s := e.beginNX(sub)
	e.u16(a.Probability)
	e.u32(a.CollectorSet)
	e.u32(a.ObsDomain)
	e.u32(a.ObsPoint)
	if sub != nxSample {
		p := a.Port
		if p == 0 {
			p = PortAny
		}
		e.port16("sample", p)
		e.u8(uint8(a.Direction))
		e.padTo(s, 32)
	}
	e.end(s)
}

func (r *actionReader) resubmit(sub uint16) Action {
	a := Resubmit{Port: PortFrom16(r.u16()), Table: r.u8(), CT: sub == nxResubmitTableCT}
	if a.Port == PortIn {
		a.Port = 0
	}
	return a
}

func (r *actionReader) sample(sub uint16) Action {
	a := Sample{Probability: r.u16(), CollectorSet: r.u32(), ObsDomain: r.u32(), ObsPoint: r.u32()}
	if sub == nxSample {
		return a
	}
	a.Port = PortFrom16(r.u16())
	if a.Port == PortAny {
		a.Port = 0
	}
	if sub == nxSample3 {
		a.Direction = SampleDirection(r.u8())
		if a.Direction > SampleEgress {
			r.fail("sample: there is no direction %d", a.Direction)
		}
	}
	return a
}

// AppendText implements Action.
func (a Resubmit) AppendText(b []byte) []byte {
	in := a.Port == 0 || a.Port == PortIn
	if !in && a.Table == 0xff {
		return append(append(b, "resubmit:"...), a.Port.String()...)
	}
	b = append(b, "resubmit("...)
	if !in {
		b = append(b, a.Port.String()...)
	}
	b = append(b, ',')
	if a.Table != 0xff {
		b = appendUint(b, uint64(a.Table))
	}
	if a.CT {
		b = append(b, ",ct"...)
	}
	return append(b, ')')
}

// AppendText implements Action.
func (a Conjunction) AppendText(b []byte) []byte {
	b = appendUint(append(b, "conjunction("...), uint64(a.ID))
	b = appendUint(append(b, ','), uint64(a.Clause)+1)
	return append(appendUint(append(b, '/'), uint64(a.N)), ')')
}

// AppendText implements Action.
func (a Clone) AppendText(b []byte) []byte {
	return append(a.Actions.nested(append(b, "clone("...)), ')')
}

// AppendText implements Action.
func (Exit) AppendText(b []byte) []byte { return append(b, "exit"...) }

// AppendText implements Action. The bytes include the padding that the
// encoded action has.
func (a Note) AppendText(b []byte) []byte { return appendDotted(append(b, "note:"...), a.Data) }

// AppendText implements Action.
func (a Sample) AppendText(b []byte) []byte {
	b = appendUint(append(b, "sample(probability="...), uint64(a.Probability))
	b = appendUint(append(b, ",collector_set_id="...), uint64(a.CollectorSet))
	b = appendUint(append(b, ",obs_domain_id="...), uint64(a.ObsDomain))
	b = appendUint(append(b, ",obs_point_id="...), uint64(a.ObsPoint))
	if a.Port != 0 {
		b = append(append(b, ",sampling_port="...), a.Port.String()...)
	}
	b = append(b, [...]string{"", ",ingress", ",egress"}[a.Direction%3]...)
	return append(b, ')')
}
