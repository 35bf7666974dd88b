package ir

// Field is one field of the packet, its encapsulation, its connection-tracking
// state or the pipeline's registers.
type Field uint8

// The fields. Registers follow facts of OVN (include/ovn/logical-fields.h):
// Flags, zones and ports are registers 10 to 15 of the 16 that OVN uses.
const (
	FieldNone Field = iota

	// Pipeline state.
	Datapath // logical datapath tunnel key; a rule's own datapath is Rule.Datapath
	Reg0
	Reg1
	Reg2
	Reg3
	Reg4
	Reg5
	Reg6
	Reg7
	Reg8
	Reg9
	Flags    // reg10, see the Flag constants
	DNATZone // reg11: conntrack zone for DNAT of the logical router
	SNATZone // reg12: conntrack zone for SNAT of the logical router
	CTZone   // reg13: bits 0..15 conntrack zone of the logical port, 16..31 encap id
	Inport   // reg14: logical input port key
	Outport  // reg15: logical output port key or multicast group key
	XReg0    // view: Reg0<<32 | Reg1, and so on to XReg4 = Reg8, Reg9
	XReg1
	XReg2
	XReg3
	XReg4
	XXReg0 // view: Reg0 (most significant) to Reg3
	XXReg1 // view: Reg4 to Reg7
	PktMark

	// Where the packet entered the chassis.
	InPort // port number on the integration bridge; 0 is none
	TunID  // VNI or key of the tunnel header
	TunOpt // Geneve option class 0x0102 type 0x80: bits 30..16 ingress, 15..0 egress port
	TunSrc
	TunDst
	TunSrc6
	TunDst6

	// Connection tracking.
	CTState // bits of ovs-fields(7) ct_state
	CTMark
	CTLabel
	CTProto // original direction tuple
	CTIP4Src
	CTIP4Dst
	CTIP6Src
	CTIP6Dst
	CTTPSrc
	CTTPDst

	// Packet headers.
	EthSrc
	EthDst
	EthType
	VLANTCI // bit 12 is 1 when a VLAN header is there
	IPProto
	IPDSCP // 6 bits
	IPECN
	IPTTL
	IPFrag // bit 0: fragment, bit 1: not the first
	IP4Src
	IP4Dst
	IP6Src
	IP6Dst
	IP6Label
	ARPOp
	ARPSPA
	ARPTPA
	ARPSHA
	ARPTHA
	ICMP4Type
	ICMP4Code
	ICMP6Type
	ICMP6Code
	NDTarget
	NDSLL
	NDTLL
	TCPSrc
	TCPDst
	TCPFlags
	UDPSrc
	UDPDst
	SCTPSrc
	SCTPDst

	NumFields
)

// FieldInfo describes a field.
type FieldInfo struct {
	Name  string // canonical text name
	Width int    // bits, 1 to 128
	View  bool   // XReg, XXReg: other fields seen as one
	Read  bool   // true when operations cannot write it
}

var fields = [NumFields]FieldInfo{
	Datapath: {Name: "datapath", Width: 64},
	Reg0:     {Name: "reg0", Width: 32}, Reg1: {Name: "reg1", Width: 32},
	Reg2: {Name: "reg2", Width: 32}, Reg3: {Name: "reg3", Width: 32},
	Reg4: {Name: "reg4", Width: 32}, Reg5: {Name: "reg5", Width: 32},
	Reg6: {Name: "reg6", Width: 32}, Reg7: {Name: "reg7", Width: 32},
	Reg8: {Name: "reg8", Width: 32}, Reg9: {Name: "reg9", Width: 32},
	Flags: {Name: "flags", Width: 32}, DNATZone: {Name: "dnat_zone", Width: 32},
	SNATZone: {Name: "snat_zone", Width: 32}, CTZone: {Name: "ct_zone", Width: 32},
	Inport: {Name: "inport", Width: 32}, Outport: {Name: "outport", Width: 32},
	XReg0: {Name: "xreg0", Width: 64, View: true}, XReg1: {Name: "xreg1", Width: 64, View: true},
	XReg2: {Name: "xreg2", Width: 64, View: true}, XReg3: {Name: "xreg3", Width: 64, View: true},
	XReg4:  {Name: "xreg4", Width: 64, View: true},
	XXReg0: {Name: "xxreg0", Width: 128, View: true}, XXReg1: {Name: "xxreg1", Width: 128, View: true},
	PktMark: {Name: "pkt.mark", Width: 32},
	InPort:  {Name: "in_port", Width: 32},
	TunID:   {Name: "tun.id", Width: 64}, TunOpt: {Name: "tun.opt", Width: 32},
	TunSrc: {Name: "tun.src", Width: 32}, TunDst: {Name: "tun.dst", Width: 32},
	TunSrc6: {Name: "tun.src6", Width: 128}, TunDst6: {Name: "tun.dst6", Width: 128},
	CTState: {Name: "ct_state", Width: 32, Read: true},
	CTMark:  {Name: "ct_mark", Width: 32}, CTLabel: {Name: "ct_label", Width: 128},
	CTProto:  {Name: "ct_proto", Width: 8, Read: true},
	CTIP4Src: {Name: "ct_ip4.src", Width: 32, Read: true}, CTIP4Dst: {Name: "ct_ip4.dst", Width: 32, Read: true},
	CTIP6Src: {Name: "ct_ip6.src", Width: 128, Read: true}, CTIP6Dst: {Name: "ct_ip6.dst", Width: 128, Read: true},
	CTTPSrc: {Name: "ct_tp.src", Width: 16, Read: true}, CTTPDst: {Name: "ct_tp.dst", Width: 16, Read: true},
	EthSrc: {Name: "eth.src", Width: 48}, EthDst: {Name: "eth.dst", Width: 48},
	EthType: {Name: "eth.type", Width: 16, Read: true}, VLANTCI: {Name: "vlan.tci", Width: 16},
	IPProto: {Name: "ip.proto", Width: 8, Read: true},
	IPDSCP:  {Name: "ip.dscp", Width: 6}, IPECN: {Name: "ip.ecn", Width: 2},
	IPTTL: {Name: "ip.ttl", Width: 8}, IPFrag: {Name: "ip.frag", Width: 2, Read: true},
	IP4Src: {Name: "ip4.src", Width: 32}, IP4Dst: {Name: "ip4.dst", Width: 32},
	IP6Src: {Name: "ip6.src", Width: 128}, IP6Dst: {Name: "ip6.dst", Width: 128},
	IP6Label: {Name: "ip6.label", Width: 20},
	ARPOp:    {Name: "arp.op", Width: 16},
	ARPSPA:   {Name: "arp.spa", Width: 32}, ARPTPA: {Name: "arp.tpa", Width: 32},
	ARPSHA: {Name: "arp.sha", Width: 48}, ARPTHA: {Name: "arp.tha", Width: 48},
	ICMP4Type: {Name: "icmp4.type", Width: 8}, ICMP4Code: {Name: "icmp4.code", Width: 8},
	ICMP6Type: {Name: "icmp6.type", Width: 8}, ICMP6Code: {Name: "icmp6.code", Width: 8},
	NDTarget: {Name: "nd.target", Width: 128}, NDSLL: {Name: "nd.sll", Width: 48}, NDTLL: {Name: "nd.tll", Width: 48},
	TCPSrc: {Name: "tcp.src", Width: 16}, TCPDst: {Name: "tcp.dst", Width: 16},
	TCPFlags: {Name: "tcp.flags", Width: 12, Read: true},
	UDPSrc:   {Name: "udp.src", Width: 16}, UDPDst: {Name: "udp.dst", Width: 16},
	SCTPSrc: {Name: "sctp.src", Width: 16}, SCTPDst: {Name: "sctp.dst", Width: 16},
}

