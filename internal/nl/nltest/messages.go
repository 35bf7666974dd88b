package nltest

import (
	"encoding/binary"
	"syscall"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Message builds a message as it is on the wire.
func Message(typ, flags uint16, seq uint32, body []byte) []byte {
	b := make([]byte, nl.HeaderLen, nl.HeaderLen+len(body))
	b = append(b, body...)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], typ)
	binary.NativeEndian.PutUint16(b[6:], flags)
	binary.NativeEndian.PutUint32(b[8:], seq)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// A Refusal is what an acknowledgement says (linux/netlink.h, NLMSGERR_ATTR_*). The zero value is success.
type Refusal struct {
	Errno   syscall.Errno
	Message string
	// Offset of the attribute at fault in the request, 0 for none.
	Offset uint32
	// Missing attribute, 0 for none, and the offset of the nest that lacks it, 0 for the outermost level.
	Missing, MissingIn uint32
}

// Ack builds the acknowledgement of a message, capped as NETLINK_CAP_ACK asks for.
func Ack(m nl.Message, r Refusal) []byte {
	body := binary.NativeEndian.AppendUint32(nil, uint32(-int32(r.Errno)))
	body = append(body, Message(m.Type, m.Flags, m.Seq, m.Body)[:nl.HeaderLen]...)
	flags := uint16(nl.FlagCapped)
	if tlvs := r.attrs(); len(tlvs) > 0 {
		flags |= nl.FlagAckTLVs
		body = append(body, tlvs...)
	}
	return Message(nl.TypeError, flags, m.Seq, body)
}

// Done builds the end of a dump.
func Done(m nl.Message, flags uint16, r Refusal) []byte {
	body := binary.NativeEndian.AppendUint32(nil, uint32(-int32(r.Errno)))
	flags |= nl.FlagMulti
	if tlvs := r.attrs(); len(tlvs) > 0 {
		flags |= nl.FlagAckTLVs
		body = append(body, tlvs...)
	}
	return Message(nl.TypeDone, flags, m.Seq, body)
}

func (r Refusal) attrs() []byte {
	var e nl.Encoder
	if r.Message != "" {
		e.String(1, r.Message)
	}
	if r.Offset != 0 {
		e.U32(2, r.Offset)
	}
	if r.Missing != 0 {
		e.U32(5, r.Missing)
	}
	if r.MissingIn != 0 {
		e.U32(6, r.MissingIn)
	}
	return e.Bytes()
}
