package ofp

import (
	"encoding/binary"
	"fmt"
)

// MultipartType says what a multipart request asks for (OFPMP_*).
type MultipartType uint16

// The types used here.
const (
	MultipartFlow          MultipartType = 1
	MultipartTable         MultipartType = 3
	MultipartGroupStats    MultipartType = 6
	MultipartGroupDesc     MultipartType = 7
	MultipartMeterStats    MultipartType = 9
	MultipartMeterConfig   MultipartType = 10
	MultipartMeterFeatures MultipartType = 11
	MultipartPortDesc      MultipartType = 13
	MultipartFlowMonitor   MultipartType = 16
)

// MultipartReply is one part of an answer.
type MultipartReply struct {
	Type MultipartType
	More bool   // more parts follow
	Body []byte // shares memory with the message
}

func decodeMultipartReply(b []byte) (*MultipartReply, error) {
	r := reader{b: b, what: "multipart reply"}
	m := &MultipartReply{Type: MultipartType(r.u16()), More: r.u16()&1 != 0}
	r.skip(4)
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	m.Body = r.b
	return m, nil
}

// beginMultipart appends the header of a multipart request.
func beginMultipart(b []byte, t MultipartType, xid uint32) []byte {
	b = beginMessage(b, TypeMultipartRequest, xid)
	b = binary.BigEndian.AppendUint16(b, uint16(t))
	return append(b, 0, 0, 0, 0, 0, 0)
}

// FlowStatsRequest asks for flows: Flows reads the bodies of the answer.
type FlowStatsRequest struct {
	Table      uint8 // AllTables for all
	Cookie     uint64
	CookieMask uint64 // 0: any cookie
	Match      Match  // flows that this covers; empty for all
}

// Append implements Message.
func (m *FlowStatsRequest) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	be := binary.BigEndian
	b = beginMultipart(b, MultipartFlow, xid)
	b = append(b, m.Table, 0, 0, 0)
	b = be.AppendUint32(b, uint32(PortAny))
	b = be.AppendUint32(b, GroupAny)
	b = append(b, 0, 0, 0, 0)
	b = be.AppendUint64(b, m.Cookie)
	b = be.AppendUint64(b, m.CookieMask)
	return endMessage(appendMatch(b, m.Match), start, "flow stats request")
}

// Request asks for all or one of a kind of thing: MultipartGroupStats and
// MultipartGroupDesc with a group id or GroupAll, MultipartMeterStats and
// MultipartMeterConfig with a meter id or MeterAll, MultipartPortDesc with a port
// or PortAny. MultipartMeterFeatures and MultipartTable take no ID.
type Request struct {
	Type MultipartType
	ID   uint32
}

// Append implements Message.
func (m Request) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMultipart(b, m.Type, xid)
	if m.Type != MultipartMeterFeatures && m.Type != MultipartTable {
		b = binary.BigEndian.AppendUint32(b, m.ID)
		b = append(b, 0, 0, 0, 0)
	}
	return endMessage(b, start, "multipart request")
}
