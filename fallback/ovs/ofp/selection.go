package ofp

import "slices"

// selectionOrder is the order in which Open vSwitch gives back the fields of a
// selection method: that of its own list of fields, which is not the order of a
// match. Fields that are not here are ordered behind, by Field.
var selectionOrder = [...]Field{
	DPHash, PacketType, ConjID, TunID, TunSrc, TunDst, TunIPv6Src, TunIPv6Dst, TunFlags, TunGBPID, TunGBPFlags, Metadata,
	InPortNXM, InPort, PktMark, CTState, CTZone, CTMark, CTLabel, CTNWProto, CTNWSrc, CTNWDst, CTIPv6Src, CTIPv6Dst, CTTPSrc, CTTPDst,
	EthSrc, EthDst, EthType, VLANTCI, VLANVID, VLANPCP, MPLSLabel, MPLSTC, MPLSBOS, MPLSTTL,
	IPv4Src, IPv4Dst, IPv6Src, IPv6Dst, IPv6Label, IPProto, IPTOS, IPDSCP, IPECN, IPTTL, IPFrag,
	ARPOp, ARPSPA, ARPTPA, ARPSHA, ARPTHA, TCPSrc, TCPDst, TCPFlags, UDPSrc, UDPDst, SCTPSrc, SCTPDst,
	ICMPv4Type, ICMPv4Code, ICMPv6Type, ICMPv6Code, NDTarget, NDSLL, NDTLL, NDReserved, NDOptionsType,
}

var selectionRank = func() (rank [numFields]uint8) {
	for i := range rank {
		rank[i] = uint8(len(selectionOrder))
	}
	for i, f := range selectionOrder {
		rank[f] = uint8(i)
	}
	return rank
}()

// sortedFields returns the fields in selectionOrder.
func (s *Selection) sortedFields() []FieldMask {
	less := func(a, b FieldMask) int {
		i, j := a.Field&fieldIndex, b.Field&fieldIndex
		if r := int(selectionRank[i%numFields]) - int(selectionRank[j%numFields]); r != 0 {
			return r
		}
		return int(i) - int(j)
	}
	if slices.IsSortedFunc(s.Fields, less) {
		return s.Fields
	}
	return slices.SortedFunc(slices.Values(s.Fields), less)
}
