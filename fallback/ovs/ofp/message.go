package ofp

import (
	"encoding/binary"
	"fmt"
)

// Version is the only version of OpenFlow that is spoken here: 1.5.
const Version = 6

// HeaderLen is the length of an OpenFlow header; MaxLen that of the longest message.
const (
	HeaderLen = 8
	MaxLen    = 0xffff
)

// MessageType is the type of a message (OFPT_*).
type MessageType uint8

// The message types used here.
const (
	TypeHello            MessageType = 0
	TypeError            MessageType = 1
	TypeEchoRequest      MessageType = 2
	TypeEchoReply        MessageType = 3
	TypeExperimenter     MessageType = 4
	TypeFeaturesRequest  MessageType = 5
	TypeFeaturesReply    MessageType = 6
	TypeGetConfigRequest MessageType = 7
	TypeGetConfigReply   MessageType = 8
	TypeSetConfig        MessageType = 9
	TypePacketIn         MessageType = 10
	TypeFlowRemoved      MessageType = 11
	TypePortStatus       MessageType = 12
	TypePacketOut        MessageType = 13
	TypeFlowMod          MessageType = 14
	TypeGroupMod         MessageType = 15
	TypeMultipartRequest MessageType = 18
	TypeMultipartReply   MessageType = 19
	TypeBarrierRequest   MessageType = 20
	TypeBarrierReply     MessageType = 21
	TypeSetAsync         MessageType = 28
	TypeMeterMod         MessageType = 29
	TypeRoleStatus       MessageType = 30
	TypeTableStatus      MessageType = 31
	TypeRequestForward   MessageType = 32
	TypeBundleControl    MessageType = 33
	TypeBundleAdd        MessageType = 34
)

// Message is anything that can be sent.
type Message interface {
	// Append appends the whole message, header included, with transaction id xid.
	// On an error b is returned as it was.
	Append(b []byte, xid uint32) ([]byte, error)
}

// Header is the OpenFlow header of a message.
type Header struct {
	Version uint8
	Type    MessageType
	Len     uint16 // header included
	XID     uint32
}

// ParseHeader reads the header at the start of b. It checks that the length is
// possible, not that the message is there.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, fmt.Errorf("ofp: header cut off after %d bytes", len(b))
	}
	h := Header{b[0], MessageType(b[1]), binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])}
	if h.Len < HeaderLen {
		return h, fmt.Errorf("ofp: message type %d says its length is %d; it must be 8 at least", h.Type, h.Len)
	}
	return h, nil
}

// beginMessage appends a header; endMessage fills in its length.
func beginMessage(b []byte, t MessageType, xid uint32) []byte {
	b = append(b, Version, byte(t), 0, 0)
	return binary.BigEndian.AppendUint32(b, xid)
}

// endMessage finishes the message that starts at start. When it is too long it
// returns b without it and an error.
func endMessage(b []byte, start int, what string) ([]byte, error) {
	n := len(b) - start
	if n > MaxLen {
		return b[:start], fmt.Errorf("ofp: %s of %d bytes: an OpenFlow message has 65535 at most", what, n)
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16(n))
	return b, nil
}

// pad8 appends zeros until the part of b from start on is a multiple of 8 long.
func pad8(b []byte, start int) []byte {
	for (len(b)-start)%8 != 0 {
		b = append(b, 0)
	}
	return b
}

// appendMatch appends m with the ofp_match header and padding.
func appendMatch(b []byte, m Match) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, 1) // OFPMT_OXM
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(m)))
	b = append(b, m...)
	return pad8(b, start)
}

// pullMatch reads an ofp_match and its padding. m shares memory with b.
func pullMatch(b []byte) (m Match, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, fmt.Errorf("match header cut off after %d bytes", len(b))
	}
	if t := binary.BigEndian.Uint16(b); t != 1 {
		return nil, nil, fmt.Errorf("match of type %d: only OXM (1) is supported", t)
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	padded := (n + 7) &^ 7
	if n < 4 || padded > len(b) {
		return nil, nil, fmt.Errorf("match says its length is %d; there are %d bytes", n, len(b))
	}
	return Match(b[4:n:n]), b[padded:], nil
}
