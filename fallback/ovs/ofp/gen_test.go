package ofp

import (
	"net/netip"

	"pgregory.net/rapid"
)

// The generators make random values of the supported subset for the property
// tests. They keep to what a switch accepts; what it refuses is tested by name.

func genValue(t *rapid.T, width int, label string) Value {
	v := Value{rapid.Uint64().Draw(t, label+".hi"), rapid.Uint64().Draw(t, label+".lo")}
	return v.And(Ones(width))
}

// genMask is all of the field half of the time; else a prefix or anything but 0.
func genMask(t *rapid.T, f Field) Value {
	full := f.full()
	if !f.info().maskable {
		return full
	}
	switch rapid.IntRange(0, 3).Draw(t, "mask") {
	case 0:
		n := rapid.IntRange(1, f.Width()).Draw(t, "prefix")
		return Ones(n).Shl(f.Width() - n)
	case 1:
		if m := genValue(t, f.Width(), "mask"); !m.IsZero() {
			return m
		}
	}
	return full
}

func setRandom(t *rapid.T, m *MatchBuilder, f Field) {
	width := f.full().Len()
	v := genValue(t, width, f.String())
	if f.info().fmt == fmtPort {
		v = V(uint64(rapid.SampledFrom([]Port{1, 77, 0xfeff, PortLocal, PortController}).Draw(t, "port")))
	}
	if f == TunGBPFlags { // ovs-ofctl does not print its mask
		m.SetMasked(f, v, f.full())
		return
	}
	if f == CTState {
		m.SetMasked(f, v.And(V(0xff)), genMask(t, f).And(V(0xff)))
		return
	}
	m.SetMasked(f, v, genMask(t, f))
}

var anyFields = []Field{ConjID, InPort, EthSrc, EthDst, TunID, TunSrc, TunDst, TunIPv6Src, TunIPv6Dst, TunFlags,
	TunGBPID, TunGBPFlags, TunMetadata(0, 4), TunMetadata(3, 8), TunMetadata(63, 16), Reg(0), Reg(1), Reg(5), Reg(10), Reg(15), XReg(3), XXReg(1),
	PktMark, CTState, CTZone, CTMark, CTLabel, Metadata}

var transportFields = map[uint64][]Field{
	protoTCP: {TCPSrc, TCPDst, TCPFlags}, protoUDP: {UDPSrc, UDPDst}, protoSCTP: {SCTPSrc, SCTPDst},
}

