package ofp

import (
	"encoding/binary"
	"fmt"
)

// Actions is an encoded list of OpenFlow 1.5 actions. Encoder makes it.
type Actions []byte

// Action is one action of ovs-actions(7), as a plain value.
type Action interface {
	// Append encodes the action at the end of e. What cannot be encoded is
	// remembered in e and returned by Encoder.Actions.
	Append(e *Encoder)
	// AppendText appends the form that ovs-ofctl prints.
	AppendText(b []byte) []byte
}

// Action types of OpenFlow 1.5 and subtypes of the Nicira extension (OVS
// lib/ofp-actions.c).
const (
	atOutput    = 0
	atPushVLAN  = 17
	atPopVLAN   = 18
	atPushMPLS  = 19
	atPopMPLS   = 20
	atSetQueue  = 21
	atGroup     = 22
	atSetTTL    = 23
	atDecTTL    = 24
	atSetField  = 25
	atCopyField = 28
	atMeter     = 29
	atExp       = 0xffff

	nxResubmit        = 1
	nxPopQueue        = 5
	nxNote            = 8
	nxMultipath       = 10
	nxBundle          = 12
	nxBundleLoad      = 13
	nxResubmitTable   = 14
	nxOutputReg       = 15
	nxLearn           = 16
	nxExit            = 17
	nxFinTimeout      = 19
	nxController      = 20
	nxStackPush       = 27
	nxStackPop        = 28
	nxSample          = 29
	nxOutputReg2      = 32
	nxConjunction     = 34
	nxCT              = 35
	nxNAT             = 36
	nxController2     = 37
	nxSample2         = 38
	nxOutputTrunc     = 39
	nxSample3         = 41
	nxClone           = 42
	nxCTClear         = 43
	nxResubmitTableCT = 44
	nxLearn2          = 45
	nxCheckPktLarger  = 49
	nxDeleteField     = 50
)

// Encoder builds a list of actions. It remembers the first error; the calls
// after that do no harm. The zero value is ready for use.
//
//	var e ofp.Encoder
//	ofp.Load(ofp.Bits(ofp.Reg(10), 2, 1), ofp.V(1)).Append(&e)
//	ofp.Resubmit{Table: 33}.Append(&e)
//	actions, err := e.Actions()
type Encoder struct {
	b   []byte
	err error
}

// Reset makes e empty; it will write to the memory of buf, from its start.
func (e *Encoder) Reset(buf []byte) { e.b, e.err = buf[:0], nil }

// Actions returns what was encoded. It shares memory with e until the next Reset.
func (e *Encoder) Actions() (Actions, error) { return e.b, e.err }

// Len is the number of bytes encoded so far.
func (e *Encoder) Len() int { return len(e.b) }

// Raw appends actions that are encoded already.
func (e *Encoder) Raw(a Actions) { e.b = append(e.b, a...) }

// Bytes appends data inside an open Controller action (OpenUserData).
func (e *Encoder) Bytes(b []byte) { e.b = append(e.b, b...) }

// Mark is an action that is open: its nested actions are being appended.
type Mark int

// Close ends the action that an Open method returned.
func (e *Encoder) Close(m Mark) { e.end(int(m)) }

func (e *Encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("ofp: action "+format, args...)
	}
}

// begin starts an action of a standard type; end fills in its length.
func (e *Encoder) begin(typ uint16) int {
	start := len(e.b)
	e.b = append(e.b, byte(typ>>8), byte(typ), 0, 0)
	return start
}

// beginNX starts an action of the Nicira extension.
func (e *Encoder) beginNX(subtype uint16) int {
	start := e.begin(atExp)
	e.u32(expNicira)
	e.u16(subtype)
	return start
}

// end pads the action that starts at start to a multiple of 8 and writes its length.
func (e *Encoder) end(start int) {
	for (len(e.b)-start)%8 != 0 {
		e.b = append(e.b, 0)
	}
	n := len(e.b) - start
	if n > 0xffff {
		e.fail("list of %d bytes inside another action: the limit is 65535", n)
		n = 0xfff8
	}
	binary.BigEndian.PutUint16(e.b[start+2:], uint16(n))
}

func (e *Encoder) u8(n uint8)   { e.b = append(e.b, n) }
func (e *Encoder) u16(n uint16) { e.b = binary.BigEndian.AppendUint16(e.b, n) }
func (e *Encoder) u32(n uint32) { e.b = binary.BigEndian.AppendUint32(e.b, n) }
func (e *Encoder) u64(n uint64) { e.b = binary.BigEndian.AppendUint64(e.b, n) }
func (e *Encoder) padTo(start, n int) {
	for len(e.b)-start < n {
		e.b = append(e.b, 0)
	}
}

// port16 appends a port of an action that has room for 16 bits only.
func (e *Encoder) port16(name string, p Port) {
	n, ok := p.to16()
	if !ok {
		e.fail("%s: port %d does not fit into 16 bits", name, uint32(p))
	}
	e.u16(n)
}

// sub checks that s is a part of a field that exists and, for a destination,
// that it can be written.
func (e *Encoder) sub(name string, s Sub, write bool) {
	switch {
	case !s.valid():
		e.fail("%s: %s has no bits %d..%d", name, s.Field, s.Ofs, int(s.Ofs)+int(s.N)-1)
	case write && s.Field.info().readOnly:
		e.fail("%s: %s cannot be written", name, s.Field)
	}
}

// nxmHeader appends the header that Nicira actions use: NXM where there is one.
func (e *Encoder) nxmHeader(f Field) {
	id, _ := f.info().preferNXM()
	e.b = appendOXMHeader(e.b, id, f.Bytes(), false)
}

// nxmHeader32 is nxmHeader for actions that have room for 4 bytes only.
func (e *Encoder) nxmHeader32(name string, f Field) {
	id, _ := f.info().preferNXM()
	if id.class == classExp {
		e.fail("%s: %s has no 32-bit header", name, f)
		e.u32(0)
		return
	}
	e.b = appendOXMHeader(e.b, id, f.Bytes(), false)
}

// ofsNBits packs an offset and a width as many Nicira actions do.
func ofsNBits(s Sub) uint16 { return s.Ofs<<6 | (s.N - 1) }
