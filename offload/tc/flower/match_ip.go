package flower

import "github.com/sluice-gw/sluice/internal/nl"

// IP protocols that have keys of their own.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

var (
	srcKey = addrKey{keyIPv4Src, keyIPv4SrcMask, keyIPv6Src, keyIPv6SrcMask}
	dstKey = addrKey{keyIPv4Dst, keyIPv4DstMask, keyIPv6Dst, keyIPv6DstMask}
)

func (m *Match) encodeIP(e *nl.Encoder) error {
	ip := m.IPProto.Set || m.TOS.IsSet() || m.TTL.IsSet() || m.IPSrc.IsSet() || m.IPDst.IsSet()
	if ip && !m.EthType.isIP() {
		return invalid("IP fields", "need the packet type IPv4 or IPv6 (EthType), or the kernel ignores them")
	}
	is6 := m.EthType == EtherIPv6
	if why := checkAddr(m.IPSrc, is6); why != "" {
		return invalid("src_ip", "%s", why)
	}
	if why := checkAddr(m.IPDst, is6); why != "" {
		return invalid("dst_ip", "%s", why)
	}
	if m.IPProto.Set {
		e.U8(keyIPProto, m.IPProto.Value)
	}
	put8(e, keyTOS, keyTOSMask, m.TOS)
	put8(e, keyTTL, keyTTLMask, m.TTL)
	srcKey.put(e, m.IPSrc)
	dstKey.put(e, m.IPDst)
	return nil
}

func (m *Match) decodeIP(t *nl.Table) {
	if !m.EthType.isIP() {
		return
	}
	m.IPProto.Value, m.IPProto.Set = t.U8(keyIPProto)
	m.TOS = take8(t, keyTOS, keyTOSMask)
	m.TTL = take8(t, keyTTL, keyTTLMask)
	is6 := m.EthType == EtherIPv6
	m.IPSrc = srcKey.take(t, is6)
	m.IPDst = dstKey.take(t, is6)
}

func (m *Match) textIPProto(w *writer) {
	if m.IPProto.Set {
		w.key("ip_proto", "%s", protoText(m.IPProto.Value))
	}
	w.masked8("ip_tos", m.TOS)
	w.masked8("ip_ttl", m.TTL)
}

func protoText(proto uint8) string {
	switch proto {
	case protoICMP:
		return "icmp"
	case protoTCP:
		return "tcp"
	case protoUDP:
		return "udp"
	case protoICMPv6:
		return "icmpv6"
	case protoSCTP:
		return "sctp"
	}
	return hex2(proto)
}

func (m *Match) textAddrs(w *writer) {
	w.addr("dst_ip", m.IPDst)
	w.addr("src_ip", m.IPSrc)
}

// isProto tells whether the protocol is matched and is one of a list.
func (m *Match) isProto(protos ...uint8) bool {
	for _, p := range protos {
		if m.EthType.isIP() && m.IPProto == Some(p) {
			return true
		}
	}
	return false
}
