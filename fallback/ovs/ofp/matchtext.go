package ofp

// matchText writes a match as ovs-ofctl does (ovs-fields(7) names, the older
// ones such as dl_src where ovs-ofctl prefers them).
type matchText struct {
	b     []byte
	terms []Term
}

// AppendText appends the match as "ovs-ofctl dump-flows" prints it; nothing for
// a match of every packet. It fails as Match.Canonical does.
func (m Match) AppendText(b []byte) ([]byte, error) {
	var mb MatchBuilder
	for t, err := range m.Terms() {
		if err != nil {
			return b, err
		}
		mb.SetMasked(t.Field, t.Value, t.Mask)
	}
	if mb.err != nil {
		return b, mb.err
	}
	start := len(b)
	t := matchText{b, mb.terms}
	t.all()
	if len(t.b) > start {
		t.b = t.b[:len(t.b)-1] // the last comma
	}
	return t.b, nil
}

// String is the text of AppendText, or the error.
func (m Match) String() string {
	b, err := m.AppendText(nil)
	if err != nil {
		return "<" + err.Error() + ">"
	}
	return string(b)
}

func (t *matchText) get(f Field) (Term, bool) {
	for _, x := range t.terms {
		if x.Field == f {
			return x, true
		}
	}
	return Term{}, false
}

// exact is the value that f must have; -1 when it may have several.
func (t *matchText) exact(f Field) int64 {
	if x, ok := t.get(f); ok && x.Exact() {
		return int64(x.Value.Lo)
	}
	return -1
}

// all writes the terms in the order of ovs-ofctl, each followed by a comma.
func (t *matchText) all() {
	ethType, proto := t.exact(EthType), t.exact(IPProto)

	t.hex("pkt_mark", PktMark)
	t.hex("recirc_id", RecircID)
	t.hex("dp_hash", DPHash)
	t.dec("conj_id", ConjID)
	t.port("actset_output", ActsetOutput)
	t.connection()
	if _, ok := t.get(RecircID); ok && t.ethernet() {
		t.b = append(t.b, "eth,"...) // only said of flows of a datapath
	}
	short, typeSaid, protoSaid := shorthand(ethType, proto)
	if short != "" {
		t.b = append(append(t.b, short...), ',')
	}
	t.registers()
	t.tunnel()
	t.hex("metadata", Metadata)
	t.port("in_port", InPort)
	t.vlan()
	t.field("dl_src", EthSrc)
	t.field("dl_dst", EthDst)
	if ethType >= 0 && !typeSaid {
		t.b = appendHexPadded(append(t.b, "dl_type=0x"...), uint64(ethType), 4)
		t.comma()
	}
	t.network(ethType, protoSaid)
	t.transport(ethType, proto)
}

// ethernet tells whether a field needs an Ethernet packet.
func (t *matchText) ethernet() bool {
	for _, x := range t.terms {
		if x.Field.info().pre != preNone {
			return true
		}
	}
	return false
}

func (t *matchText) comma() { t.b = append(t.b, ',') }

func (t *matchText) name(s string) { t.b = append(append(t.b, s...), '=') }

// hex writes "name=0x1/0xf".
func (t *matchText) hex(name string, f Field) {
	x, ok := t.get(f)
	if !ok {
		return
	}
	t.hexTerm(name, x.Value, x.Mask, f.full())
}

func (t *matchText) hexTerm(name string, v, mask, full Value) {
	t.name(name)
	t.b = appendHex(t.b, v)
	if mask != full {
		t.b = appendHex(append(t.b, '/'), mask)
	}
	t.comma()
}

func (t *matchText) dec(name string, f Field) {
	if x, ok := t.get(f); ok {
		t.name(name)
		t.b = appendUint(t.b, x.Value.Lo)
		t.comma()
	}
}

// dec16 writes a decimal number, or value and mask in hexadecimal with prefixes.
func (t *matchText) dec16(name string, f Field) {
	x, ok := t.get(f)
	if !ok {
		return
	}
	t.name(name)
	if x.Exact() {
		t.b = appendUint(t.b, x.Value.Lo)
	} else {
		t.b = appendHexPadded(append(t.b, "0x"...), x.Value.Lo, 1)
		t.b = appendHexPadded(append(t.b, "/0x"...), x.Mask.Lo, 1)
	}
	t.comma()
}

