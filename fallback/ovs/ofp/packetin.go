package ofp

import (
	"encoding/binary"
	"fmt"
)

// PacketIn is a packet that the switch sent to the controller.
type PacketIn struct {
	Packet   []byte // from the Ethernet header on; may be cut off
	FullLen  uint32 // length of the whole packet
	Table    uint8
	Cookie   uint64 // of the flow that sent it
	Reason   PacketInReason
	Metadata Match  // pipeline fields: registers, tunnel, conntrack, in_port
	UserData []byte // of the Controller action
	// Continuation is the state of a paused pipeline, private to the switch; it
	// goes back in a Resume. nil when the pipeline does not wait.
	Continuation []byte
}

// Properties of NXT_PACKET_IN2 and NXT_RESUME (NXPINT_*).
const (
	pinPacket = iota
	pinFullLen
	pinBufferID
	pinTable
	pinCookie
	pinReason
	pinMetadata
	pinUserData
	pinContinuation
)

// decodePacketIn2 reads the properties of NXT_PACKET_IN2. The slices share
// memory with b.
func decodePacketIn2(b []byte) (*PacketIn, error) {
	p := &PacketIn{Cookie: ^uint64(0)}
	r := reader{b: b, what: "packet-in"}
	for len(r.b) > 0 && r.err == nil {
		typ, data := r.prop()
		v := reader{b: data, what: "packet-in property"}
		switch typ {
		case pinPacket:
			p.Packet = data
		case pinFullLen:
			p.FullLen = v.u32()
		case pinTable:
			p.Table = v.u8()
		case pinCookie:
			v.skip(4) // padding to 8 bytes
			p.Cookie = v.u64()
		case pinReason:
			p.Reason = reasonOf(v.u8())
		case pinMetadata:
			p.Metadata = Match(data)
		case pinUserData:
			p.UserData = data
		case pinContinuation:
			p.Continuation = data
		}
		if r.err == nil && v.err != nil {
			r.err = fmt.Errorf("property %d: %w", typ, v.err)
		}
	}
	if r.err == nil && len(p.Packet) == 0 {
		r.fail("packet-in without a packet")
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	p.FullLen = max(p.FullLen, uint32(len(p.Packet)))
	return p, nil
}

// decodePacketIn reads OFPT_PACKET_IN, which comes as long as no
// SetPacketInFormat was sent.
func decodePacketIn(b []byte) (*PacketIn, error) {
	r := reader{b: b, what: "packet-in"}
	r.skip(4) // buffer id
	p := &PacketIn{FullLen: uint32(r.u16()), Reason: reasonOf(r.u8()), Table: r.u8(), Cookie: r.u64()}
	if r.err == nil {
		p.Metadata, r.b, r.err = pullMatch(r.b)
	}
	r.skip(2)
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	p.Packet = r.b
	return p, nil
}

// reasonOf takes an unknown reason for an action: it says no more than that.
func reasonOf(n uint8) PacketInReason {
	r, _ := reasonFromWire(n)
	return r
}

// Resume lets a paused pipeline go on, with the packet and the pipeline fields
// of this message, which may differ from those of the packet-in.
type Resume struct{ PacketIn }

// ResumeOf is the answer to p that changes nothing. The caller may replace
// Packet and Metadata (see Match.With).
func ResumeOf(p *PacketIn) *Resume { return &Resume{*p} }

// Append implements Message.
func (m *Resume) Append(b []byte, xid uint32) ([]byte, error) {
	if m.Continuation == nil {
		return b, fmt.Errorf("ofp: resume: the packet-in was not paused: it has no continuation")
	}
	start := len(b)
	b = beginNicira(b, nxtResume, xid)
	b, err := appendProp(b, pinPacket, m.Packet)
	if err == nil {
		b = append(b, 0, pinTable, 0, 5, m.Table, 0, 0, 0)
		if m.Cookie != ^uint64(0) {
			b = append(b, 0, pinCookie, 0, 16, 0, 0, 0, 0)
			b = binary.BigEndian.AppendUint64(b, m.Cookie)
		}
		b = append(b, 0, pinReason, 0, 5, reasonWire[min(int(m.Reason), len(reasonWire)-1)], 0, 0, 0)
		b, err = appendProp(b, pinMetadata, m.Metadata)
	}
	if err == nil {
		b, err = appendProp(b, pinContinuation, m.Continuation)
	}
	if err != nil {
		return b[:start], err
	}
	return endMessage(b, start, "resume")
}

func appendProp(b []byte, typ uint16, data []byte) ([]byte, error) {
	if len(data) > MaxLen-4 {
		return b, fmt.Errorf("ofp: property of %d bytes: the limit is 65531", len(data))
	}
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, typ)
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(data)))
	return pad8(append(b, data...), start), nil
}

// PacketOut makes the switch execute actions on a packet.
type PacketOut struct {
	// Metadata are the pipeline fields at the start: in_port (PortController when
	// the packet comes from no port), metadata, registers, tunnel fields.
	Metadata Match
	Actions  Actions
	Packet   []byte
}

// Append implements Message.
func (m *PacketOut) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	if len(m.Actions) > MaxLen {
		return b, fmt.Errorf("ofp: packet-out: %d bytes of actions: the limit is 65535", len(m.Actions))
	}
	b = beginMessage(b, TypePacketOut, xid)
	b = binary.BigEndian.AppendUint32(b, noBuffer)
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Actions)))
	b = append(b, 0, 0)
	b = appendMatch(b, m.Metadata)
	b = append(b, m.Actions...)
	return endMessage(append(b, m.Packet...), start, "packet-out")
}
