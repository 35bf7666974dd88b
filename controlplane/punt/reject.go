package punt

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/internal/wire"
)

// resetTTL is the TTL of resets and aborts, as OVN sends them.
const resetTTL = 63

// tcpReset is tcp_reset{}: a RST that acknowledges the segment.
func tcpReset(r *request, back bool) []Effect {
	f := &r.frame
	if f.Proto != wire.ProtoTCP {
		return drop(ReasonUnexpected, fmt.Sprintf("%s on a packet of IP protocol %d, which is not TCP", r.Opcode, f.Proto))
	}
	in, err := wire.ParseTCP(f.Transport)
	if err != nil {
		return dropErr(ReasonMalformed, err)
	}
	e := r.envelope(back)
	p := e.append(nil, wire.ProtoTCP, resetTTL, wire.TCPLen)
	p = wire.AppendTCP(p, netip.AddrPortFrom(e.src, in.DstPort()), netip.AddrPortFrom(e.dst, in.SrcPort()),
		0, in.Seq()+1, wire.TCPRst|wire.TCPAck)
	return []Effect{sendBack(r.PacketIn, p)}
}

// sctpAbort is sctp_abort{}. An ABORT is not answered.
func sctpAbort(r *request, back bool) []Effect {
	f := &r.frame
	if f.Proto != wire.ProtoSCTP {
		return drop(ReasonUnexpected, fmt.Sprintf("%s on a packet of IP protocol %d, which is not SCTP", r.Opcode, f.Proto))
	}
	in, err := wire.ParseSCTP(f.Transport)
	if err != nil {
		return dropErr(ReasonMalformed, err)
	}
	if in.Chunk() == wire.SCTPAbort {
		return drop(ReasonNoReply, "SCTP ABORT is not answered")
	}
	abort := wire.AppendSCTPAbort(nil, in)
	p := r.envelope(back).append(nil, wire.ProtoSCTP, resetTTL, len(abort))
	return []Effect{sendBack(r.PacketIn, append(p, abort...))}
}

// reject is reject{}: the refusal that fits the protocol goes back to the sender.
// Refusals themselves are not refused.
func reject(r *request) []Effect {
	f := &r.frame
	switch f.Proto {
	case wire.ProtoTCP:
		if t, err := wire.ParseTCP(f.Transport); err == nil && t.Flags()&wire.TCPRst != 0 {
			return drop(ReasonNoReply, "TCP RST is not rejected")
		}
		return tcpReset(r, true)
	case wire.ProtoSCTP:
		return sctpAbort(r, true)
	case wire.ProtoICMP, wire.ProtoICMPv6:
		m, err := wire.ParseICMP(f.Transport)
		if err == nil && (f.Proto == wire.ProtoICMP && m.Type() == wire.ICMP4DstUnreach ||
			f.Proto == wire.ProtoICMPv6 && m.Type() == wire.ICMP6DstUnreach) {
			return drop(ReasonNoReply, "ICMP destination unreachable is not rejected")
		}
	}
	return icmpError(r, errorKind{portUnreach: true, back: true})
}
