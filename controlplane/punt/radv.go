package punt

import (
	"bytes"
	"net/netip"

	"github.com/sluice-gw/sluice/internal/wire"
)

// answerRouterSolicit is put_nd_ra_opts: a router solicitation becomes the router
// advertisement that the arguments hold ready, with result 1. The logical flows behind
// it exchange the addresses.
func answerRouterSolicit(r *request) []Effect {
	f := &r.frame
	if f.EtherType != wire.TypeIPv6 || f.Proto != wire.ProtoICMPv6 || !wire.IsRouterSolicit(f.Transport) {
		return drop(ReasonUnexpected, "put_nd_ra_opts on a packet that is not a router solicitation")
	}
	if _, err := wire.ParseRouterAdvert(r.Args); err != nil {
		return dropErr(ReasonArguments, err)
	}
	l3, l4 := f.NetworkOffset(), f.TransportOffset()
	p := append(bytes.Clone(r.Packet[:l4]), r.Args...)
	ip := wire.IPv6(p[l3:])
	ip.SetPayloadLen(len(ip) - wire.IPv6Len)
	src := f.Src
	if src.IsUnspecified() {
		// The source becomes the destination of the advertisement: all nodes.
		src = netip.IPv6LinkLocalAllNodes()
		ip.SetSrc(src)
	}
	wire.SealICMP6(wire.ICMP(p[l4:]), src, f.Dst)
	return r.answered(p)
}
