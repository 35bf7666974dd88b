package flower

import "github.com/sluice-gw/sluice/internal/nl"

// A PortRange matches the ports from Min to Max, both included. The zero value matches all; the kernel wants Min < Max.
type PortRange struct{ Min, Max uint16 }

// portKey are the attributes of a match on a port: value and mask.
type portKey struct{ value, mask uint16 }

// portKeys returns the attributes of source and destination port of a protocol.
func portKeys(proto uint8) (src, dst portKey) {
	switch proto {
	case protoTCP:
		return portKey{keyTCPSrc, keyTCPSrcMask}, portKey{keyTCPDst, keyTCPDstMask}
	case protoUDP:
		return portKey{keyUDPSrc, keyUDPSrcMask}, portKey{keyUDPDst, keyUDPDstMask}
	}
	return portKey{keySCTPSrc, keySCTPSrcMask}, portKey{keySCTPDst, keySCTPDstMask}
}

func (m *Match) hasPorts() bool { return m.isProto(protoTCP, protoUDP, protoSCTP) }

func (m *Match) encodePorts(e *nl.Encoder) error {
	var none PortRange
	matched := m.SrcPort.IsSet() || m.DstPort.IsSet() || m.SrcPortRange != none || m.DstPortRange != none
	if matched && !m.hasPorts() {
		return invalid("ports", "need the IP protocol TCP, UDP or SCTP (IPProto), or the kernel ignores them")
	}
	if m.TCPFlags.IsSet() && !m.isProto(protoTCP) {
		return invalid("tcp_flags", "need the IP protocol TCP (IPProto), or the kernel ignores them")
	}
	if (m.TCPFlags.Value|m.TCPFlags.Mask)&^0xfff != 0 {
		return invalid("tcp_flags", "have 12 bits, not %#x/%#x", m.TCPFlags.Value, m.TCPFlags.Mask)
	}
	if err := putRange(e, "src_port", keySrcPortMin, keySrcPortMax, m.SrcPortRange); err != nil {
		return err
	}
	if err := putRange(e, "dst_port", keyDstPortMin, keyDstPortMax, m.DstPortRange); err != nil {
		return err
	}
	src, dst := portKeys(m.IPProto.Value)
	putBE16(e, src.value, src.mask, m.SrcPort)
	putBE16(e, dst.value, dst.mask, m.DstPort)
	if m.TCPFlags.Mask != 0 {
		e.BE16(keyTCPFlags, m.TCPFlags.Value)
		e.BE16(keyTCPFlagsMask, m.TCPFlags.Mask)
	}
	return nil
}

func putRange(e *nl.Encoder, name string, low, high uint16, r PortRange) error {
	if r == (PortRange{}) {
		return nil
	}
	if r.Min >= r.Max {
		return invalid(name, "has the range %d-%d; the kernel wants the first port below the last", r.Min, r.Max)
	}
	e.BE16(low, r.Min)
	e.BE16(high, r.Max)
	return nil
}

func (m *Match) decodePorts(t *nl.Table) {
	if !m.hasPorts() {
		return
	}
	src, dst := portKeys(m.IPProto.Value)
	m.SrcPort = takeBE16(t, src.value, src.mask)
	m.DstPort = takeBE16(t, dst.value, dst.mask)
	m.SrcPortRange = takeRange(t, keySrcPortMin, keySrcPortMax)
	m.DstPortRange = takeRange(t, keyDstPortMin, keyDstPortMax)
	if m.isProto(protoTCP) {
		m.TCPFlags = takeBE16(t, keyTCPFlags, keyTCPFlagsMask)
	}
}

func takeRange(t *nl.Table, low, high uint16) (r PortRange) {
	if t.Has(low) && t.Has(high) {
		r.Min, _ = t.BE16(low)
		r.Max, _ = t.BE16(high)
	}
	return r
}

func (m *Match) textPorts(w *writer) {
	w.masked16("dst_port", m.DstPort)
	w.masked16("src_port", m.SrcPort)
	for _, p := range [...]struct {
		name string
		PortRange
	}{{"dst_port", m.DstPortRange}, {"src_port", m.SrcPortRange}} {
		if p.PortRange != (PortRange{}) {
			w.key(p.name, "%d-%d", p.Min, p.Max)
		}
	}
	if m.TCPFlags.IsSet() {
		w.key("tcp_flags", "0x%x/%x", m.TCPFlags.Value, m.TCPFlags.Mask)
	}
}
