package ofp

import "encoding/binary"

// SetAsync chooses which messages the switch sends unasked, as bitmaps of
// reasons in wire numbers (1<<reason).
type SetAsync struct {
	PacketIn    uint32
	PortStatus  uint32
	FlowRemoved uint32
}

// Properties of OFPT_SET_ASYNC for a connection that is not in the secondary role.
const (
	asyncPacketIn    = 1
	asyncPortStatus  = 3
	asyncFlowRemoved = 5
)

// Append implements Message.
func (m *SetAsync) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMessage(b, TypeSetAsync, xid)
	for _, p := range [...]struct {
		typ  byte
		mask uint32
	}{{asyncPacketIn, m.PacketIn}, {asyncPortStatus, m.PortStatus}, {asyncFlowRemoved, m.FlowRemoved}} {
		b = append(b, 0, p.typ, 0, 8)
		b = binary.BigEndian.AppendUint32(b, p.mask)
	}
	return endMessage(b, start, "set async")
}
