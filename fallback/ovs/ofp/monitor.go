package ofp

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// FlowMonitorRequest has the switch tell of each flow of a table that comes, changes or goes, whoever is the cause, with its instructions (OFPMP_FLOW_MONITOR).
// Open vSwitch knows it in OpenFlow 1.5 from 3.0 on. Its answer is an empty reply; what it tells comes in messages with transaction id 0, whose bodies FlowUpdates
// reads. Changes that the same connection asks for are told without the flow (FlowAbbreviated).
type FlowMonitorRequest struct {
	ID    uint32 // any that the connection has not used yet
	Table uint8  // AllTables for all
}

// Flags of a flow monitor (OFPFMF_*), and its command.
const (
	monitorAdded        = 1 << 1
	monitorRemoved      = 1 << 2
	monitorModified     = 1 << 3
	monitorInstructions = 1 << 4
	monitorAdd          = 0
)

// Append implements Message.
func (m *FlowMonitorRequest) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	be := binary.BigEndian
	b = beginMultipart(b, MultipartFlowMonitor, xid)
	b = be.AppendUint32(b, m.ID)
	b = be.AppendUint32(b, uint32(PortAny))
	b = be.AppendUint32(b, GroupAny)
	b = be.AppendUint16(b, monitorAdded|monitorRemoved|monitorModified|monitorInstructions)
	b = append(b, m.Table, monitorAdd)
	return endMessage(appendMatch(b, nil), start, "flow monitor request")
}

// FlowEvent is what has happened to a flow (OFPFME_*).
type FlowEvent uint16

// The events.
const (
	FlowInitial     FlowEvent = 0
	FlowAdded       FlowEvent = 1
	FlowGone        FlowEvent = 2
	FlowModified    FlowEvent = 3
	FlowAbbreviated FlowEvent = 4 // this connection has asked for it
	FlowPaused      FlowEvent = 5 // nothing but FlowGone follows until FlowResumed, before which the switch tells what it has kept back
	FlowResumed     FlowEvent = 6
)

// FlowUpdate is one event. The flow has no statistics; it is there with FlowInitial, FlowAdded, FlowGone and FlowModified only.
type FlowUpdate struct {
	Event FlowEvent
	Flow  Flow
}

const (
	updateHeaderLen = 8  // of the short events; their last four bytes say nothing that is needed
	updateFullLen   = 24 // in front of the match
)

// FlowUpdates yields the events of the body of a flow monitor reply. It reuses one FlowUpdate for all: copy what must live longer. After an error it stops.
func FlowUpdates(body []byte) iter.Seq2[*FlowUpdate, error] {
	return func(yield func(*FlowUpdate, error) bool) {
		var u FlowUpdate
		for len(body) > 0 {
			n, err := u.decode(body)
			if err != nil {
				yield(nil, fmt.Errorf("ofp: flow monitor: %w", err))
				return
			}
			if !yield(&u, nil) {
				return
			}
			body = body[n:]
		}
	}
}

// decode reads the event at the start of b and returns its length.
func (u *FlowUpdate) decode(b []byte) (int, error) {
	be := binary.BigEndian
	if len(b) < updateHeaderLen {
		return 0, fmt.Errorf("event cut off after %d bytes", len(b))
	}
	n := int(be.Uint16(b))
	if n < updateHeaderLen || n > len(b) {
		return 0, fmt.Errorf("event says its length is %d; there are %d bytes", n, len(b))
	}
	*u = FlowUpdate{Event: FlowEvent(be.Uint16(b[2:]))}
	switch u.Event {
	case FlowInitial, FlowAdded, FlowGone, FlowModified:
	default:
		return n, nil
	}
	if n < updateFullLen {
		return 0, fmt.Errorf("event of a flow cut off after %d bytes", n)
	}
	f := &u.Flow
	*f = Flow{Table: b[4], IdleTimeout: be.Uint16(b[6:]), HardTimeout: be.Uint16(b[8:]), Priority: be.Uint16(b[10:]), Cookie: be.Uint64(b[16:])}
	m, rest, err := pullMatch(b[updateFullLen:n:n])
	if err != nil {
		return 0, err
	}
	f.Match = m
	return n, f.setInstructions(rest)
}
