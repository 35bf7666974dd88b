package ofp

import (
	"encoding/binary"
	"fmt"
)

// BundleCtrl opens, commits or discards a bundle (OpenFlow 1.5, 7.3.9).
type BundleCtrl struct {
	ID    uint32
	Type  BundleCtrlType
	Flags BundleFlags
}

// BundleCtrlType is the step (OFPBCT_*). A reply has the number of its request plus one.
type BundleCtrlType uint16

// The steps.
const (
	BundleOpen         BundleCtrlType = 0
	BundleOpenReply    BundleCtrlType = 1
	BundleClose        BundleCtrlType = 2
	BundleCloseReply   BundleCtrlType = 3
	BundleCommit       BundleCtrlType = 4
	BundleCommitReply  BundleCtrlType = 5
	BundleDiscard      BundleCtrlType = 6
	BundleDiscardReply BundleCtrlType = 7
)

// BundleFlags are OFPBF_* flags; all messages of a bundle carry the same.
type BundleFlags uint16

// The flags.
const (
	BundleAtomic  BundleFlags = 1 << 0 // packets see none or all of it
	BundleOrdered BundleFlags = 1 << 1 // in the order of the messages
)

// Append implements Message.
func (m *BundleCtrl) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMessage(b, TypeBundleControl, xid)
	b = m.appendBody(b)
	return endMessage(b, start, "bundle control")
}

func (m *BundleCtrl) appendBody(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, m.ID)
	b = binary.BigEndian.AppendUint16(b, uint16(m.Type))
	return binary.BigEndian.AppendUint16(b, uint16(m.Flags))
}

// BundleAdd puts a message into an open bundle.
type BundleAdd struct {
	ID      uint32
	Flags   BundleFlags
	Message Message
}

// Append implements Message. The inner message gets the same xid, as the
// specification demands; an error that it causes carries that xid.
func (m *BundleAdd) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMessage(b, TypeBundleAdd, xid)
	b = (&BundleCtrl{ID: m.ID, Flags: m.Flags}).appendBody(b)
	b, err := m.Message.Append(b, xid)
	if err != nil {
		return b[:start], err
	}
	return endMessage(b, start, "bundle add")
}

// decodeBundleCtrl reads the body of a bundle control message.
func decodeBundleCtrl(b []byte) (*BundleCtrl, error) {
	r := reader{b: b, what: "bundle control"}
	m := &BundleCtrl{ID: r.u32(), Type: BundleCtrlType(r.u16()), Flags: BundleFlags(r.u16())}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return m, nil
}
