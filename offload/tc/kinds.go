package tc

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// kinds is a set of the kinds of packets that the switchboard lets into the chains. Everything else goes to the fallback at once,
// so that filters need not say that a packet is, for example, no fragment and has no second VLAN header.
type kinds uint8

// The kinds: packets by type and by whether they have an 802.1Q header.
const (
	plainIPv4 kinds = 1 << iota
	plainIPv6
	plainARP
	taggedIPv4
	taggedIPv6
	taggedARP

	allPlain  = plainIPv4 | plainIPv6 | plainARP
	allTagged = taggedIPv4 | taggedIPv6 | taggedARP
)

// etherTypes are those that are let in.
var etherTypes = []flower.EtherType{flower.EtherIPv4, flower.EtherIPv6, flower.EtherARP}

// kindsOf is a set by types, of packets with or without a VLAN header.
func kindsOf(types []flower.EtherType, plain, tagged bool) (k kinds) {
	for i, t := range etherTypes {
		if !slices.Contains(types, t) {
			continue
		}
		if plain {
			k |= plainIPv4 << i
		}
		if tagged {
			k |= taggedIPv4 << i
		}
	}
	return k
}

// Ethernet types and IP protocols that decide which fields a packet has.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoAH     = 51
	protoICMPv6 = 58
	protoSCTP   = 132
)

// typesOf are the types of packets that can pass m: those that have all the fields that it asks for.
func typesOf(m *terms) (types []flower.EtherType, whole bool) {
	types = slices.Clone(etherTypes)
	keep := func(ts ...flower.EtherType) {
		types = slices.DeleteFunc(types, func(t flower.EtherType) bool { return !slices.Contains(ts, t) })
	}
	whole = true
	for f := range ir.NumFields {
		if !m.asks(f) {
			continue
		}
		switch {
		case f == ir.EthType && m.exact(f):
			keep(flower.EtherType(m.val[f].Lo))
		case f == ir.EthType:
			whole = false
		case f == ir.IP4Src || f == ir.IP4Dst || f == ir.ICMP4Type || f == ir.ICMP4Code:
			keep(flower.EtherIPv4)
		case f == ir.IP6Src || f == ir.IP6Dst || f == ir.IP6Label || f >= ir.ICMP6Type && f <= ir.NDTLL:
			keep(flower.EtherIPv6)
		case f >= ir.ARPOp && f <= ir.ARPTHA:
			keep(flower.EtherARP)
		case f >= ir.IPProto && f <= ir.IPFrag || f >= ir.TCPSrc && f <= ir.SCTPDst:
			keep(flower.EtherIPv4, flower.EtherIPv6)
		}
	}
	return types, whole
}
