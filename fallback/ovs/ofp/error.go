package ofp

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Error is an error that the switch sent. Its text names the error as Open
// vSwitch does and says which message it is about.
type Error struct {
	Type, Code   uint16
	Experimenter uint32 // not 0: Code is this experimenter's
	// XID is that of the failing message.
	XID uint32
	// Request is the start of the failing message as the switch sends it back,
	// 64 bytes at least when it was that long.
	Request []byte
}

// experimenterError is the type of errors of experimenters (OFPET_EXPERIMENTER).
const experimenterError = 0xffff

// Name is the name that Open vSwitch gives the error, such as
// "OFPBMC_BAD_PREREQ"; "" when it is not known.
func (e *Error) Name() string {
	if e.Type == experimenterError {
		if e.Experimenter == expNicira {
			return niciraErrors[e.Code]
		}
		return ""
	}
	return standardErrors[errorID{e.Type, e.Code}]
}

// Error implements error.
func (e *Error) Error() string {
	return e.Cause() + " (xid 0x" + strconv.FormatUint(uint64(e.XID), 16) + ")"
}

// Cause is the text without what differs each time.
func (e *Error) Cause() string {
	s := e.Name()
	if s == "" {
		s = fmt.Sprintf("error type %d code %d", e.Type, e.Code)
		if e.Type == experimenterError {
			s = fmt.Sprintf("error of experimenter 0x%08x code %d", e.Experimenter, e.Code)
		}
	}
	if h, err := ParseHeader(e.Request); err == nil {
		s += " for " + h.Type.String()
	}
	return "switch says " + s
}

// Is makes errors.Is(err, &Error{Type: t, Code: c}) true for every error of that
// type and code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Type == e.Type && t.Code == e.Code && t.Experimenter == e.Experimenter
}

func decodeError(h Header, b []byte) (*Error, error) {
	r := reader{b: b, what: "error message"}
	e := &Error{Type: r.u16(), Code: r.u16(), XID: h.XID}
	if e.Type == experimenterError {
		e.Experimenter = r.u32()
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	e.Request = append([]byte(nil), r.b...)
	return e, nil
}

// Append implements Message. It is there for tests that play the switch.
func (e *Error) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMessage(b, TypeError, xid)
	b = binary.BigEndian.AppendUint16(b, e.Type)
	b = binary.BigEndian.AppendUint16(b, e.Code)
	if e.Type == experimenterError {
		b = binary.BigEndian.AppendUint32(b, e.Experimenter)
	}
	return endMessage(append(b, e.Request...), start, "error message")
}

// String is the name of the type in the specification.
func (t MessageType) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return "OFPT_" + strconv.Itoa(int(t))
}

var typeNames = map[MessageType]string{
	TypeHello: "OFPT_HELLO", TypeError: "OFPT_ERROR", TypeEchoRequest: "OFPT_ECHO_REQUEST", TypeEchoReply: "OFPT_ECHO_REPLY",
	TypeExperimenter: "OFPT_EXPERIMENTER", TypeFeaturesRequest: "OFPT_FEATURES_REQUEST", TypeFeaturesReply: "OFPT_FEATURES_REPLY",
	TypeGetConfigRequest: "OFPT_GET_CONFIG_REQUEST", TypeGetConfigReply: "OFPT_GET_CONFIG_REPLY", TypeSetConfig: "OFPT_SET_CONFIG",
	TypePacketIn: "OFPT_PACKET_IN", TypeFlowRemoved: "OFPT_FLOW_REMOVED", TypePortStatus: "OFPT_PORT_STATUS",
	TypePacketOut: "OFPT_PACKET_OUT", TypeFlowMod: "OFPT_FLOW_MOD", TypeGroupMod: "OFPT_GROUP_MOD",
	TypeMultipartRequest: "OFPT_MULTIPART_REQUEST", TypeMultipartReply: "OFPT_MULTIPART_REPLY",
	TypeBarrierRequest: "OFPT_BARRIER_REQUEST", TypeBarrierReply: "OFPT_BARRIER_REPLY", TypeSetAsync: "OFPT_SET_ASYNC",
	TypeMeterMod: "OFPT_METER_MOD", TypeRoleStatus: "OFPT_ROLE_STATUS", TypeTableStatus: "OFPT_TABLE_STATUS",
	TypeRequestForward: "OFPT_REQUESTFORWARD", TypeBundleControl: "OFPT_BUNDLE_CONTROL", TypeBundleAdd: "OFPT_BUNDLE_ADD_MESSAGE",
}
