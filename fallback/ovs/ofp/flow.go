package ofp

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// Flow is a flow as the switch has it. Slices share memory with the message.
type Flow struct {
	Table       uint8
	Priority    uint16
	Cookie      uint64
	IdleTimeout uint16 // seconds; 0 is none
	HardTimeout uint16
	Importance  uint16
	Flags       FlowFlags
	Match       Match
	// Instructions are all there are; Actions are those of the apply-actions
	// instruction among them, nil when there is none.
	Instructions Instructions
	Actions      Actions
	Stats        Stats
}

// Stats are the statistics of a flow. A counter that the switch does not keep is
// all ones.
type Stats struct {
	DurationSec  uint32
	DurationNsec uint32
	IdleSec      uint32 // since the last packet
	Packets      uint64
	Bytes        uint64
}

// Plain tells whether the flow does nothing but execute Actions: it has no other
// instruction.
func (f *Flow) Plain() bool {
	n := 0
	if len(f.Actions) > 0 {
		n = 8 + len(f.Actions)
	}
	return len(f.Instructions) == n
}

// Flows yields the flows of the body of a flow stats reply. It reuses one Flow
// for all: copy what must live longer. After an error it stops.
func Flows(body []byte) iter.Seq2[*Flow, error] {
	return func(yield func(*Flow, error) bool) {
		var f Flow
		for len(body) > 0 {
			n, err := f.decode(body)
			if err != nil {
				yield(nil, fmt.Errorf("ofp: flow stats: %w", err))
				return
			}
			if !yield(&f, nil) {
				return
			}
			body = body[n:]
		}
	}
}

const flowDescLen = 24

// decode reads the flow at the start of b and returns its length.
func (f *Flow) decode(b []byte) (int, error) {
	if len(b) < flowDescLen {
		return 0, fmt.Errorf("entry cut off after %d bytes", len(b))
	}
	be := binary.BigEndian
	n := int(be.Uint16(b))
	if n < flowDescLen || n > len(b) {
		return 0, fmt.Errorf("entry says its length is %d; there are %d bytes", n, len(b))
	}
	*f = Flow{Table: b[4], Priority: be.Uint16(b[6:]), IdleTimeout: be.Uint16(b[8:]), HardTimeout: be.Uint16(b[10:]),
		Flags: FlowFlags(be.Uint16(b[12:])), Importance: be.Uint16(b[14:]), Cookie: be.Uint64(b[16:])}
	m, rest, err := pullMatch(b[flowDescLen:n:n])
	if err != nil {
		return 0, err
	}
	f.Match = m
	if rest, err = f.Stats.pull(rest); err != nil {
		return 0, err
	}
	return n, f.setInstructions(rest)
}

// setInstructions takes over encoded instructions.
func (f *Flow) setInstructions(b []byte) error {
	f.Instructions = Instructions(b)
	for i, err := range f.Instructions.all() {
		if err != nil {
			return err
		}
		if i.typ == instApply && len(i.body) > 4 {
			f.Actions = Actions(i.body[4:])
		}
	}
	return nil
}

// The OXS statistics (OpenFlow 1.5, 7.2.4), class OFPXSC_OPENFLOW_BASIC.
const (
	oxsDuration = 0x80020000 | 0<<9 | 8
	oxsIdle     = 0x80020000 | 1<<9 | 8
	oxsPackets  = 0x80020000 | 4<<9 | 8
	oxsBytes    = 0x80020000 | 5<<9 | 8
)

// pull reads an ofp_stats with its padding and returns what is behind it.
// Statistics that are not known are skipped.
func (s *Stats) pull(b []byte) ([]byte, error) {
	*s = Stats{^uint32(0), ^uint32(0), ^uint32(0), ^uint64(0), ^uint64(0)}
	be := binary.BigEndian
	if len(b) < 4 {
		return nil, fmt.Errorf("statistics cut off after %d bytes", len(b))
	}
	n := int(be.Uint16(b[2:]))
	padded := (n + 7) &^ 7
	if n < 4 || padded > len(b) {
		return nil, fmt.Errorf("statistics say their length is %d; there are %d bytes", n, len(b))
	}
	for o := b[4:n]; len(o) > 0; {
		if len(o) < 4 || len(o) < 4+int(o[3]) {
			return nil, fmt.Errorf("OXS entry cut off after %d bytes", len(o))
		}
		v := o[4 : 4+int(o[3])]
		switch be.Uint32(o) {
		case oxsDuration:
			s.DurationSec, s.DurationNsec = be.Uint32(v), be.Uint32(v[4:])
		case oxsIdle:
			s.IdleSec = be.Uint32(v)
		case oxsPackets:
			s.Packets = be.Uint64(v)
		case oxsBytes:
			s.Bytes = be.Uint64(v)
		}
		o = o[4+len(v):]
	}
	return b[padded:], nil
}

// Instructions is an encoded list of OpenFlow instructions.
type Instructions []byte

type instruction struct {
	typ  uint16
	body []byte // behind the type and the length
}

func (l Instructions) all() iter.Seq2[instruction, error] {
	return func(yield func(instruction, error) bool) {
		for b := []byte(l); len(b) > 0; {
			if len(b) < 8 {
				yield(instruction{}, fmt.Errorf("instruction cut off after %d bytes", len(b)))
				return
			}
			n := int(binary.BigEndian.Uint16(b[2:]))
			if n < 8 || n > len(b) {
				yield(instruction{}, fmt.Errorf("instruction says its length is %d; there are %d bytes", n, len(b)))
				return
			}
			if !yield(instruction{binary.BigEndian.Uint16(b), b[4:n:n]}, nil) {
				return
			}
			b = b[n:]
		}
	}
}

// FlowRemoved says that a flow with FlowSendFlowRem is gone.
type FlowRemoved struct {
	Reason      FlowRemovedReason
	Table       uint8
	Priority    uint16
	IdleTimeout uint16
	HardTimeout uint16
	Cookie      uint64
	Match       Match
	Stats       Stats
}

// FlowRemovedReason is why a flow went (OFPRR_*).
type FlowRemovedReason uint8

// The reasons.
const (
	RemovedIdle FlowRemovedReason = iota
	RemovedHard
	RemovedDelete
	RemovedGroup
	RemovedMeter
	RemovedEviction
)

func decodeFlowRemoved(b []byte) (*FlowRemoved, error) {
	r := reader{b: b, what: "flow removed"}
	m := &FlowRemoved{Table: r.u8(), Reason: FlowRemovedReason(r.u8()), Priority: r.u16(),
		IdleTimeout: r.u16(), HardTimeout: r.u16(), Cookie: r.u64()}
	if r.err == nil {
		m.Match, r.b, r.err = pullMatch(r.b)
	}
	if r.err == nil {
		_, r.err = m.Stats.pull(r.b)
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return m, nil
}
