package flatten

import "github.com/sluice-gw/sluice/controlplane/ir"

// Ethertypes and IP protocols that decide which fields a packet has.
const (
	ethIPv4 = 0x0800
	ethARP  = 0x0806
	ethRARP = 0x8035
	ethIPv6 = 0x86dd

	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132

	typeNeighbourSolicitation  = 135
	typeNeighbourAdvertisement = 136

	laterFragment = 2 // bit of IPFrag
)

// alternatives are conjunctions of which one must hold.
type alternatives [][]literal

// prerequisites of each field: the same as ir.Packet.Has. nil: every packet has it.
var prerequisites = func() (all [ir.NumFields]alternatives) {
	is := func(f ir.Field, v uint64) literal { return literals(nil, ir.Exact(f, v))[0] }
	v4, v6 := is(ir.EthType, ethIPv4), is(ir.EthType, ethIPv6)
	icmp6 := []literal{v6, is(ir.IPProto, protoICMPv6)}
	neighbour := func(typ uint64) []literal {
		return []literal{v6, icmp6[1], is(ir.ICMP6Code, 0), is(ir.ICMP6Type, typ)}
	}
	proto := func(n uint64) alternatives {
		return alternatives{{v4, is(ir.IPProto, n)}, {v6, is(ir.IPProto, n)}}
	}
	set := func(a alternatives, fs ...ir.Field) {
		for _, f := range fs {
			all[f] = a
		}
	}
	set(alternatives{{v4}, {v6}}, ir.IPProto, ir.IPDSCP, ir.IPECN, ir.IPTTL, ir.IPFrag)
	set(alternatives{{v4}}, ir.IP4Src, ir.IP4Dst)
	set(alternatives{{v6}}, ir.IP6Src, ir.IP6Dst, ir.IP6Label)
	set(alternatives{{is(ir.EthType, ethARP)}, {is(ir.EthType, ethRARP)}}, ir.ARPOp, ir.ARPSPA, ir.ARPTPA, ir.ARPSHA, ir.ARPTHA)
	set(alternatives{{v4, is(ir.IPProto, protoICMP)}}, ir.ICMP4Type, ir.ICMP4Code)
	set(alternatives{icmp6}, ir.ICMP6Type, ir.ICMP6Code)
	set(alternatives{neighbour(typeNeighbourSolicitation), neighbour(typeNeighbourAdvertisement)}, ir.NDTarget)
	set(alternatives{neighbour(typeNeighbourSolicitation)}, ir.NDSLL)
	set(alternatives{neighbour(typeNeighbourAdvertisement)}, ir.NDTLL)
	set(proto(protoTCP), ir.TCPSrc, ir.TCPDst, ir.TCPFlags)
	set(proto(protoUDP), ir.UDPSrc, ir.UDPDst)
	set(proto(protoSCTP), ir.SCTPSrc, ir.SCTPDst)
	return all
}()

// lateFragment holds for packets whose transport fields cannot be written.
var lateFragment = func() alternatives {
	frag := literals(nil, ir.Masked(ir.IPFrag, laterFragment, laterFragment))[0]
	ip := prerequisites[ir.IPFrag]
	return alternatives{{ip[0][0], frag}, {ip[1][0], frag}}
}()

// transportBits are the fields of headers behind IP.
var transportBits = func() [words]uint64 {
	var fs []ir.Field
	for f := ir.ICMP4Type; f <= ir.SCTPDst; f++ {
		fs = append(fs, f)
	}
	return bitsOf(fs)
}()

// isTransport tells whether f is a field of a header behind IP.
func isTransport(f ir.Field) bool { return f >= ir.ICMP4Type && f <= ir.SCTPDst }

// implied tells whether whoever passes ls has field f.
func implied(f ir.Field, ls []literal) bool {
	alts := prerequisites[f]
	if alts == nil {
		return true
	}
	for _, alt := range alts {
		all := true
		for _, want := range alt {
			has := false
			for _, l := range ls {
				has = has || l.word == want.word && l.mask&want.mask == want.mask && (l.val^want.val)&want.mask == 0
			}
			all = all && has
		}
		if all {
			return true
		}
	}
	return false
}
