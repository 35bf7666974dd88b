package nl

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

// An Answer is how a request ended. With Err nil, Warning is what the kernel or a driver said although it accepted the
// request, such as why a rule is not in hardware.
type Answer struct {
	Err     error
	Warning string
}

// Attributes of an acknowledgement, linux/netlink.h.
const (
	attrMsg      = 1
	attrOffset   = 2
	attrMissType = 5
	attrMissNest = 6
)

// parseAnswer reads NLMSG_ERROR or NLMSG_DONE. request is the message that it answers, headers the size of what precedes its
// attributes; they are for naming the attribute at fault.
func parseAnswer(m Message, request []byte, headers int) (Answer, error) {
	if len(m.Body) < 4 {
		return Answer{}, fmt.Errorf("netlink answer has %d bytes, needs 4", len(m.Body))
	}
	errno := -int32(binary.NativeEndian.Uint32(m.Body))
	e := &Error{Errno: syscall.Errno(errno)}
	if errno < 0 {
		return Answer{}, fmt.Errorf("netlink answer has the error number %d, should be 0 or negative", -errno)
	}
	if m.Flags&FlagAckTLVs != 0 {
		if err := e.parse(answerAttrs(m), request, headers); err != nil {
			return Answer{}, err
		}
	}
	if errno == 0 {
		return Answer{Warning: e.Message}, nil
	}
	return Answer{Err: e}, nil
}

// answerAttrs skips the error number and, in NLMSG_ERROR, what is repeated of the request.
func answerAttrs(m Message) []byte {
	b := m.Body[4:]
	if m.Type != TypeError {
		return b
	}
	if len(b) < HeaderLen {
		return nil
	}
	skip := uint64(HeaderLen)
	if m.Flags&FlagCapped == 0 {
		skip = (uint64(binary.NativeEndian.Uint32(b)) + 3) &^ 3
	}
	return b[min(skip, uint64(len(b))):]
}

func (e *Error) parse(attrs, request []byte, headers int) error {
	var slots [attrMissNest + 1]Attr
	t := NewTable(slots[:])
	if err := t.Parse(attrs); err != nil {
		return err
	}
	e.Message, _ = t.String(attrMsg)
	if offset, ok := t.U32(attrOffset); ok {
		e.Path = attrPath(request, headers, int(offset))
	}
	if missing, ok := t.U32(attrMissType); ok {
		e.Missing = uint16(missing)
	}
	if offset, ok := t.U32(attrMissNest); ok {
		e.MissingIn = attrPath(request, headers, int(offset))
	}
	return t.Err()
}
