package flower

import "github.com/sluice-gw/sluice/internal/nl"

// A Tag is a match on one VLAN tag. TPID says that the tag must be there and of which type; nothing else is matched without it.
type Tag struct {
	TPID EtherType   // EtherVLAN or EtherQinQ, 0 for no match
	ID   Opt[uint16] // 12 bits
	Prio Opt[uint8]  // 3 bits
}

func (g Tag) check(name string) error {
	switch {
	case g.TPID == 0 && (g.ID.Set || g.Prio.Set):
		return invalid(name, "needs the tag's type (TPID), or the kernel ignores it")
	case g.TPID != 0 && !g.TPID.isVLAN():
		return invalid(name, "has the tag type %04x; the kernel knows 8100 and 88a8", uint16(g.TPID))
	case g.ID.Value > 0xfff || g.Prio.Value > 7:
		return invalid(name, "has id %d and priority %d; the largest are 4095 and 7", g.ID.Value, g.Prio.Value)
	}
	return nil
}

func (g Tag) encode(e *nl.Encoder, id, prio uint16) {
	if g.ID.Set {
		e.U16(id, g.ID.Value)
	}
	if g.Prio.Set {
		e.U8(prio, g.Prio.Value)
	}
}

func (g *Tag) decode(t *nl.Table, id, prio uint16) {
	g.ID.Value, g.ID.Set = t.U16(id)
	g.Prio.Value, g.Prio.Set = t.U8(prio)
}

// encodeEthernet writes addresses and the chain of types: each header's type is the key of the one before it.
func (m *Match) encodeEthernet(e *nl.Encoder) error {
	if err := m.VLAN.check("vlan"); err != nil {
		return err
	}
	if err := m.CVLAN.check("cvlan"); err != nil {
		return err
	}
	if m.CVLAN.TPID != 0 && m.VLAN.TPID == 0 {
		return invalid("cvlan", "needs a match on the outer tag's type (VLAN.TPID)")
	}
	if m.EthType.isVLAN() {
		return invalid("eth_type", "is a VLAN type; put it into VLAN.TPID")
	}
	putMAC(e, keyEthDst, keyEthDstMask, m.EthDst)
	putMAC(e, keyEthSrc, keyEthSrcMask, m.EthSrc)
	keys := [...]uint16{keyEthType, keyVLANType, keyCVLANType}
	types := [...]EtherType{m.VLAN.TPID, m.CVLAN.TPID, m.EthType}
	n := 0
	for _, typ := range types {
		if typ != 0 {
			e.BE16(keys[n], uint16(typ))
			n++
		}
	}
	m.VLAN.encode(e, keyVLANID, keyVLANPrio)
	m.CVLAN.encode(e, keyCVLANID, keyCVLANPrio)
	if m.L2Miss.Set {
		miss := uint8(0)
		if m.L2Miss.Value {
			miss = 1
		}
		e.U8(keyL2Miss, miss)
	}
	return nil
}

// decodeEthernet understands both what requests have, where the first type is the outer tag's, and dumps, where the kernel
// gives the innermost type there; then the outer tag's type is the filter's protocol.
func (m *Match) decodeEthernet(t *nl.Table, protocol EtherType) {
	m.EthDst = takeMAC(t, keyEthDst, keyEthDstMask)
	m.EthSrc = takeMAC(t, keyEthSrc, keyEthSrcMask)
	first, _ := t.BE16(keyEthType)
	m.EthType = EtherType(first)
	switch {
	case m.EthType.isVLAN():
		m.VLAN.TPID, m.EthType = m.EthType, 0
	case protocol.isVLAN():
		m.VLAN.TPID = protocol
	}
	if m.VLAN.TPID != 0 {
		m.VLAN.decode(t, keyVLANID, keyVLANPrio)
		m.decodeInner(t)
	}
	if b := t.Peek(keyL2Miss); len(b) == 1 && b[0] <= 1 {
		miss, _ := t.U8(keyL2Miss)
		m.L2Miss = Some(miss == 1)
	}
}

func (m *Match) decodeInner(t *nl.Table) {
	second, ok := t.BE16(keyVLANType)
	if !ok {
		return
	}
	if !EtherType(second).isVLAN() {
		m.EthType = EtherType(second)
		return
	}
	m.CVLAN.TPID = EtherType(second)
	m.CVLAN.decode(t, keyCVLANID, keyCVLANPrio)
	if third, ok := t.BE16(keyCVLANType); ok {
		m.EthType = EtherType(third)
	}
}

func (m *Match) textEthernet(w *writer) {
	inner := m.EthType
	if m.CVLAN.TPID != 0 {
		inner = m.CVLAN.TPID
	}
	m.VLAN.text(w, "vlan", inner)
	m.CVLAN.text(w, "cvlan", m.EthType)
	w.mac("dst_mac", m.EthDst)
	w.mac("src_mac", m.EthSrc)
	if m.EthType != 0 {
		w.key("eth_type", "%s", m.EthType.keyText())
	}
}

func (g Tag) text(w *writer, name string, inner EtherType) {
	if g.ID.Set {
		w.key(name+"_id", "%d", g.ID.Value)
	}
	if g.Prio.Set {
		w.key(name+"_prio", "%d", g.Prio.Value)
	}
	if g.TPID != 0 && inner != 0 {
		w.key(name+"_ethtype", "%s", inner)
	}
}
