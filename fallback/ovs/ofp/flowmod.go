package ofp

import "encoding/binary"

// FlowCommand is what a FlowMod does (OFPFC_*).
type FlowCommand uint8

// The commands. Strict ones apply to the one flow with the same match and
// priority, the others to all flows that the match covers.
const (
	FlowAdd FlowCommand = iota
	FlowModify
	FlowModifyStrict
	FlowDelete
	FlowDeleteStrict
)

// FlowFlags are the OFPFF_* flags of a flow.
type FlowFlags uint16

// The flags.
const (
	FlowSendFlowRem  FlowFlags = 1 << 0
	FlowCheckOverlap FlowFlags = 1 << 1
	FlowResetCounts  FlowFlags = 1 << 2
	FlowNoPktCounts  FlowFlags = 1 << 3
	FlowNoByteCounts FlowFlags = 1 << 4
)

// AllTables as FlowMod.Table deletes from every table.
const AllTables = 0xff

// FlowMod adds, changes or removes flows.
type FlowMod struct {
	Command  FlowCommand
	Table    uint8 // AllTables: FlowDelete only
	Priority uint16
	Cookie   uint64
	// CookieMask restricts modifications and deletions to flows whose cookie
	// agrees with Cookie under it; it must be 0 for FlowAdd.
	CookieMask  uint64
	IdleTimeout uint16 // seconds; 0 is none
	HardTimeout uint16
	Importance  uint16
	Flags       FlowFlags
	OutPort     Port   // deletions: only flows that output there; 0 and PortAny for all
	OutGroup    uint32 // deletions: only flows that use this group; 0 and GroupAny for all
	Match       Match
	Actions     Actions // executed at once (OFPIT_APPLY_ACTIONS); empty drops
}

// Append implements Message.
func (m *FlowMod) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMessage(b, TypeFlowMod, xid)
	be := binary.BigEndian
	b = be.AppendUint64(b, m.Cookie)
	b = be.AppendUint64(b, m.CookieMask)
	b = append(b, m.Table, byte(m.Command))
	b = be.AppendUint16(b, m.IdleTimeout)
	b = be.AppendUint16(b, m.HardTimeout)
	b = be.AppendUint16(b, m.Priority)
	b = be.AppendUint32(b, noBuffer)
	port, group := m.OutPort, m.OutGroup
	if port == 0 {
		port = PortAny
	}
	if group == 0 {
		group = GroupAny
	}
	b = be.AppendUint32(b, uint32(port))
	b = be.AppendUint32(b, group)
	b = be.AppendUint16(b, uint16(m.Flags))
	b = be.AppendUint16(b, m.Importance)
	b = appendMatch(b, m.Match)
	b = appendApply(b, m.Actions)
	return endMessage(b, start, "flow_mod")
}

// noBuffer says that no packet is buffered in the switch.
const noBuffer = 0xffffffff

// Reserved group numbers.
const (
	GroupMax uint32 = 0xffffff00
	GroupAll uint32 = 0xfffffffc
	GroupAny uint32 = 0xffffffff
)

// instApply is the type of an OFPIT_APPLY_ACTIONS instruction.
const instApply = 4

// appendApply appends an instruction that executes a at once; nothing when a is empty.
func appendApply(b []byte, a Actions) []byte {
	if len(a) == 0 {
		return b
	}
	b = binary.BigEndian.AppendUint16(b, instApply)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(a)))
	b = append(b, 0, 0, 0, 0)
	return append(b, a...)
}
