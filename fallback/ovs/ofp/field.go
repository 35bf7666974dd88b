package ofp

// Field names a match field of ovs-fields(7). The order of the constants is the
// order in which Open vSwitch writes the fields of a match (OXM, OpenFlow 1.5),
// so sorting terms by Field sorts them canonically.
//
// The low byte is the index into the registry. The high byte is 0, except for
// tunnel metadata, whose length is not fixed: there it is the length in bytes
// that the switch's TLV table gives the option (see TunMetadata).
type Field uint16

// The fields, in canonical match order.
const (
	FieldNone Field = iota
	PacketType
	DPHash
	RecircID
	ConjID
	InPort // 32-bit port number, OXM
	ActsetOutput
	EthSrc
	EthDst
	EthType
	VLANVID // bit 12 says that there is a VLAN header
	VLANPCP
	MPLSTC
	MPLSBOS
	MPLSTTL
	MPLSLabel
	IPv4Src
	IPv4Dst
	IPv6Src
	IPv6Dst
	IPFrag
	IPDSCP // 6 bits
	IPECN
	IPTTL
	IPv6Label
	IPProto
	TCPSrc
	TCPDst
	TCPFlags
	UDPSrc
	UDPDst
	SCTPSrc
	SCTPDst
	ICMPv4Type
	ICMPv4Code
	ICMPv6Type
	ICMPv6Code
	NDReserved
	NDTarget
	NDOptionsType
	NDSLL
	NDTLL
	ARPOp
	ARPSPA
	ARPTPA
	ARPSHA
	ARPTHA
	TunID
	TunFlags
	TunSrc
	TunDst
	TunIPv6Src
	TunIPv6Dst
	TunGBPID
	TunGBPFlags
	tunMetadata0
	tunMetadata63 = tunMetadata0 + 63
)

// The fields behind tunnel metadata, in canonical match order.
const (
	XReg0 Field = tunMetadata63 + 1 + iota // OXM_OF_PKT_REG0; a view of Reg(0) and Reg(1)
	XReg1
	XReg2
	XReg3
	XReg4
	XReg5
	XReg6
	XReg7
	PktMark
	CTState
	CTZone
	CTMark
	CTLabel
	CTNWSrc
	CTIPv6Src
	CTNWDst
	CTIPv6Dst
	CTNWProto
	CTTPSrc
	CTTPDst
	Metadata

	// Fields that never occur in a dumped match: views of the ones above. A
	// MatchBuilder accepts them and writes what they are a view of.
	reg0
	reg15      = reg0 + 15
	XXReg0     = reg15 + 1 // Reg(0) to Reg(3)
	XXReg1     = XXReg0 + 1
	XXReg2     = XXReg0 + 2
	XXReg3     = XXReg0 + 3
	InPortNXM  = XXReg3 + 1    // 16-bit port number, NXM: only in actions
	VLANTCI    = InPortNXM + 1 // NXM: VLANVID and VLANPCP in one
	IPTOS      = VLANTCI + 1   // NXM: DSCP in the upper 6 of 8 bits
	numFields  = IPTOS + 1
	fieldIndex = 0xff
)

// Reg is 32-bit register n, 0 to 15; FieldNone for any other n.
func Reg(n int) Field {
	if n < 0 || n > 15 {
		return FieldNone
	}
	return reg0 + Field(n)
}

// XReg is 64-bit register n, 0 to 7, made of Reg(2n) and Reg(2n+1); FieldNone
// for any other n.
func XReg(n int) Field {
	if n < 0 || n > 7 {
		return FieldNone
	}
	return XReg0 + Field(n)
}

// XXReg is 128-bit register n, 0 to 3; FieldNone for any other n.
func XXReg(n int) Field {
	if n < 0 || n > 3 {
		return FieldNone
	}
	return XXReg0 + Field(n)
}

// TunMetadata is tunnel metadata field n (0 to 63) with an option of length
// bytes (1 to 124), which must be the length in the switch's TLV table;
// FieldNone for anything else. Values of more than 16 bytes are not supported.
func TunMetadata(n, length int) Field {
	if n < 0 || n > 63 || length < 1 || length > maxTunMetadata {
		return FieldNone
	}
	return tunMetadata0 + Field(n) | Field(length)<<8
}

const maxTunMetadata = 124

// isTunMetadata tells whether f is one of TunMetadata's.
func (f Field) isTunMetadata() bool {
	i := f & fieldIndex
	return i >= tunMetadata0 && i <= tunMetadata63
}

// info is the registry entry of f; that of FieldNone when f is not valid.
func (f Field) info() *fieldInfo {
	if i := f & fieldIndex; i < numFields {
		return &registry[i]
	}
	return &registry[FieldNone]
}

// Bytes is the size of f on the wire.
func (f Field) Bytes() int {
	if f.isTunMetadata() {
		if n := int(f >> 8); n != 0 {
			return n
		}
		return maxTunMetadata
	}
	return int(f.info().bytes)
}

// Width is the number of bits of f that can be matched, read and written.
func (f Field) Width() int {
	if f.isTunMetadata() {
		return 8 * f.Bytes()
	}
	return int(f.info().bits)
}

// String is the name that ovs-ofctl prints in actions, such as "eth_src".
func (f Field) String() string { return f.info().name }

// full is the mask that compares the whole of f.
func (f Field) full() Value {
	if f == VLANVID {
		return V(0x1fff)
	}
	return Ones(f.Width())
}

// Sub is a run of bits of a field: N bits from bit Ofs upward.
type Sub struct {
	Field Field
	Ofs   uint16
	N     uint16
}

// All is the whole of f.
func All(f Field) Sub { return Sub{f, 0, uint16(f.Width())} }

// Bits is n bits of f from bit ofs upward.
func Bits(f Field, ofs, n int) Sub { return Sub{f, uint16(ofs), uint16(n)} }

// valid tells whether s lies within its field.
func (s Sub) valid() bool {
	return s.N > 0 && int(s.Ofs)+int(s.N) <= s.Field.Width()
}

// whole tells whether s is all of its field.
func (s Sub) whole() bool { return s.Ofs == 0 && int(s.N) == s.Field.Width() }
