package flower

import (
	"encoding/binary"
	"net/netip"
)

// PeditSet returns the keys that write value at an offset of a header, in the bits that mask selects; with a nil mask in all.
// The offset may be any; words in which nothing is selected have no key.
func PeditSet(header PeditHeader, offset int, value, mask []byte) []PeditKey {
	var keys []PeditKey
	for start := 0; start < len(value); {
		at := offset + start
		n := min(4-at%4, len(value)-start) // bytes of this word
		var set, keep [4]byte
		keep = [4]byte{0xff, 0xff, 0xff, 0xff}
		for i := range n {
			selected := byte(0xff)
			if mask != nil {
				selected = mask[start+i]
			}
			set[at%4+i] = value[start+i] & selected
			keep[at%4+i] = ^selected
		}
		k := PeditKey{
			Header: header, Offset: int32(at - at%4), Value: binary.BigEndian.Uint32(set[:]), Keep: binary.BigEndian.Uint32(keep[:]),
		}
		if k.Keep != 0xffffffff {
			keys = append(keys, k)
		}
		start += n
	}
	return keys
}

// PeditEthDst, PeditEthSrc and those below write one field each. Offsets are those of the headers' definitions.
func PeditEthDst(m MAC) []PeditKey { return PeditSet(PeditEth, 0, m[:], nil) }

// PeditEthSrc writes the source address.
func PeditEthSrc(m MAC) []PeditKey { return PeditSet(PeditEth, 6, m[:], nil) }

// PeditIPSrc writes the source address of an IPv4 or IPv6 header, by the address's family.
func PeditIPSrc(a netip.Addr) []PeditKey { return peditAddr(a, 12, 8) }

// PeditIPDst writes the destination address of an IPv4 or IPv6 header, by the address's family.
func PeditIPDst(a netip.Addr) []PeditKey { return peditAddr(a, 16, 24) }

func peditAddr(a netip.Addr, offset4, offset6 int) []PeditKey {
	if a.Is4() {
		return PeditSet(PeditIPv4, offset4, a.AsSlice(), nil)
	}
	return PeditSet(PeditIPv6, offset6, a.AsSlice(), nil)
}

// PeditTTL writes the time to live, or of IPv6 the hop limit.
func PeditTTL(header PeditHeader, ttl uint8) []PeditKey {
	return PeditSet(header, ttlOffset(header), []byte{ttl}, nil)
}

// PeditDecTTL takes one from the time to live, or of IPv6 from the hop limit, by adding 255 to its 8 bits.
func PeditDecTTL(header PeditHeader) []PeditKey {
	keys := PeditTTL(header, 0xff)
	keys[0].Add = true
	return keys
}

func ttlOffset(header PeditHeader) int {
	if header == PeditIPv6 {
		return 7
	}
	return 8
}

// PeditDSCP writes the 6 bits of the differentiated services code point and leaves ECN.
func PeditDSCP(header PeditHeader, dscp uint8) []PeditKey {
	if header == PeditIPv6 { // the traffic class lies across two bytes
		return PeditSet(header, 0, []byte{dscp >> 2, dscp << 6}, []byte{0x0f, 0xc0})
	}
	return PeditSet(header, 1, []byte{dscp << 2}, []byte{0xfc})
}

// PeditSrcPort writes the source port of a TCP or UDP header.
func PeditSrcPort(header PeditHeader, port uint16) []PeditKey {
	return PeditSet(header, 0, binary.BigEndian.AppendUint16(nil, port), nil)
}

// PeditDstPort writes the destination port of a TCP or UDP header.
func PeditDstPort(header PeditHeader, port uint16) []PeditKey {
	return PeditSet(header, 2, binary.BigEndian.AppendUint16(nil, port), nil)
}
