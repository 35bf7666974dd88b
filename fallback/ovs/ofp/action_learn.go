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
