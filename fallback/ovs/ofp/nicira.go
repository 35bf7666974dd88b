package ofp

import (
	"encoding/binary"
	"fmt"
)

// Subtypes of Nicira messages (NXT_*, OVS include/openvswitch/ofp-msgs.h).
const (
	nxtSetPacketInFormat = 16
	nxtSetControllerID   = 20
	nxtTLVTableMod       = 24
	nxtTLVTableRequest   = 25
	nxtTLVTableReply     = 26
	nxtResume            = 28
	nxtPacketIn2         = 30
)

// beginNicira appends the header of a Nicira message.
func beginNicira(b []byte, subtype, xid uint32) []byte {
	b = beginMessage(b, TypeExperimenter, xid)
	b = binary.BigEndian.AppendUint32(b, expNicira)
	return binary.BigEndian.AppendUint32(b, subtype)
}

// SetPacketInFormat makes the switch send packet-ins as NXT_PACKET_IN2, which
// carries user data and continuations.
type SetPacketInFormat struct{}

// packetInNXT2 is the format number of NXT_PACKET_IN2.
const packetInNXT2 = 2

// Append implements Message.
func (SetPacketInFormat) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginNicira(b, nxtSetPacketInFormat, xid)
	b = binary.BigEndian.AppendUint32(b, packetInNXT2)
	return endMessage(b, start, "set packet-in format")
}

// SetControllerID gives this connection the id that Controller.ID means; it is 0
// before.
type SetControllerID struct{ ID uint16 }

// Append implements Message.
func (m SetControllerID) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginNicira(b, nxtSetControllerID, xid)
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, m.ID)
	return endMessage(b, start, "set controller id")
}

// TLVMap maps a Geneve option to a tunnel metadata field.
type TLVMap struct {
	Class uint16
	Type  uint8
	Len   uint8  // bytes of the option's data: 4 to 124, a multiple of 4
	Index uint16 // tun_metadata field, 0 to 63
}

// TLVCommand is what a TLVTableMod does (NXTTMC_*).
type TLVCommand uint16

// The commands.
const (
	TLVAdd TLVCommand = iota
	TLVDelete
	TLVClear
)

// TLVTableMod changes the switch's table of tunnel options.
type TLVTableMod struct {
	Command TLVCommand
	Maps    []TLVMap
}

// Append implements Message.
func (m *TLVTableMod) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	be := binary.BigEndian
	b = beginNicira(b, nxtTLVTableMod, xid)
	b = be.AppendUint16(b, uint16(m.Command))
	b = append(b, 0, 0, 0, 0, 0, 0)
	for _, t := range m.Maps {
		b = be.AppendUint16(b, t.Class)
		b = append(b, t.Type, t.Len)
		b = be.AppendUint16(b, t.Index)
		b = append(b, 0, 0)
	}
	return endMessage(b, start, "TLV table mod")
}

// TLVTableRequest asks for the table of tunnel options: a TLVTable.
type TLVTableRequest struct{}

// Append implements Message.
func (TLVTableRequest) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	return endMessage(beginNicira(b, nxtTLVTableRequest, xid), start, "TLV table request")
}

// TLVTable is the switch's table of tunnel options.
type TLVTable struct {
	MaxSpace  uint32 // bytes of all options together
	MaxFields uint16
	Maps      []TLVMap
}

func decodeTLVTable(b []byte) (*TLVTable, error) {
	r := reader{b: b, what: "TLV table reply"}
	t := &TLVTable{MaxSpace: r.u32(), MaxFields: r.u16()}
	r.skip(10)
	for len(r.b) > 0 && r.err == nil {
		m := TLVMap{Class: r.u16(), Type: r.u8(), Len: r.u8(), Index: r.u16()}
		r.skip(2)
		t.Maps = append(t.Maps, m)
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return t, nil
}