// field writes a value as the field's format says.
func (t *matchText) field(name string, f Field) {
	if x, ok := t.get(f); ok {
		t.name(name)
		t.b = appendFieldValue(t.b, f, x.Value, x.Mask)
		t.comma()
	}
}

func (t *matchText) port(name string, f Field) {
	if x, ok := t.get(f); ok {
		t.name(name)
		t.b = append(t.b, Port(x.Value.Lo).String()...)
		t.comma()
	}
}

func (t *matchText) connection() {
	if x, ok := t.get(CTState); ok {
		t.name("ct_state")
		full := x.Mask.Lo & 0xffff
		if x.Mask.Lo == 0xff {
			full = 0xff
		}
		t.b = ctStateNames.appendMasked(t.b, x.Value.Lo, full, 0xff)
		t.comma()
	}
	t.dec("ct_zone", CTZone)
	t.hex("ct_mark", CTMark)
	t.hex("ct_label", CTLabel)
	t.field("ct_nw_src", CTNWSrc)
	t.field("ct_ipv6_src", CTIPv6Src)
	t.field("ct_nw_dst", CTNWDst)
	t.field("ct_ipv6_dst", CTIPv6Dst)
	if _, ok := t.get(CTNWProto); ok {
		t.dec("ct_nw_proto", CTNWProto)
		t.dec16("ct_tp_src", CTTPSrc)
		t.dec16("ct_tp_dst", CTTPDst)
	}
}

// shorthand is the word that stands for an Ethernet type and IP protocol, and
// which of the two it says.
func shorthand(ethType, proto int64) (word string, typeSaid, protoSaid bool) {
	suffix, icmp := "", int64(protoICMP)
	switch ethType {
	case ethIP:
		word = "ip"
	case ethIPv6:
		word, suffix, icmp = "ipv6", "6", protoICMPv6
	case ethARP:
		return "arp", true, false
	case ethRARP:
		return "rarp", true, false
	case ethMPLS:
		return "mpls", true, false
	case ethMPLSMcast:
		return "mplsm", true, false
	default:
		return "", false, false
	}
	switch proto {
	case icmp:
		return "icmp" + suffix, true, true
	case protoTCP:
		return "tcp" + suffix, true, true
	case protoUDP:
		return "udp" + suffix, true, true
	case protoSCTP:
		return "sctp" + suffix, true, true
	}
	return word, true, false
}

func (t *matchText) registers() {
	for i := range 16 {
		x, ok := t.get(XReg0 + Field(i/2))
		if !ok {
			continue
		}
		sh := 32 * (1 - i&1)
		mask := x.Mask.Shr(sh).And(Ones(32))
		if !mask.IsZero() {
			t.hexTerm(Reg(i).String(), x.Value.Shr(sh).And(Ones(32)), mask, Ones(32))
		}
	}
}

func (t *matchText) tunnel() {
	t.hex("tun_id", TunID)
	t.field("tun_src", TunSrc)
	t.field("tun_dst", TunDst)
	t.field("tun_ipv6_src", TunIPv6Src)
	t.field("tun_ipv6_dst", TunIPv6Dst)
	t.dec16("tun_gbp_id", TunGBPID)
	if x, ok := t.get(TunGBPFlags); ok {
		t.name("tun_gbp_flags")
		t.b = appendHex(t.b, x.Value) // ovs-ofctl does not show its mask
		t.comma()
	}
	if x, ok := t.get(TunFlags); ok {
		t.name("tun_flags")
		t.b = tunFlagNames.appendMasked(t.b, x.Value.Lo, x.Mask.Lo, 0xf)
		t.comma()
	}
	for _, x := range t.terms {
		if !x.Field.isTunMetadata() {
			continue
		}
		t.b = append(t.b, x.Field.String()...)
		if !x.Mask.IsZero() {
			t.b = appendHex(append(t.b, '='), x.Value)
			// ovs-ofctl does not know how long the option is: it shows a mask
			// that has a 0 below its highest byte.
			if bytes := (x.Mask.Len() + 7) / 8; !x.Exact() && x.Mask != Ones(8*bytes) {
				t.b = appendHex(append(t.b, '/'), x.Mask)
			}
		}
		t.comma()
	}
}

