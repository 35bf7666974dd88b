package tc

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// The functions here translate groups of fields. never says that no packet comes that passes. What has no key is taken out of t
// and named.

func (p *place) askEthernet(t *terms, m *flower.Match) (never bool, lacks []string) {
	m.EthSrc, m.EthDst = maskedMAC(t, ir.EthSrc), maskedMAC(t, ir.EthDst)
	return false, nil
}

func (p *place) askIP(t *terms, m *flower.Match) (never bool, lacks []string) {
	m.TOS = flower.Masked[uint8]{
		Value: uint8(t.val[ir.IPDSCP].Lo<<2 | t.val[ir.IPECN].Lo), Mask: uint8(t.mask[ir.IPDSCP].Lo<<2 | t.mask[ir.IPECN].Lo),
	}
	m.TTL = flower.Masked[uint8]{Value: uint8(t.val[ir.IPTTL].Lo), Mask: uint8(t.mask[ir.IPTTL].Lo)}
	switch {
	case t.asks(ir.IP4Src) || t.asks(ir.IP4Dst):
		m.IPSrc, m.IPDst = maskedAddr(t, ir.IP4Src), maskedAddr(t, ir.IP4Dst)
		never = t.asks(ir.IP6Src) || t.asks(ir.IP6Dst)
	default:
		m.IPSrc, m.IPDst = maskedAddr(t, ir.IP6Src), maskedAddr(t, ir.IP6Dst)
	}
	switch {
	case t.exact(ir.IPProto):
		m.IPProto = flower.Some(uint8(t.val[ir.IPProto].Lo))
	case t.asks(ir.IPProto):
		lacks = t.drop(lacks, ir.IPProto, "flower cannot match a part of it")
	}
	// Fragments are not let in.
	return never || !t.val[ir.IPFrag].IsZero(), t.drop(lacks, ir.IP6Label, noKey)
}

const noKey = "flower has no key for it"

// drop takes a field out that t asks for, and names it.
func (t *terms) drop(lacks []string, f ir.Field, why string) []string {
	if !t.asks(f) {
		return lacks
	}
	lacks = append(lacks, fmt.Sprintf("match on %s: %s", ir.Term{Field: f, Value: t.val[f], Mask: t.mask[f]}, why))
	t.val[f], t.mask[f] = ir.Value{}, ir.Value{}
	return lacks
}

// transports are the fields of each protocol, whose packets alone have them.
var transports = []struct {
	proto    uint8
	src, dst ir.Field // 0 for none
	others   []ir.Field
}{
	{protoTCP, ir.TCPSrc, ir.TCPDst, []ir.Field{ir.TCPFlags}},
	{protoUDP, ir.UDPSrc, ir.UDPDst, nil},
	{protoSCTP, ir.SCTPSrc, ir.SCTPDst, nil},
	{protoICMP, 0, 0, []ir.Field{ir.ICMP4Type, ir.ICMP4Code}},
	{protoICMPv6, 0, 0, []ir.Field{ir.ICMP6Type, ir.ICMP6Code, ir.NDTarget, ir.NDSLL, ir.NDTLL}},
}

func (p *place) askTransport(t *terms, m *flower.Match) (never bool, lacks []string) {
	for _, x := range transports {
		asks := t.asks(x.src) || t.asks(x.dst)
		for _, f := range x.others {
			asks = asks || t.asks(f)
		}
		if !asks {
			continue
		}
		if m.IPProto.Set && m.IPProto.Value != x.proto {
			return true, nil
		}
		m.IPProto = flower.Some(x.proto)
		t.val[ir.IPProto], t.mask[ir.IPProto] = ir.V(uint64(x.proto)), ir.Ones(8)
		if x.src != 0 {
			m.SrcPort, m.DstPort = masked16(t, x.src), masked16(t, x.dst)
		}
	}
	m.TCPFlags = masked16(t, ir.TCPFlags)
	m.ICMPType = flower.Masked[uint8]{
		Value: uint8(t.val[ir.ICMP4Type].Lo | t.val[ir.ICMP6Type].Lo), Mask: uint8(t.mask[ir.ICMP4Type].Lo | t.mask[ir.ICMP6Type].Lo),
	}
	m.ICMPCode = flower.Masked[uint8]{
		Value: uint8(t.val[ir.ICMP4Code].Lo | t.val[ir.ICMP6Code].Lo), Mask: uint8(t.mask[ir.ICMP4Code].Lo | t.mask[ir.ICMP6Code].Lo),
	}
	for _, f := range []ir.Field{ir.NDTarget, ir.NDSLL, ir.NDTLL} {
		lacks = t.drop(lacks, f, noKey)
	}
	return false, lacks
}

func (p *place) askARP(t *terms, m *flower.Match) (never bool, lacks []string) {
	if t.val[ir.ARPOp].Lo>>8 != 0 {
		lacks = t.drop(lacks, ir.ARPOp, "the kernel looks at its low byte only")
	}
	m.ARP = flower.ARP{
		Op:  flower.Masked[uint8]{Value: uint8(t.val[ir.ARPOp].Lo), Mask: uint8(t.mask[ir.ARPOp].Lo)},
		SPA: maskedAddr(t, ir.ARPSPA), TPA: maskedAddr(t, ir.ARPTPA), SHA: maskedMAC(t, ir.ARPSHA), THA: maskedMAC(t, ir.ARPTHA),
	}
	return false, lacks
}

