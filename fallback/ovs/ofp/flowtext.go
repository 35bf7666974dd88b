package ofp

import (
	"fmt"
	"math"
	"strconv"
)

// DefaultPriority is the priority that ovs-ofctl neither prints nor needs.
const DefaultPriority = 0x8000

// AppendText appends the flow as "ovs-ofctl -O OpenFlow15 --no-stats dump-flows"
// prints it, without the space at the start of the line.
func (f *Flow) AppendText(b []byte) ([]byte, error) { return f.appendText(b, false) }

func (f *Flow) appendText(b []byte, stats bool) ([]byte, error) {
	if stats || f.Cookie != 0 {
		b = append(append(b, "cookie=0x"...), strconv.FormatUint(f.Cookie, 16)...)
		b = append(b, ", "...)
	}
	if stats {
		b = appendDuration(append(b, "duration="...), f.Stats.DurationSec, f.Stats.DurationNsec)
		b = append(b, ", "...)
	}
	if stats || f.Table != 0 {
		b = appendUint(append(b, "table="...), uint64(f.Table))
		b = append(b, ", "...)
	}
	if stats {
		b = appendCounter(b, "n_packets", f.Stats.Packets)
		b = appendCounter(b, "n_bytes", f.Stats.Bytes)
	}
	if f.IdleTimeout != 0 {
		b = appendUint(append(b, "idle_timeout="...), uint64(f.IdleTimeout))
		b = append(b, ", "...)
	}
	if f.HardTimeout != 0 {
		b = appendUint(append(b, "hard_timeout="...), uint64(f.HardTimeout))
		b = append(b, ", "...)
	}
	if f.Flags != 0 {
		b = append(flowFlagNames.appendSet(b, uint64(f.Flags), ' '), ' ')
	}
	if f.Importance != 0 {
		b = appendUint(append(b, "importance="...), uint64(f.Importance))
		b = append(b, ", "...)
	}
	if stats && f.Stats.IdleSec <= math.MaxInt32 {
		b = appendUint(append(b, "idle_age="...), uint64(f.Stats.IdleSec))
		b = append(b, ", "...)
	}
	start := len(b)
	b, err := appendPriorityMatch(b, f.Priority, f.Match)
	if err != nil {
		return b, err
	}
	if len(b) > start {
		b = append(b, ' ')
	}
	return f.Instructions.AppendText(append(b, "actions="...))
}

// appendPriorityMatch appends the priority, unless it is the default, and the match.
func appendPriorityMatch(b []byte, priority uint16, m Match) ([]byte, error) {
	if priority != DefaultPriority {
		b = appendUint(append(b, "priority="...), uint64(priority))
		if len(m) > 0 {
			b = append(b, ',')
		}
	}
	return m.AppendText(b)
}

// String is the text of AppendText, or the error.
func (f *Flow) String() string {
	b, err := f.AppendText(nil)
	if err != nil {
		return "<" + err.Error() + ">"
	}
	return string(b)
}

// Flow is what the switch would have after the FlowMod, as far as the message says.
func (m *FlowMod) Flow() *Flow {
	return &Flow{Table: m.Table, Priority: m.Priority, Cookie: m.Cookie, IdleTimeout: m.IdleTimeout, HardTimeout: m.HardTimeout,
		Importance: m.Importance, Flags: m.Flags &^ FlowResetCounts, Match: m.Match,
		Instructions: appendApply(nil, m.Actions), Actions: m.Actions}
}

// AppendText appends the instructions as ovs-ofctl prints them: those that are
// not actions look like actions. "drop" stands for none.
func (l Instructions) AppendText(b []byte) ([]byte, error) {
	if len(l) == 0 {
		return append(b, "drop"...), nil
	}
	first := true
	for i, err := range l.all() {
		if err != nil {
			return b, fmt.Errorf("ofp: instructions: %w", err)
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if b, err = i.appendText(b); err != nil {
			return b, err
		}
	}
	return b, nil
}

// Types of instructions (OFPIT_*) besides apply-actions.
const (
	instGoto          = 1
	instWriteMetadata = 2
	instWriteActions  = 3
	instClearActions  = 5
)

func (i instruction) appendText(b []byte) ([]byte, error) {
	r := reader{b: i.body, what: "instruction"}
	switch i.typ {
	case instApply:
		return Actions(i.body[4:]).AppendText(b)
	case instGoto:
		b = appendUint(append(b, "goto_table:"...), uint64(r.u8()))
	case instWriteMetadata:
		r.skip(4)
		v, mask := r.u64(), r.u64()
		b = appendHex(append(b, "write_metadata:"...), V(v))
		if mask != ^uint64(0) {
			b = appendHex(append(b, '/'), V(mask))
		}
	case instWriteActions:
		b, err := Actions(i.body[4:]).AppendText(append(b, "write_actions("...))
		return append(b, ')'), err
	case instClearActions:
		b = append(b, "clear_actions"...)
	default:
		return b, fmt.Errorf("ofp: instruction %d is not supported", i.typ)
	}
	if r.err != nil {
		return b, fmt.Errorf("ofp: %w", r.err)
	}
	return b, nil
}
