package tc

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// appendEdits appends a pedit of header fields and of the TTL, by which it is decremented, and what computes checksums anew.
func appendEdits(actions []flower.Action, changes []change, decrement int, t *terms) ([]flower.Action, error) {
	var keys []flower.PeditKey
	var sums flower.CsumUpdate
	ip := peditIP(t)
	for _, c := range changes {
		if c.Field == ir.PktMark {
			mark := flower.Masked[uint32]{Value: uint32(c.val.Lo), Mask: uint32(c.mask.Lo)}
			actions = append(actions, flower.Action{Op: flower.Skbedit{Mark: mark}, Control: flower.Pipe})
			continue
		}
		if c.Field >= ir.IPProto && ip == flower.PeditNetwork {
			return nil, fmt.Errorf("writing %s: it is not known whether the packet is IPv4 or IPv6", c.Field)
		}
		keys = append(keys, c.keys(ip)...)
		sums |= c.sums(ip, t)
	}
	if decrement != 0 {
		if ip == flower.PeditNetwork {
			return nil, fmt.Errorf("decrementing the TTL: it is not known whether the packet is IPv4 or IPv6")
		}
		k := flower.PeditTTL(ip, uint8(-decrement))[0]
		k.Add = true
		keys = append(keys, k)
		sums |= headerSum(ip)
	}
	if len(keys) > 0 {
		actions = append(actions, flower.Action{Op: flower.Pedit{Keys: keys}, Control: flower.Pipe})
	}
	if sums != 0 {
		actions = append(actions, flower.Action{Op: flower.Csum{Update: sums}, Control: flower.Pipe})
	}
	return actions, nil
}

// peditIP is the IP header that packets have which match t, PeditNetwork if that is not known.
func peditIP(t *terms) flower.PeditHeader {
	switch types, _ := typesOf(t); {
	case len(types) == 1 && types[0] == flower.EtherIPv4:
		return flower.PeditIPv4
	case len(types) == 1 && types[0] == flower.EtherIPv6:
		return flower.PeditIPv6
	}
	return flower.PeditNetwork
}

// keys write c; ip is the packet's IP header. Offsets are those of RFC 791, 8200, 9293 and 768.
func (c *change) keys(ip flower.PeditHeader) []flower.PeditKey {
	set := func(h flower.PeditHeader, offset int) []flower.PeditKey {
		n := c.Width() / 8
		return flower.PeditSet(h, offset, c.val.AppendBytes(nil, n), c.mask.AppendBytes(nil, n))
	}
	shifted := func(h flower.PeditHeader, offset, n, shift int) []flower.PeditKey {
		return flower.PeditSet(h, offset, c.val.Shl(shift).AppendBytes(nil, n), c.mask.Shl(shift).AppendBytes(nil, n))
	}
	switch c.Field {
	case ir.EthDst:
		return set(flower.PeditEth, 0)
	case ir.EthSrc:
		return set(flower.PeditEth, 6)
	case ir.IP4Src:
		return set(ip, 12)
	case ir.IP4Dst:
		return set(ip, 16)
	case ir.IP6Src:
		return set(ip, 8)
	case ir.IP6Dst:
		return set(ip, 24)
	case ir.IP6Label:
		return shifted(ip, 0, 4, 0)
	case ir.TCPSrc:
		return set(flower.PeditTCP, 0)
	case ir.TCPDst:
		return set(flower.PeditTCP, 2)
	case ir.UDPSrc:
		return set(flower.PeditUDP, 0)
	case ir.UDPDst:
		return set(flower.PeditUDP, 2)
	}
	v4 := ip == flower.PeditIPv4
	switch {
	case c.Field == ir.IPTTL && v4:
		return set(ip, 8)
	case c.Field == ir.IPTTL:
		return set(ip, 7)
	case c.Field == ir.IPDSCP && v4:
		return shifted(ip, 1, 1, 2)
	case c.Field == ir.IPDSCP:
		return shifted(ip, 0, 2, 6)
	case v4:
		return shifted(ip, 1, 1, 0) // IPECN
	}
	return shifted(ip, 0, 2, 4)
}

func headerSum(ip flower.PeditHeader) flower.CsumUpdate {
	if ip == flower.PeditIPv4 {
		return flower.CsumIPv4
	}
	return 0
}

// sums are the checksums that c makes wrong: that of the IPv4 header, and those that cover addresses and ports.
func (c *change) sums(ip flower.PeditHeader, t *terms) flower.CsumUpdate {
	switch c.Field {
	case ir.IPDSCP, ir.IPECN, ir.IPTTL:
		return headerSum(ip)
	case ir.TCPSrc, ir.TCPDst:
		return flower.CsumTCP
	case ir.UDPSrc, ir.UDPDst:
		return flower.CsumUDP
	case ir.IP4Src, ir.IP4Dst, ir.IP6Src, ir.IP6Dst:
		all := headerSum(ip)
		icmp := flower.CsumUpdate(0)
		if ip == flower.PeditIPv6 {
			icmp = flower.CsumICMP
		}
		if proto, ok := t.known(ir.All(ir.IPProto)); ok {
			switch proto.Lo {
			case protoTCP:
				return all | flower.CsumTCP
			case protoUDP:
				return all | flower.CsumUDP
			case protoICMPv6:
				return all | icmp
			}
			return all
		}
		return all | icmp | flower.CsumTCP | flower.CsumUDP | flower.CsumUDPLite
	}
	return 0
}