// genMatch makes a random canonical match.
func genMatch(t *rapid.T) Match {
	var m MatchBuilder
	some := func(fields ...Field) {
		for _, f := range fields {
			if rapid.IntRange(0, 2).Draw(t, "use "+f.String()) == 0 {
				setRandom(t, &m, f)
			}
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "fields") {
		f := rapid.SampledFrom(anyFields).Draw(t, "field")
		if terms, n := resolve(Term{f, Value{}, f.full()}); n == 1 && m.get(terms[0].Field).Field == FieldNone {
			setRandom(t, &m, f)
		}
	}
	switch rapid.IntRange(0, 3).Draw(t, "vlan") {
	case 0:
		m.SetMasked(VLANTCI, V(0x1000|rapid.Uint64Range(0, 0xffff).Draw(t, "tci")),
			V(rapid.SampledFrom([]uint64{0x1000, 0x1fff, 0xf000, 0xffff, 0x1005}).Draw(t, "tci mask")))
	case 1:
		m.SetMasked(VLANTCI, V(0), V(0x1fff))
	}
	ip := func(icmp uint64) (proto uint64) {
		if rapid.Bool().Draw(t, "frag") {
			k := rapid.SampledFrom([][2]uint64{{0, 3}, {1, 3}, {1, 1}, {0, 2}}).Draw(t, "ip_frag")
			m.SetMasked(IPFrag, V(k[0]), V(k[1]))
		}
		some(IPDSCP, IPECN, IPTTL)
		if rapid.Bool().Draw(t, "has proto") {
			proto = rapid.SampledFrom([]uint64{protoTCP, protoUDP, protoSCTP, icmp, 89}).Draw(t, "proto")
			m.Set(IPProto, proto)
			some(transportFields[proto]...)
		}
		return proto
	}
	switch rapid.IntRange(0, 5).Draw(t, "eth_type") {
	case 0:
		m.Set(EthType, ethIP)
		some(IPv4Src, IPv4Dst)
		if ip(protoICMP) == protoICMP {
			some(ICMPv4Type, ICMPv4Code)
		}
		if rapid.Bool().Draw(t, "ct tuple") {
			m.SetMasked(CTState, V(0x21), V(0x21)) // conntrack fields need a valid connection: +new+trk
			some(CTNWSrc, CTNWDst)
			genCTPorts(t, &m)
		}
	case 1:
		m.Set(EthType, ethIPv6)
		some(IPv6Src, IPv6Dst, IPv6Label)
		if ip(protoICMPv6) == protoICMPv6 {
			genICMPv6(t, &m, some)
		}
	case 2:
		m.Set(EthType, rapid.SampledFrom([]uint64{ethARP, ethRARP}).Draw(t, "arp"))
		if rapid.Bool().Draw(t, "op") {
			m.Set(ARPOp, rapid.Uint64Range(1, 255).Draw(t, "arp_op"))
		}
		some(ARPSPA, ARPTPA, ARPSHA, ARPTHA)
	case 3:
		m.Set(EthType, rapid.SampledFrom([]uint64{ethMPLS, ethMPLSMcast}).Draw(t, "mpls"))
		some(MPLSTC, MPLSBOS, MPLSTTL, MPLSLabel)
	case 4:
		m.Set(EthType, rapid.Uint64Range(0x0a00, 0x7fff).Draw(t, "other type"))
	}
	match, err := m.Append(nil)
	if err != nil {
		// Random values of one field may contradict each other (ct_state).
		return Match{}
	}
	return match
}

func genCTPorts(t *rapid.T, m *MatchBuilder) {
	if rapid.Bool().Draw(t, "ct ports") {
		m.Set(CTNWProto, 6)
		setRandom(t, m, CTTPSrc)
		setRandom(t, m, CTTPDst)
	}
}

func genICMPv6(t *rapid.T, m *MatchBuilder, some func(...Field)) {
	typ := rapid.SampledFrom([]uint64{1, icmp6Sol, icmp6Adv}).Draw(t, "icmpv6_type")
	m.Set(ICMPv6Type, typ)
	switch typ {
	case icmp6Sol:
		m.Set(ICMPv6Code, 0)
		some(NDReserved, NDTarget, NDOptionsType, NDSLL)
	case icmp6Adv:
		m.Set(ICMPv6Code, 0)
		some(NDReserved, NDTarget, NDOptionsType, NDTLL)
	default:
		some(ICMPv6Code)
	}
}

var writable = []Field{TunID, TunSrc, TunDst, TunIPv6Src, TunFlags, Reg(0), Reg(7), Reg(15), XReg(2), XXReg(0), PktMark, Metadata,
	EthSrc, EthDst, InPortNXM, VLANTCI}

func genSub(t *rapid.T, fields []Field, n int) Sub {
	for {
		f := rapid.SampledFrom(fields).Draw(t, "field")
		if w := f.Width(); w >= n {
			return Bits(f, rapid.IntRange(0, w-n).Draw(t, "ofs"), n)
		}
	}
}

var plainRegs = []Field{Reg(0), Reg(3), Reg(11), XReg(1), XXReg(1)}

// genAction makes a random action for IPv4 or IPv6 packets; nested ones down to depth.
func genAction(t *rapid.T, v6 bool, depth int) Action {
	u16 := func(l string) uint16 { return rapid.Uint16().Draw(t, l) }
	u32 := func(l string) uint32 { return rapid.Uint32().Draw(t, l) }
	flag := func(l string) bool { return rapid.Bool().Draw(t, l) }
	port := rapid.SampledFrom([]Port{1, 4711, PortIn, PortLocal, PortNormal, PortFlood, PortAll})
	top := 20
	if depth == 0 {
		top = 17
	}
	switch rapid.IntRange(0, top).Draw(t, "action") {
	case 0:
		return Output{Port: port.Draw(t, "port")}
	case 1:
		return Output{PortController, u16("max_len")}
	case 2:
		return OutputReg{Src: genSub(t, plainRegs, rapid.IntRange(16, 32).Draw(t, "n")), MaxLen: 0xffff}
	case 3:
		return rapid.SampledFrom([]Action{Group{7}, Meter{3}, SetQueue{9}, PopQueue{}, DecTTL{}, CTClear{}, Exit{},
			PushVLAN{0x8100}, SetTTL{64}}).Draw(t, "simple")
	case 4:
		f := rapid.SampledFrom(writable).Draw(t, "field")
		k := genMask(t, f)
		return SetField{f, genValue(t, f.Width(), "value").And(k), k}
	case 5:
		n := rapid.IntRange(1, 32).Draw(t, "n")
		return Move{genSub(t, plainRegs, n), genSub(t, plainRegs, n)}
	case 6:
		return Push{genSub(t, plainRegs, rapid.IntRange(1, 32).Draw(t, "n"))}
	case 7:
		return Pop{genSub(t, plainRegs, rapid.IntRange(1, 32).Draw(t, "n"))}
	case 8:
		return Resubmit{Table: uint8(rapid.IntRange(0, 254).Draw(t, "table")), CT: flag("ct")}
	case 9:
		// Always with a port: without port and table (255) is a text that ovs-ofctl prints but refuses to read.
		return Resubmit{Table: uint8(u16("table")), Port: rapid.SampledFrom([]Port{5, PortLocal}).Draw(t, "port")}
	case 10:
		return Controller{MaxLen: u16("max_len"), ID: 3, Reason: PacketInReason(rapid.IntRange(0, 3).Draw(t, "reason")),
			UserData: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "userdata"), Pause: flag("pause"), Meter: rapid.SampledFrom([]uint32{NoMeter, 3}).Draw(t, "meter")}
	case 11:
		return CheckPktLarger{u16("len"), genSub(t, plainRegs, 1)}
	case 12:
		return Note{append(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "note"), rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "more")...)}
	case 13:
		s := Sample{Probability: 1 + u16("probability")%65535, CollectorSet: u32("set"), ObsDomain: u32("domain"), ObsPoint: u32("point")}
		if flag("port") {
			s.Port = 5
			s.Direction = SampleDirection(rapid.IntRange(0, 2).Draw(t, "direction"))
		}
		return s
	case 14:
		return genLearn(t)
	case 15:
		return Multipath{HashFields(rapid.IntRange(0, 6).Draw(t, "fields")), u16("basis"), MultipathAlgorithm(rapid.IntRange(0, 3).Draw(t, "alg")),
			u16("links") % 1000, u32("arg"), genSub(t, plainRegs, 16)}
	case 16:
		b := Bundle{Fields: HashFields(rapid.IntRange(0, 6).Draw(t, "fields")), Basis: u16("basis"), Algorithm: BundleAlgorithm(rapid.IntRange(0, 1).Draw(t, "alg")),
			Members: []Port{1, 2, 3}[:rapid.IntRange(0, 3).Draw(t, "members")]}
		if flag("load") {
			b.Dst = genSub(t, plainRegs, 16)
		}
		return b
	case 17:
		return genCT(t, v6)
	default:
		return Clone{genActions(t, v6, depth-1)}
	}
}

