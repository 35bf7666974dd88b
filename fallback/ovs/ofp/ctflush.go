package ofp

import "encoding/binary"

const nxtCTFlushZone = 29

// CTFlushZone removes all connections of a conntrack zone (NXT_CT_FLUSH_ZONE).
type CTFlushZone struct{ Zone uint16 }

// Append implements Message.
func (m CTFlushZone) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginNicira(b, nxtCTFlushZone, xid)
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, m.Zone)
	return endMessage(b, start, "conntrack zone flush")
}
