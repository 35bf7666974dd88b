package flower

import "github.com/sluice-gw/sluice/internal/nl"

// icmpKeys returns the attributes of type and code, each with its mask; ok is false if the match is not for ICMP.
func (m *Match) icmpKeys() (typ, code portKey, ok bool) {
	switch {
	case m.EthType == EtherIPv4 && m.isProto(protoICMP):
		return portKey{keyICMPType, keyICMPTypeMask}, portKey{keyICMPCode, keyICMPCodeMask}, true
	case m.EthType == EtherIPv6 && m.isProto(protoICMPv6):
		return portKey{keyICMPv6Type, keyICMPv6TypeMask}, portKey{keyICMPv6Code, keyICMPv6CodeMask}, true
	}
	return portKey{}, portKey{}, false
}

func (m *Match) encodeICMP(e *nl.Encoder) error {
	typ, code, ok := m.icmpKeys()
	if !ok {
		if m.ICMPType.IsSet() || m.ICMPCode.IsSet() {
			return invalid("icmp", "needs IPv4 with protocol ICMP or IPv6 with ICMPv6, or the kernel ignores it")
		}
		return nil
	}
	put8(e, typ.value, typ.mask, m.ICMPType)
	put8(e, code.value, code.mask, m.ICMPCode)
	return nil
}

func (m *Match) decodeICMP(t *nl.Table) {
	if typ, code, ok := m.icmpKeys(); ok {
		m.ICMPType = take8(t, typ.value, typ.mask)
		m.ICMPCode = take8(t, code.value, code.mask)
	}
}

func (m *Match) textICMP(w *writer) {
	w.decimal8("icmp_type", m.ICMPType)
	w.decimal8("icmp_code", m.ICMPCode)
}
