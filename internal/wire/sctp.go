package wire

import (
	"encoding/binary"
	"hash/crc32"
)

// SCTP chunk types (RFC 9260, 3.2).
const (
	SCTPInit  = 1
	SCTPAbort = 6

	sctpChunkLen = 4
	sctpInitLen  = 16 // body of an INIT chunk without parameters

	// sctpReflected, the T bit of an ABORT: the verification tag is the peer's own.
	sctpReflected = 1
)

// castagnoli is the CRC-32C of SCTP (RFC 9260, appendix A).
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// SCTP is an SCTP packet with at least one chunk header.
type SCTP []byte

// ParseSCTP checks that b holds a common header and the header of a chunk; of an
// INIT chunk also its fixed body.
func ParseSCTP(b []byte) (SCTP, error) {
	if len(b) < SCTPLen+sctpChunkLen {
		return nil, short("SCTP", len(b), SCTPLen+sctpChunkLen)
	}
	if want := SCTPLen + sctpChunkLen + sctpInitLen; b[SCTPLen] == SCTPInit && len(b) < want {
		return nil, short("SCTP INIT", len(b), want)
	}
	return b, nil
}

// SrcPort is the source port.
func (s SCTP) SrcPort() uint16 { return binary.BigEndian.Uint16(s) }

// DstPort is the destination port.
func (s SCTP) DstPort() uint16 { return binary.BigEndian.Uint16(s[2:]) }

// Tag is the verification tag.
func (s SCTP) Tag() uint32 { return binary.BigEndian.Uint32(s[4:]) }

// Chunk is the type of the first chunk.
func (s SCTP) Chunk() uint8 { return s[SCTPLen] }

// InitiateTag is the tag that an INIT chunk asks the peer to use.
func (s SCTP) InitiateTag() uint32 { return binary.BigEndian.Uint32(s[SCTPLen+sctpChunkLen:]) }

// Checksum is the CRC-32C field.
func (s SCTP) Checksum() uint32 { return binary.LittleEndian.Uint32(s[8:]) }

// SCTPChecksum is the CRC-32C of an SCTP packet with its checksum field taken as 0.
func SCTPChecksum(p []byte) uint32 {
	if len(p) < SCTPLen {
		return 0
	}
	c := crc32.Update(0, castagnoli, p[:8])
	c = crc32.Update(c, castagnoli, []byte{0, 0, 0, 0})
	return crc32.Update(c, castagnoli, p[SCTPLen:])
}

// AppendSCTPAbort appends the packet that answers in by aborting the association
// (RFC 9260, 8.4, items 3 and 8).
func AppendSCTPAbort(b []byte, in SCTP) []byte {
	at := len(b)
	tag, flags := in.Tag(), uint8(sctpReflected)
	if tag == 0 && in.Chunk() == SCTPInit {
		tag, flags = in.InitiateTag(), 0
	}
	b = binary.BigEndian.AppendUint16(b, in.DstPort())
	b = binary.BigEndian.AppendUint16(b, in.SrcPort())
	b = binary.BigEndian.AppendUint32(b, tag)
	b = append(b, 0, 0, 0, 0, SCTPAbort, flags, 0, sctpChunkLen)
	binary.LittleEndian.PutUint32(b[at+8:], SCTPChecksum(b[at:]))
	return b
}