func genActions(t *rapid.T, v6 bool, depth int) Actions {
	var e Encoder
	for range rapid.IntRange(0, 4).Draw(t, "actions") {
		genAction(t, v6, depth).Append(&e)
	}
	a, err := e.Actions()
	if err != nil {
		t.Fatalf("generated actions: %v", err)
	}
	return a
}

func genCT(t *rapid.T, v6 bool) CT {
	a := CT{Table: uint8(rapid.IntRange(0, 255).Draw(t, "table")), Commit: rapid.Bool().Draw(t, "commit"),
		ALG: rapid.SampledFrom([]uint16{0, 21}).Draw(t, "alg")}
	if rapid.Bool().Draw(t, "zone") {
		a.ZoneSrc = genSub(t, []Field{Reg(0), Reg(11), Reg(13)}, 16)
	} else {
		a.Zone = rapid.Uint16().Draw(t, "zone")
	}
	var e Encoder
	if !a.Commit {
		a.ALG = 0
		if rapid.Bool().Draw(t, "plain nat") {
			NAT{}.Append(&e)
		}
	} else {
		a.Force = rapid.Bool().Draw(t, "force")
		if rapid.Bool().Draw(t, "nat") {
			genNAT(t, v6).Append(&e)
		}
		if rapid.Bool().Draw(t, "exec") {
			Load(genSub(t, []Field{CTMark, CTLabel}, 8), V(rapid.Uint64Range(0, 255).Draw(t, "mark"))).Append(&e)
			Move{Bits(Reg(2), 0, 8), genSub(t, []Field{CTMark, CTLabel}, 8)}.Append(&e)
		}
	}
	var err error
	if a.Actions, err = e.Actions(); err != nil {
		t.Fatalf("generated ct: %v", err)
	}
	return a
}

