package nl

import (
	"encoding/binary"
	"fmt"
)

// Message types and flags, from linux/netlink.h.
const (
	TypeNoop    = 0x1
	TypeError   = 0x2
	TypeDone    = 0x3
	TypeOverrun = 0x4

	FlagRequest = 0x1
	FlagMulti   = 0x2
	FlagAck     = 0x4
	FlagEcho    = 0x8
	// FlagDumpIntr: the data changed while they were dumped.
	FlagDumpIntr = 0x10

	FlagReplace = 0x100 // of NEW requests
	FlagExcl    = 0x200
	FlagCreate  = 0x400
	FlagDump    = 0x300 // of GET requests: NLM_F_ROOT | NLM_F_MATCH

	FlagCapped  = 0x100 // of acknowledgements: the request is not repeated
	FlagAckTLVs = 0x200 // of acknowledgements: attributes follow
)

// HeaderLen is the size of struct nlmsghdr in bytes.
const HeaderLen = 16

// A Message is one netlink message without its header. Body is valid only as long as the buffer that it was read from.
type Message struct {
	Type, Flags uint16
	Seq, PortID uint32
	Body        []byte
}

// NextMessage splits the first message off a datagram. It fails if the header or the body is cut off.
func NextMessage(datagram []byte) (m Message, rest []byte, err error) {
	if len(datagram) < HeaderLen {
		return Message{}, nil, fmt.Errorf("netlink message has %d bytes, its header needs %d", len(datagram), HeaderLen)
	}
	size := uint64(binary.NativeEndian.Uint32(datagram))
	if size < HeaderLen || size > uint64(len(datagram)) {
		return Message{}, nil, fmt.Errorf("netlink message says that it has %d bytes, the datagram has %d", size, len(datagram))
	}
	m = Message{
		Type:   binary.NativeEndian.Uint16(datagram[4:]),
		Flags:  binary.NativeEndian.Uint16(datagram[6:]),
		Seq:    binary.NativeEndian.Uint32(datagram[8:]),
		PortID: binary.NativeEndian.Uint32(datagram[12:]),
		Body:   datagram[HeaderLen:size],
	}
	return m, datagram[min(align(int(size)), len(datagram)):], nil
}

// putHeader writes a header over the first HeaderLen bytes of message, for a message that is as long as the slice.
func putHeader(message []byte, typ, flags uint16, seq uint32) {
	binary.NativeEndian.PutUint32(message, uint32(len(message)))
	binary.NativeEndian.PutUint16(message[4:], typ)
	binary.NativeEndian.PutUint16(message[6:], flags)
	binary.NativeEndian.PutUint32(message[8:], seq)
	binary.NativeEndian.PutUint32(message[12:], 0) // the kernel knows the sender
}

// align rounds up to the 4 bytes that messages and attributes are aligned to.
func align(n int) int { return (n + 3) &^ 3 }
