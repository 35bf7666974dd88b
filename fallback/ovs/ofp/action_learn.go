package ofp

// Learn adds or modifies a flow that is made from the packet.
type Learn struct {
	Table          uint8
	Priority       uint16
	IdleTimeout    uint16 // seconds; 0 is none, as for the next three
	HardTimeout    uint16
	FinIdleTimeout uint16
	FinHardTimeout uint16
	Cookie         uint64
	SendFlowRem    bool
	DeleteLearned  bool   // the learned flows go when this flow goes
	Limit          uint32 // number of flows learned; 0 is no limit
	ResultDst      Sub    // bit that tells whether the limit was kept to; zero Sub for none
	Specs          []LearnSpec
}

// LearnSpec is one term or action of a learned flow.
type LearnSpec struct {
	Kind  LearnKind
	Src   Sub   // from the packet; with the zero Sub
	Value Value // this constant
	Dst   Sub   // not for LearnOutput
}

// LearnKind is what a LearnSpec adds to the flow.
type LearnKind uint8

// The kinds.
const (
	LearnMatch  LearnKind = iota // match: Dst equals the source
	LearnLoad                    // action: load the source into Dst
	LearnOutput                  // action: output to the port that Src names
)

// Bits of a flow_mod_spec header and NX_LEARN_F_* flags.
const (
	learnNBits = 0x03ff
	learnImm   = 1 << 13
	learnDst   = 11 // shift of the LearnKind

	learnSendFlowRem   = 1 << 0
	learnDeleteLearned = 1 << 1
	learnWriteResult   = 1 << 2
)

// Append implements Action.
func (a Learn) Append(e *Encoder) {
	sub := uint16(nxLearn)
	result := a.ResultDst.Field != FieldNone
	if a.Limit != 0 || result {
		sub = nxLearn2
	}
	var flags uint16
	if a.SendFlowRem {
		flags |= learnSendFlowRem
	}
	if a.DeleteLearned {
		flags |= learnDeleteLearned
	}
	if result {
		flags |= learnWriteResult
	}
	if a.Table == 0xff {
		e.fail("learn: there is no table 255")
	}
	s := e.beginNX(sub)
	e.u16(a.IdleTimeout)
	e.u16(a.HardTimeout)
	e.u16(a.Priority)
	e.u64(a.Cookie)
	e.u16(flags)
	e.u8(a.Table)
	e.u8(0)
	e.u16(a.FinIdleTimeout)
	e.u16(a.FinHardTimeout)
	if sub == nxLearn2 {
		e.u32(a.Limit)
		e.u16(a.ResultDst.Ofs)
		e.u16(0)
		if result {
			e.sub("learn result_dst", a.ResultDst, true)
			e.nxmHeader(a.ResultDst.Field)
		}
	}
	for i := range a.Specs {
		a.Specs[i].append(e)
	}
	e.end(s)
}

func (t *LearnSpec) append(e *Encoder) {
	n := t.Dst.N
	if t.Kind == LearnOutput {
		n = t.Src.N
	}
	head := n&learnNBits | uint16(t.Kind)<<learnDst
	imm := t.Src.Field == FieldNone
	if imm {
		head |= learnImm
	}
	e.u16(head)
	switch {
	case imm && t.Kind == LearnOutput:
		e.fail("learn: output needs a field")
	case imm:
		if t.Value.Len() > int(n) {
			e.fail("learn: 0x%x does not fit into %d bits of %s", t.Value.Lo, n, t.Dst.Field)
		}
		e.b = t.Value.appendBytes(e.b, 2*((int(n)+15)/16))
	default:
		e.sub("learn", t.Src, false)
		if t.Src.N != n {
			e.fail("learn: %d bits of %s to %d bits of %s", t.Src.N, t.Src.Field, n, t.Dst.Field)
		}
		e.nxmHeader32("learn", t.Src.Field)
		e.u16(t.Src.Ofs)
	}
	if t.Kind != LearnOutput {
		e.sub("learn", t.Dst, t.Kind == LearnLoad)
		e.nxmHeader32("learn", t.Dst.Field)
		e.u16(t.Dst.Ofs)
	}
}