func genNAT(t *rapid.T, v6 bool) NAT {
	a := NAT{Src: rapid.Bool().Draw(t, "src")}
	a.Dst = !a.Src
	if rapid.Bool().Draw(t, "no range") {
		return a
	}
	switch rapid.IntRange(0, 2).Draw(t, "algorithm") {
	case 0:
		a.Hash = true
	case 1:
		a.Random = true
	}
	a.Persistent = rapid.Bool().Draw(t, "persistent")
	lo, hi := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.9")
	if v6 {
		lo, hi = netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::a:9")
	}
	a.AddrMin = lo
	if rapid.Bool().Draw(t, "range") {
		a.AddrMax = hi
	}
	if rapid.Bool().Draw(t, "ports") {
		a.PortMin = 1000
		if rapid.Bool().Draw(t, "port range") {
			a.PortMax = 2000
		}
	}
	return a
}

func genLearn(t *rapid.T) Learn {
	a := Learn{Table: uint8(rapid.IntRange(0, 254).Draw(t, "table")), Priority: rapid.Uint16().Draw(t, "priority"),
		IdleTimeout: rapid.Uint16().Draw(t, "idle"), HardTimeout: rapid.Uint16().Draw(t, "hard"), FinIdleTimeout: 3,
		Cookie: rapid.Uint64().Draw(t, "cookie"), SendFlowRem: rapid.Bool().Draw(t, "rem"), DeleteLearned: rapid.Bool().Draw(t, "del")}
	if rapid.Bool().Draw(t, "limit") {
		a.Limit = 10
		if rapid.Bool().Draw(t, "result") {
			a.ResultDst = Bits(Reg(4), 3, 1)
		}
	}
	a.Specs = append(a.Specs, LearnSpec{Kind: LearnMatch, Value: V(ethIP), Dst: All(EthType)})
	for range rapid.IntRange(0, 4).Draw(t, "specs") {
		n := rapid.IntRange(1, 32).Draw(t, "n")
		s := LearnSpec{Kind: LearnKind(rapid.IntRange(0, 2).Draw(t, "kind")), Dst: genSub(t, plainRegs, n)}
		switch {
		case s.Kind == LearnOutput:
			s.Src, s.Dst = genSub(t, plainRegs, 16), Sub{}
		case rapid.Bool().Draw(t, "field"):
			s.Src = genSub(t, plainRegs, n)
		default:
			s.Value = genValue(t, n, "constant")
		}
		a.Specs = append(a.Specs, s)
	}
	return a
}

// genFlowMod makes a random flow: either its match is any and its actions are
// simple, or the other way round, because actions must suit the match.
func genFlowMod(t *rapid.T) *FlowMod {
	m := &FlowMod{Table: uint8(rapid.IntRange(0, 253).Draw(t, "table")), Priority: rapid.Uint16().Draw(t, "priority"),
		Cookie: rapid.Uint64().Draw(t, "cookie"), IdleTimeout: rapid.Uint16Range(0, 2).Draw(t, "idle"), HardTimeout: rapid.Uint16Range(0, 2).Draw(t, "hard"),
		Importance: rapid.Uint16Range(0, 2).Draw(t, "importance"),
		Flags:      FlowFlags(rapid.Uint16Range(0, 31).Draw(t, "flags"))}
	if rapid.Bool().Draw(t, "any match") {
		m.Match = genMatch(t)
		var e Encoder
		Resubmit{Table: 9}.Append(&e)
		m.Actions, _ = e.Actions()
		return m
	}
	var b MatchBuilder
	v6 := rapid.Bool().Draw(t, "v6")
	b.Set(EthType, map[bool]uint64{false: ethIP, true: ethIPv6}[v6])
	b.Set(IPProto, protoTCP)
	b.SetMasked(CTState, V(0x21), V(0x21))
	m.Match, _ = b.Append(nil)
	m.Actions = genActions(t, v6, 2)
	return m
}
