package ofp

import (
	"encoding/binary"
	"fmt"
)

// Hello offers OpenFlow versions. Append offers 1.5 only.
type Hello struct {
	Versions uint32 // bitmap of 1<<version; in a received Hello
}

// Append implements Message.
func (*Hello) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMessage(b, TypeHello, xid)
	b = append(b, 0, helloBitmap, 0, 8)
	b = binary.BigEndian.AppendUint32(b, 1<<Version)
	return endMessage(b, start, "hello")
}

// helloBitmap is the only hello element there is (OFPHET_VERSIONBITMAP).
const helloBitmap = 1

// decodeHello reads the body of a hello of the given header version. Without a
// bitmap the peer speaks every version up to that of the header.
func decodeHello(version uint8, b []byte) (*Hello, error) {
	r := reader{b: b, what: "hello"}
	for len(r.b) > 0 && r.err == nil {
		typ, data := r.prop()
		if typ == helloBitmap && len(data) >= 4 {
			return &Hello{binary.BigEndian.Uint32(data)}, nil
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return &Hello{uint32(uint64(1)<<(min(version, 31)+1) - 1)}, nil
}

// Echo asks whether the peer is alive, or answers with the same data.
type Echo struct {
	Reply bool
	Data  []byte
}

// Append implements Message.
func (m *Echo) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	t := TypeEchoRequest
	if m.Reply {
		t = TypeEchoReply
	}
	b = append(beginMessage(b, t, xid), m.Data...)
	return endMessage(b, start, "echo")
}

// Barrier asks the switch to finish all earlier messages before it answers.
// Reply is true in the answer.
type Barrier struct{ Reply bool }

// Append implements Message.
func (m *Barrier) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	t := TypeBarrierRequest
	if m.Reply {
		t = TypeBarrierReply
	}
	return endMessage(beginMessage(b, t, xid), start, "barrier")
}

// FeaturesRequest asks for Features.
type FeaturesRequest struct{}

// Append implements Message.
func (FeaturesRequest) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	return endMessage(beginMessage(b, TypeFeaturesRequest, xid), start, "features request")
}

// Features is what the switch says about itself.
type Features struct {
	DatapathID   uint64
	Buffers      uint32
	Tables       uint8
	AuxID        uint8
	Capabilities uint32 // OFPC_*
}

func decodeFeatures(b []byte) (*Features, error) {
	r := reader{b: b, what: "features reply"}
	m := &Features{DatapathID: r.u64(), Buffers: r.u32(), Tables: r.u8(), AuxID: r.u8()}
	r.skip(2)
	m.Capabilities = r.u32()
	r.skip(4)
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return m, nil
}

// SetConfig sets how many bytes of a packet go to the controller when a flow
// table misses. Open vSwitch sends no asynchronous messages to a service
// connection (br.mgmt) until it is not 0.
type SetConfig struct {
	Flags       uint16 // fragment handling, OFPC_FRAG_*
	MissSendLen uint16
}

// Append implements Message.
func (m *SetConfig) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMessage(b, TypeSetConfig, xid)
	b = binary.BigEndian.AppendUint16(b, m.Flags)
	b = binary.BigEndian.AppendUint16(b, m.MissSendLen)
	return endMessage(b, start, "set config")
}
