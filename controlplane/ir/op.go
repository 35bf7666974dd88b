package ir

import "net/netip"

// Op is one operation of a program. The set is closed; each is a plain value.
type Op interface {
	// AppendText appends the canonical text.
	AppendText(b []byte) []byte
}

// Set loads a constant into bits of a field.
type Set struct {
	Dst   Sub
	Value Value
}

// Copy copies bits of one field to another; Dst.N == Src.N.
type Copy struct{ Dst, Src Sub }

// Push saves bits of a field on the packet's stack; Pop restores them.
type (
	Push struct{ Src Sub }
	Pop  struct{ Dst Sub }
)

// DecTTL decrements the IP TTL (hop limit). When it would reach 0 the rest of
// the program is skipped (ovs-actions(7), dec_ttl).
type DecTTL struct{}

// Call runs another stage as a subroutine.
type Call struct{ Stage Stage }

// ToPort sends the packet out of a port of the integration bridge (a copy: the
// program goes on). Port 0 is none; InPortNumber means back where it came from,
// which ToPort{n} with n == in_port never does.
type ToPort struct{ Port uint32 }

// InPortNumber as ToPort.Port sends the packet back out of its in_port.
const InPortNumber = 0xfffffff8

// FirstUp sends the packet out of the first of Ports that is up (active-backup by
// link state and BFD); nothing when none is.
type FirstUp struct{ Ports []uint32 }

// PushVLAN adds an empty VLAN header (Set VLANTCI then fills it) of the
// ethertype TPID, 0x8100 or 0x88a8; PopVLAN removes the outermost one.
type (
	PushVLAN struct{ TPID uint16 }
	PopVLAN  struct{}
)

// CT sends the packet through connection tracking (ovs-actions(7), ct).
type CT struct {
	Commit bool
	Force  bool
	Zone   ZoneRef
	// Next is the stage where a copy with connection-tracking state goes on;
	// NoStage for none.
	Next Stage
	NAT  *NAT // nil: no NAT
	Exec []Op // Set and Copy to CTMark and CTLabel, on commit
	ALG  uint16
}

// ZoneRef is a conntrack zone: the low 16 bits of a register, or a constant when Field is FieldNone.
type ZoneRef struct {
	Sub   Sub
	Const uint16
}

// NAT is what a CT does to addresses. With neither SNAT nor DNAT it applies the
// translation that the connection has already.
type NAT struct {
	SNAT, DNAT         bool
	AddrMin, AddrMax   netip.Addr // AddrMax is the zero Addr for a single address
	PortMin, PortMax   uint16     // 0: not given
	Hash, Random, Keep bool       // hash, random, persistent
}

// CTClear forgets the connection-tracking state of the packet.
type CTClear struct{}

// Select runs one bucket, chosen by hash, weighted.
type Select struct {
	// Fields are hashed; empty means the target's default five-tuple hash (dp_hash).
	Fields  []Field
	Buckets []Bucket
}

// Bucket is one choice of a Select.
type Bucket struct {
	Weight uint16
	Watch  uint32 // port that must be up; 0 for none
	Ops    []Op
}

// Clone runs operations on a copy; their changes end with it.
type Clone struct{ Ops []Op }

// Punt hands the packet to the controller (controlplane/punt).
type Punt struct {
	Opcode Opcode
	Args   []byte // as documented with the opcode in controlplane/action
	Inner  []Op   // to be run on the packet that the controller makes
	// Pause: the pipeline waits and goes on behind this operation when the
	// controller answers, with Result set (1 bit: success).
	Pause  bool
	Result Sub
	Meter  string // Meter row that limits it; "" for none
}

// CheckLarger sets the one bit Dst to whether the packet is longer than Len bytes (L2 header included).
type CheckLarger struct {
	Dst Sub
	Len uint16
}

// Learn adds a rule to Stage made from the packet (ovs-actions(7), learn).
type Learn struct {
	Stage       Stage
	Priority    uint16
	Idle        uint16 // seconds without a packet after which the rule goes; 0: none
	Hard        uint16 // seconds after which it goes in any case; 0: none
	DeleteOnDel bool   // learned rules go with the rule that learned them
	Matches     []LearnMatch
	Loads       []LearnLoad
}

// LearnMatch is a term of a learned rule: Dst equals the packet's Src, or Value when Src.Field is FieldNone.
type LearnMatch struct {
	Dst   Sub
	Src   Sub
	Value Value
}

// LearnLoad is an operation of a learned rule: load the packet's Src, or Value when Src.Field is FieldNone, into Dst.
type LearnLoad struct {
	Dst   Sub
	Src   Sub
	Value Value
}

// Sample sends a sample of the packet to a collector set (IPFIX).
type Sample struct {
	Probability  uint16
	CollectorSet uint32
	ObsDomain    uint32
	ObsPoint     uint32
	ObsPointSub  Sub // when its Field is not FieldNone, the observation point is read from here
}

// SetQueue puts the packet into an egress QoS queue.
type SetQueue struct{ ID uint32 }

// Meter polices with the Meter row Name or, when Name is "", with the rate and burst given (kb/s, kb).
type Meter struct {
	Name        string
	Rate, Burst uint64
}

// Screen has the switch judge the packet by an access list that is not among the rules. Here it passes; in front of the switch nothing may go by it.
type Screen struct{}

// Opcode says what the controller shall do with a punted packet. The numbers are
// those of OVN's enum action_opcode, so that tools which know them keep working.
type Opcode uint32

// The opcodes.
const (
	OpARP Opcode = iota
	OpPutARP
	OpPutDHCPOpts
	OpNDNA
	OpPutND
	OpPutDHCPv6Opts
	OpDNSLookup
	OpLog
	OpPutNDRAOpts
	OpNDNS
	OpICMP
	OpTCPReset
	OpNDNARouter
	OpPutICMP4FragMTU // superseded by Args of OpICMP4Error
	OpICMP4Error
	OpEvent
	OpIGMP
	OpBindVport
	OpHandleSvcCheck
	OpDHCP6Server // handle_dhcpv6_reply
	OpICMP6Error
	OpPutICMP6FragMTU // superseded by Args of OpICMP6Error
	OpReject
	OpBFDMsg
	OpSCTPAbort
	OpPutFDB
	OpActivationStrategy
	OpSplitBuf // superseded
	OpDHCPRelayReqChk
	OpDHCPRelayRespChk
	OpPutICMP4InnerSrc // superseded by Args of OpICMP4Error
	numOpcodes
)

var opcodeNames = [numOpcodes]string{
	"arp", "put_arp", "put_dhcp_opts", "nd_na", "put_nd", "put_dhcpv6_opts", "dns_lookup", "log", "put_nd_ra_opts",
	"nd_ns", "icmp", "tcp_reset", "nd_na_router", "put_icmp4_frag_mtu", "icmp4_error", "event", "igmp", "bind_vport",
	"handle_svc_check", "handle_dhcpv6_reply", "icmp6_error", "put_icmp6_frag_mtu", "reject", "handle_bfd_msg",
	"sctp_abort", "put_fdb", "activation_strategy", "split_buf", "dhcp_relay_req_chk", "dhcp_relay_resp_chk",
	"put_icmp4_inner_src",
}

// String is the action's name in the OVN language.
func (o Opcode) String() string {
	if o < numOpcodes {
		return opcodeNames[o]
	}
	return "opcode?"
}