func (r *actionReader) learn(sub uint16) Action {
	a := Learn{IdleTimeout: r.u16(), HardTimeout: r.u16(), Priority: r.u16(), Cookie: r.u64()}
	flags := r.u16()
	a.Table = r.u8()
	r.skip(1)
	a.FinIdleTimeout, a.FinHardTimeout = r.u16(), r.u16()
	a.SendFlowRem, a.DeleteLearned = flags&learnSendFlowRem != 0, flags&learnDeleteLearned != 0
	if sub == nxLearn2 {
		a.Limit = r.u32()
		ofs := r.u16()
		r.skip(2)
		if flags&learnWriteResult != 0 {
			a.ResultDst = r.sub(r.header(), ofs, 1)
		}
	}
	for len(r.b) >= 2 && r.err == nil {
		head := r.u16()
		if head == 0 {
			break // the padding
		}
		a.Specs = append(a.Specs, r.learnSpec(head))
	}
	return a
}

func (r *actionReader) learnSpec(head uint16) LearnSpec {
	n := head & learnNBits
	t := LearnSpec{Kind: LearnKind(head >> learnDst & 3)}
	imm := head&learnImm != 0
	if t.Kind > LearnOutput || t.Kind == LearnOutput && imm || n == 0 || head>>14 != 0 {
		r.fail("learn: there is no flow_mod_spec 0x%04x", head)
		return t
	}
	if imm {
		var ok bool
		if t.Value, ok = bytesValue(r.take(2 * ((int(n) + 15) / 16))); !ok {
			r.fail("learn: constants of more than 16 bytes are not supported")
		}
	} else {
		f := r.header()
		t.Src = r.sub(f, r.u16(), n)
	}
	if t.Kind != LearnOutput {
		f := r.header()
		t.Dst = r.sub(f, r.u16(), n)
	}
	return t
}

// AppendText implements Action.
func (a Learn) AppendText(b []byte) []byte {
	b = appendUint(append(b, "learn(table="...), uint64(a.Table))
	for _, f := range [...]struct {
		name string
		v    uint16
	}{{",idle_timeout=", a.IdleTimeout}, {",hard_timeout=", a.HardTimeout},
		{",fin_idle_timeout=", a.FinIdleTimeout}, {",fin_hard_timeout=", a.FinHardTimeout}} {
		if f.v != 0 {
			b = appendUint(append(b, f.name...), uint64(f.v))
		}
	}
	if a.Priority != DefaultPriority {
		b = appendUint(append(b, ",priority="...), uint64(a.Priority))
	}
	if a.SendFlowRem {
		b = append(b, ",send_flow_rem"...)
	}
	if a.DeleteLearned {
		b = append(b, ",delete_learned"...)
	}
	if a.Cookie != 0 {
		b = appendHex(append(b, ",cookie="...), V(a.Cookie))
	}
	if a.Limit != 0 {
		b = appendUint(append(b, ",limit="...), uint64(a.Limit))
	}
	if a.ResultDst.Field != FieldNone {
		b = a.ResultDst.AppendText(append(b, ",result_dst="...))
	}
	for _, t := range a.Specs {
		b = t.appendText(append(b, ','))
	}
	return append(b, ')')
}

func (t LearnSpec) appendText(b []byte) []byte {
	imm := t.Src.Field == FieldNone
	switch t.Kind {
	case LearnMatch:
		if imm && t.Dst.Ofs == 0 && int(t.Dst.N) == t.Dst.Field.Width() {
			b = append(append(b, t.Dst.Field.String()...), '=')
			return appendFieldValue(b, t.Dst.Field, t.Value, t.Dst.Field.full())
		}
		b = t.Dst.AppendText(b)
		if imm {
			return appendHex(append(b, '='), t.Value)
		}
		if t.Src.Field != t.Dst.Field || t.Src.Ofs != t.Dst.Ofs {
			b = t.Src.AppendText(append(b, '='))
		}
		return b
	case LearnLoad:
		b = append(b, "load:"...)
		if imm {
			b = appendHex(b, t.Value)
		} else {
			b = t.Src.AppendText(b)
		}
		return t.Dst.AppendText(append(b, "->"...))
	}
	return t.Src.AppendText(append(b, "output:"...))
}