func (t *matchText) vlan() {
	vid, _ := t.get(VLANVID)
	pcp, _ := t.get(VLANPCP)
	value := vid.Value.Lo | pcp.Value.Lo<<13
	mask := vid.Mask.Lo | pcp.Mask.Lo<<13
	const cfi, vidMask, pcpMask = 0x1000, 0x0fff, 0xe000
	v, p := mask&vidMask, mask&pcpMask
	switch {
	case mask == 0:
	case value&mask&cfi != 0 && (v == 0 || v == vidMask) && (p == 0 || p == pcpMask) && v|p != 0:
		if v != 0 {
			t.b = appendUint(append(t.b, "dl_vlan="...), value&vidMask)
			t.comma()
		}
		if p != 0 {
			t.b = appendUint(append(t.b, "dl_vlan_pcp="...), value>>13)
			t.comma()
		}
	default:
		t.b = appendHexPadded(append(t.b, "vlan_tci=0x"...), value, 4)
		if mask != 0xffff {
			t.b = appendHexPadded(append(t.b, "/0x"...), mask, 4)
		}
		t.comma()
	}
}

func (t *matchText) network(ethType int64, protoSaid bool) {
	arp := ethType == ethARP || ethType == ethRARP
	switch {
	case ethType == ethIPv6:
		t.field("ipv6_src", IPv6Src)
		t.field("ipv6_dst", IPv6Dst)
		if x, ok := t.get(IPv6Label); ok {
			t.b = appendHexPadded(append(t.b, "ipv6_label=0x"...), x.Value.Lo, 5)
			if !x.Exact() {
				t.b = appendHexPadded(append(t.b, "/0x"...), x.Mask.Lo, 5)
			}
			t.comma()
		}
	case arp:
		t.field("arp_spa", ARPSPA)
		t.field("arp_tpa", ARPTPA)
		t.dec("arp_op", ARPOp)
		t.field("arp_sha", ARPSHA)
		t.field("arp_tha", ARPTHA)
	default:
		t.field("nw_src", IPv4Src)
		t.field("nw_dst", IPv4Dst)
	}
	if !protoSaid {
		t.dec("nw_proto", IPProto)
	}
	if x, ok := t.get(IPDSCP); ok {
		t.b = appendUint(append(t.b, "nw_tos="...), x.Value.Lo<<2)
		t.comma()
	}
	t.dec("nw_ecn", IPECN)
	t.dec("nw_ttl", IPTTL)
	t.dec("mpls_label", MPLSLabel)
	t.dec("mpls_tc", MPLSTC)
	t.dec("mpls_ttl", MPLSTTL)
	t.dec("mpls_bos", MPLSBOS)
	t.field("nw_frag", IPFrag)
}

func (t *matchText) transport(ethType, proto int64) {
	switch {
	case ethType == ethIP && proto == protoICMP:
		t.dec("icmp_type", ICMPv4Type)
		t.dec("icmp_code", ICMPv4Code)
	case ethType == ethIPv6 && proto == protoICMPv6:
		t.dec("icmp_type", ICMPv6Type)
		t.dec("icmp_code", ICMPv6Code)
		t.field("nd_target", NDTarget)
		t.field("nd_sll", NDSLL)
		t.field("nd_tll", NDTLL)
		t.dec("nd_reserved", NDReserved)
		t.dec("nd_options_type", NDOptionsType)
	}
	for _, f := range [...]Field{TCPSrc, UDPSrc, SCTPSrc} {
		t.dec16("tp_src", f)
	}
	for _, f := range [...]Field{TCPDst, UDPDst, SCTPDst} {
		t.dec16("tp_dst", f)
	}
	if x, ok := t.get(TCPFlags); ok {
		t.name("tcp_flags")
		t.b = tcpFlagNames.appendMasked(t.b, x.Value.Lo, x.Mask.Lo, 0xfff)
		t.comma()
	}
}