// Info describes f.
func (f Field) Info() FieldInfo {
	if f < NumFields {
		return fields[f]
	}
	return FieldInfo{Name: "?"}
}

// Width is the number of bits of f.
func (f Field) Width() int { return f.Info().Width }

// String is the canonical name of f.
func (f Field) String() string { return f.Info().Name }

// Parts returns the registers that a view is made of, most significant first,
// each 32 bits wide; for any other field, nil.
func (f Field) Parts() []Field {
	switch {
	case f >= XReg0 && f <= XReg4:
		r := Reg0 + 2*(f-XReg0)
		return []Field{r, r + 1}
	case f == XXReg0 || f == XXReg1:
		r := Reg0 + 4*(f-XXReg0)
		return []Field{r, r + 1, r + 2, r + 3}
	}
	return nil
}

var fieldByName = func() map[string]Field {
	m := make(map[string]Field, NumFields)
	for f := FieldNone + 1; f < NumFields; f++ {
		m[fields[f].Name] = f
	}
	return m
}()

// FieldByName finds a field by its canonical name.
func FieldByName(name string) (Field, bool) { f, ok := fieldByName[name]; return f, ok }

// Bits of Flags (OVN's MLF_* bits; private to one chassis).
const (
	FlagAllowLoopback      = 0
	FlagRcvFromRamp        = 1
	FlagForceSNATForDNAT   = 2
	FlagForceSNATForLB     = 3
	FlagLocalOnly          = 4
	FlagNestedContainer    = 5
	FlagLookupMAC          = 6
	FlagLookupLBHairpin    = 7
	FlagLookupFDB          = 8
	FlagSkipSNATForLB      = 9
	FlagLocalport          = 10
	FlagUseSNATZone        = 11
	FlagCheckPortSec       = 12
	FlagLookupCommitECMPNH = 13
	FlagUseLBAffSession    = 14
	FlagLocalnet           = 15
	FlagRxFromTunnel       = 16
	FlagICMPSNAT           = 17
	FlagOverrideLocalOnly  = 18
	FlagFromCtrl           = 19
	FlagUnSNATNew          = 20
	FlagUnSNATNotTracked   = 21
	FlagIGMPSnoopInject    = 22
	FlagPktSampled         = 23
	FlagRecirc             = 24
	FlagEVPNLookup         = 25
	FlagNetworkID          = 28 // 4 bits
)

// Bits of CTState (ovs-fields(7)).
const (
	CTNew  = 1 << 0
	CTEst  = 1 << 1
	CTRel  = 1 << 2
	CTRpl  = 1 << 3
	CTInv  = 1 << 4
	CTTrk  = 1 << 5
	CTSNAT = 1 << 6
	CTDNAT = 1 << 7
)

// Sub is a run of bits of a field: N bits from bit Ofs upward.
type Sub struct {
	Field Field
	Ofs   uint8
	N     uint8
}

// All is the whole of f.
func All(f Field) Sub { return Sub{f, 0, uint8(f.Width())} }

// Bits is n bits of f from bit ofs upward.
func Bits(f Field, ofs, n int) Sub { return Sub{f, uint8(ofs), uint8(n)} }

// Whole tells whether s is all of its field.
func (s Sub) Whole() bool { return s.Ofs == 0 && int(s.N) == s.Field.Width() }
