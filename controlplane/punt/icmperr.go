package punt

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/internal/wire"
)

// errorKind is what differs between the actions that make ICMP errors.
type errorKind struct {
	portUnreach bool // a UDP packet is answered with "port unreachable"
	back        bool // the error goes back to the sender; else the inner actions turn it around
}

// icmpError is icmp4{}, icmp6{}, icmp4_error{}, icmp6_error{} and the part of reject{}
// for neither TCP nor SCTP: "host unreachable" or "administratively prohibited" that
// quotes the packet; with an MTU argument "fragmentation needed" or "packet too big".
// The inner actions may change type, code and addresses.
func icmpError(r *request, k errorKind) []Effect {
	f := &r.frame
	if f.EtherType != wire.TypeIPv4 && f.EtherType != wire.TypeIPv6 {
		return notIP(r)
	}
	if !f.Src.IsValid() {
		return dropErr(ReasonMalformed, r.broken)
	}
	args, err := action.DecodeICMPArgs(r.Opcode, r.Args)
	if err != nil {
		return dropErr(ReasonArguments, err)
	}
	e := r.envelope(k.back)
	var p []byte
	if f.EtherType == wire.TypeIPv4 {
		p = icmp4Error(f, e, k, args)
	} else {
		p = icmp6Error(f, e, k, args)
	}
	return []Effect{sendBack(r.PacketIn, p)}
}

func icmp4Error(f *wire.Frame, e envelope, k errorKind, args action.ICMPArgs) []byte {
	code, rest := uint8(wire.ICMP4HostUnreach), uint32(0)
	if k.portUnreach && f.Proto == wire.ProtoUDP {
		code = wire.ICMP4PortUnreach
	}
	if args.MTU != 0 {
		code, rest = wire.ICMP4FragmentsNeeded, min(args.MTU, 0xffff)
	}
	quote := append([]byte(nil), wire.Quotable4(f.Network)...)
	if args.InnerSrc.Is4() {
		wire.IPv4(quote).SetSrc(args.InnerSrc)
	}
	p := e.append(nil, wire.ProtoICMP, 255, wire.ICMPLen+len(quote))
	return wire.AppendICMP4(p, wire.ICMP4DstUnreach, code, rest, quote)
}

func icmp6Error(f *wire.Frame, e envelope, k errorKind, args action.ICMPArgs) []byte {
	typ, code := uint8(wire.ICMP6DstUnreach), uint8(wire.ICMP6AdminProhibit)
	if k.portUnreach && f.Proto == wire.ProtoUDP {
		code = wire.ICMP6PortUnreach
	}
	if args.MTU != 0 {
		typ, code = wire.ICMP6PacketTooBig, 0
	}
	quote := wire.Quotable6(f.Network)
	p := e.append(nil, wire.ProtoICMPv6, 255, wire.ICMPLen+len(quote))
	return wire.AppendICMP6(p, e.src, e.dst, typ, code, args.MTU, quote)
}

// rewriteQuoted is icmp4.inner_ip4.src = A on an ICMP error in transit: the source of
// the quoted packet is replaced. The ICMP checksum covers both the address and the
// quoted header's checksum, whose changes cancel out, so that it needs no update.
func rewriteQuoted(r *request) []Effect {
	args, err := action.DecodeInnerSrcArgs(r.Args)
	if err != nil {
		return dropErr(ReasonArguments, err)
	}
	f := &r.frame
	m, err := wire.ParseICMP(f.Transport)
	if f.EtherType != wire.TypeIPv4 || f.Proto != wire.ProtoICMP || err != nil || !m.IsError4() {
		return drop(ReasonUnexpected, "icmp4.inner_ip4.src on a packet that is not an ICMPv4 error")
	}
	if wire.QuotedIPv4(m.Payload()) == nil {
		return drop(ReasonMalformed, fmt.Sprintf("ICMPv4 error quotes %d bytes, which are no IPv4 header", len(m.Payload())))
	}
	p := bytes.Clone(r.Packet)
	wire.QuotedIPv4(p[f.TransportOffset()+wire.ICMPLen:]).SetSrc(args.Src)
	return r.answered(p)
}

// envelope is the Ethernet and IP header of a packet made from another.
type envelope struct {
	tci            uint16
	ethSrc, ethDst wire.MAC
	src, dst       netip.Addr
}

// envelope takes the addresses of the packet, exchanged when it shall go back.
func (r *request) envelope(back bool) envelope {
	f := &r.frame
	e := envelope{f.TCI[0], f.Ethernet.Src(), f.Ethernet.Dst(), f.Src, f.Dst}
	if back {
		e.ethSrc, e.ethDst, e.src, e.dst = e.ethDst, e.ethSrc, e.dst, e.src
	}
	return e
}

// append appends headers for length bytes of proto.
func (e envelope) append(b []byte, proto, ttl uint8, length int) []byte {
	if e.src.Is4() {
		b = wire.AppendTaggedEthernet(b, e.ethDst, e.ethSrc, e.tci, wire.TypeIPv4)
		return wire.AppendIPv4(b, e.src, e.dst, proto, ttl, length)
	}
	b = wire.AppendTaggedEthernet(b, e.ethDst, e.ethSrc, e.tci, wire.TypeIPv6)
	return wire.AppendIPv6(b, e.src, e.dst, proto, ttl, length)
}
