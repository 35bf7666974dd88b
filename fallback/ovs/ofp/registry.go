package ofp

// oxm identifies a field on the wire: an OXM class and number and, in the
// experimenter class, the experimenter.
type oxm struct {
	class uint16
	num   uint8
	exp   uint32
}

// The OXM classes.
const (
	classNXM0 = 0x0000
	classNXM1 = 0x0001
	classERIC = 0x1000
	classOF   = 0x8000
	classRegs = 0x8001
	classExp  = 0xffff

	expNicira = 0x00002320
	expONF    = 0x4f4e4600
)

// prereq is what a match must contain for a field to make sense in it.
type prereq uint8

const (
	preNone prereq = iota
	preEth
	preVLAN
	preIPv4
	preIPv6
	preIP
	preMPLS
	preARP
	preTCP
	preUDP
	preSCTP
	preICMPv4
	preICMPv6
	preND
	preNDSol
	preNDAdv
	preCT
	preCT4
	preCT6
)

// format is how ovs-ofctl writes a value.
type format uint8

const (
	fmtHex format = iota
	fmtDec
	fmtMAC
	fmtIPv4
	fmtIPv6
	fmtPort
	fmtFrag
	fmtCTState
	fmtTCPFlags
	fmtTunFlags
	fmtPacketType
)

// fieldInfo is what is known about a field. A field has an NXM name, an OXM
// name or both; nxmName is then the one that Open vSwitch prefers for headers
// without a version (nicira-ext.h actions) and for "field[]" text, oxmName the
// one for OpenFlow 1.5 messages.
type fieldInfo struct {
	name, alias      string // ovs-ofctl names; alias may be ""
	bits, bytes      uint8
	maskable         bool
	readOnly         bool
	pre              prereq
	fmt              format
	nxm, oxm         oxm
	nxmName, oxmName string // "" when there is none
}

// preferNXM is the wire identity for headers outside of OpenFlow 1.5 rules.
func (i *fieldInfo) preferNXM() (oxm, string) {
	if i.nxmName != "" {
		return i.nxm, i.nxmName
	}
	return i.oxm, i.oxmName
}

// preferOXM is the wire identity in matches, set_field and copy_field.
func (i *fieldInfo) preferOXM() (oxm, string) {
	if i.oxmName != "" {
		return i.oxm, i.oxmName
	}
	return i.nxm, i.nxmName
}
