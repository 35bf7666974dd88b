package bridging

import (
	"net/netip"

	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
)

// Numbers of ARP (RFC 826).
const (
	etherARP   = 0x0806
	arpRequest = 1
	arpReply   = 2
)

// answering are the flows about ARP that do not depend on segments. Whoever asks without an address of his own is looking for others who have the one he asks
// for (a probe of RFC 5227): he must hear these themselves.
func (b *builder) answering() {
	b.flow(answer, 200, b.match(test{ofp.EthType, etherARP, 0}, test{ofp.ARPOp, arpRequest, 0}, test{ofp.ARPSPA, 0, 0}), to(stations, forward)...)
	b.flow(answer, 0, nil, to(stations, forward)...)
}

// AddressFlows have requests for an IPv4 address answered at the attachment that they come from, with the address of the station behind the tunnel that has it. Of
// the flow that is gone the station does not matter. Requests that the station itself would send, to say that it has the address, go on, and so do
// those that are sent to one station, to see whether it is still there.
func (s Segment) AddressFlows(ip netip.Addr, station wire.MAC) ([]flowset.Flow, error) {
	b := &builder{cookie: s.ID >> 32}
	s.address(b, ip, station)
	return b.flows, b.err
}

func (s Segment) address(b *builder, ip netip.Addr, station wire.MAC) {
	asked := []test{{ofp.Metadata, s.ID, 0}, {ofp.EthType, etherARP, 0}, {ofp.ARPOp, arpRequest, 0}, {ofp.ARPTPA, number(ip), 0}}
	b.flow(answer, 150, b.match(append(asked[:4:4], test{ofp.ARPSPA, number(ip), 0})...), to(stations, forward)...)
	move := func(dst, src ofp.Field) ofp.Action { return ofp.Move{Src: ofp.All(src), Dst: ofp.All(dst)} }
	b.flow(answer, 100, b.match(append(asked[:4:4], test{ofp.EthDst, groupBit, groupBit})...), append([]ofp.Action{
		move(ofp.EthDst, ofp.EthSrc), set(ofp.EthSrc, station.Uint64()),
		set(ofp.ARPOp, arpReply), move(ofp.ARPTHA, ofp.ARPSHA), move(ofp.ARPTPA, ofp.ARPSPA), set(ofp.ARPSHA, station.Uint64()), set(ofp.ARPSPA, number(ip)),
		move(dest, from), set(from, 0),
	}, to(output)...)...)
}