// askConnection translates what conntrack says. Where packets have no connection all of it is 0.
func (p *place) askConnection(t *terms, m *flower.Match) (never bool, lacks []string) {
	if !p.tracked {
		for f := ir.CTState; f <= ir.CTTPDst; f++ {
			never = never || !t.val[f].IsZero()
			t.mask[f] = ir.Value{}
		}
		return never, nil
	}
	if rest := t.mask[ir.CTState].Lo &^ flowerStates; rest != 0 {
		lacks = append(lacks, fmt.Sprintf("match on %s: flower has no key for %s", ir.CTState, ir.CTStateString(rest)))
		t.val[ir.CTState].Lo &= flowerStates
		t.mask[ir.CTState].Lo &= flowerStates
	}
	var ok bool
	if m.CT.State, ok = connectionState(t.val[ir.CTState].Lo, t.mask[ir.CTState].Lo); !ok {
		return true, nil
	}
	if t.val[ir.CTState].Lo&oneOf != 0 {
		t.mask[ir.CTState].Lo |= oneOf // what it is not: so it has nothing in common with what asks for another
	}
	m.CT.Mark = flower.Masked[uint32]{Value: uint32(t.val[ir.CTMark].Lo), Mask: uint32(t.mask[ir.CTMark].Lo)}
	m.CT.Label = flower.Masked[flower.Label]{Value: label(t.val[ir.CTLabel]), Mask: label(t.mask[ir.CTLabel])}
	for f := ir.CTProto; f <= ir.CTTPDst; f++ {
		lacks = t.drop(lacks, f, noKey)
	}
	return false, lacks
}

// askRest looks at fields that are neither header nor state of a connection.
func (p *place) askRest(t *terms, m *flower.Match) (never bool, lacks []string) {
	if p.inPort != 0 && t.asks(ir.InPort) {
		if ir.V(uint64(p.inPort)).And(t.mask[ir.InPort]) != t.val[ir.InPort] {
			return true, nil
		}
		t.val[ir.InPort], t.mask[ir.InPort] = ir.Value{}, ir.Value{}
	}
	for f := ir.Datapath; f <= ir.InPort; f++ {
		lacks = t.drop(lacks, f, noKey)
	}
	return false, lacks
}

func masked16(t *terms, f ir.Field) flower.Masked[uint16] {
	return flower.Masked[uint16]{Value: uint16(t.val[f].Lo), Mask: uint16(t.mask[f].Lo)}
}

func maskedMAC(t *terms, f ir.Field) flower.Masked[flower.MAC] {
	return flower.Masked[flower.MAC]{Value: mac(t.val[f]), Mask: mac(t.mask[f])}
}

func mac(v ir.Value) flower.MAC { return flower.MAC(v.AppendBytes(nil, 6)) }

// maskedAddr is a match on an address, whose family is that of the field.
func maskedAddr(t *terms, f ir.Field) flower.Masked[netip.Addr] {
	if !t.asks(f) {
		return flower.Masked[netip.Addr]{}
	}
	return flower.Masked[netip.Addr]{Value: address(t.val[f], f), Mask: address(t.mask[f], f)}
}

func address(v ir.Value, f ir.Field) netip.Addr {
	a, _ := netip.AddrFromSlice(v.AppendBytes(nil, f.Width()/8))
	return a
}

// label is a conntrack label in the kernel's order: bit n is bit n%8 of byte n/8.
func label(v ir.Value) (l flower.Label) {
	binary.LittleEndian.PutUint64(l[:], v.Lo)
	binary.LittleEndian.PutUint64(l[8:], v.Hi)
	return l
}

// states are the bits of ir.CTState that flower has.
var states = []struct {
	ir uint64
	tc flower.CTState
}{
	{ir.CTNew, flower.CTNew}, {ir.CTEst, flower.CTEstablished}, {ir.CTRel, flower.CTRelated}, {ir.CTRpl, flower.CTReply},
	{ir.CTInv, flower.CTInvalid}, {ir.CTTrk, flower.CTTracked},
}

// oneOf are states of which a packet has one at most; one that has none is related to a connection, or not tracked.
const oneOf = ir.CTNew | ir.CTEst | ir.CTInv

const flowerStates = ir.CTNew | ir.CTEst | ir.CTRel | ir.CTRpl | ir.CTInv | ir.CTTrk

// connectionState translates bits of ct_state. ok is false for what no packet has: with any of the others a packet is tracked,
// one that is new is neither established nor a reply, one that is invalid is nothing else (linux/pkt_cls.h; the kernel refuses
// such matches).
func connectionState(val, mask uint64) (s flower.Masked[flower.CTState], ok bool) {
	const others = flowerStates &^ ir.CTTrk
	if val&others != 0 {
		if mask&^val&ir.CTTrk != 0 {
			return s, false
		}
		val, mask = val|ir.CTTrk, mask|ir.CTTrk
	}
	if val&ir.CTNew != 0 && val&(ir.CTEst|ir.CTRpl) != 0 || val&ir.CTInv != 0 && val&(others&^ir.CTInv) != 0 {
		return s, false
	}
	for _, x := range states {
		if mask&x.ir != 0 {
			s.Mask |= x.tc
		}
		if val&x.ir != 0 {
			s.Value |= x.tc
		}
	}
	return s, true
}
