package punt

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/internal/wire"
)

// answerDHCP4 is put_dhcp_opts: the client's packet becomes the server's answer and
// the result is 1; otherwise the packet goes on as it is with result 0. The logical
// flows behind it set the server's addresses and exchange the ports.
func answerDHCP4(r *request) []Effect {
	args, err := action.DecodeDHCPv4Args(r.Args)
	if err != nil {
		return dropErr(ReasonArguments, err)
	}
	in, err := readDHCP4(r)
	if err != nil {
		return dropErr(ReasonMalformed, err)
	}
	mac := r.frame.Ethernet.Src()
	options := args.Options
	var reply uint8
	var notes []Effect
	switch in.typ {
	case wire.DHCP4Discover:
		reply = wire.DHCP4Offer
	case wire.DHCP4Request:
		reply = wire.DHCP4Ack
		if in.requested != args.OfferIP {
			reply = wire.DHCP4Nak
			notes = append(notes, Note{fmt.Sprintf("DHCPREQUEST from %s for %s, but its address is %s", mac, in.requested, args.OfferIP)})
		}
	case wire.DHCP4Inform:
		reply, options = wire.DHCP4Ack, informed(options)
		notes = append(notes, Note{fmt.Sprintf("DHCPINFORM from %s %s", mac, r.frame.Src)})
	case wire.DHCP4Release:
		return []Effect{Note{fmt.Sprintf("DHCPRELEASE %s %s", mac, in.msg.ClientAddr())},
			Drop{ReasonNoReply, "DHCPRELEASE has no reply"}}
	case wire.DHCP4Decline:
		notes := drop(ReasonNoReply, "DHCPDECLINE has no reply")
		if in.requested == args.OfferIP {
			notes = append(notes, Note{fmt.Sprintf("DHCPDECLINE from %s, %s duplicated", mac, args.OfferIP)})
		}
		return notes
	default:
		return drop(ReasonUnexpected, fmt.Sprintf("DHCPv4 message type %d is not for a server", in.typ))
	}
	name := map[uint8]string{wire.DHCP4Offer: "OFFER", wire.DHCP4Ack: "ACK", wire.DHCP4Nak: "NAK"}[reply]
	notes = append(notes, Note{fmt.Sprintf("DHCP%s %s %s", name, mac, args.OfferIP)})
	return append(notes, r.answered(in.reply(r, reply, args.OfferIP, options))...)
}

// dhcp4Request is what matters of a client's message.
type dhcp4Request struct {
	msg       wire.DHCP4
	typ       uint8
	requested netip.Addr // option 50, else ciaddr
	ipxe      bool
}

func readDHCP4(r *request) (dhcp4Request, error) {
	var in dhcp4Request
	if r.broken != nil {
		return in, r.broken
	}
	if r.frame.EtherType != wire.TypeIPv4 || r.frame.Proto != wire.ProtoUDP {
		return in, fmt.Errorf("DHCPv4: a packet of type 0x%04x and IP protocol %d is not UDP over IPv4", r.frame.EtherType, r.frame.Proto)
	}
	udp, err := wire.ParseUDP(r.frame.Transport)
	if err != nil {
		return in, err
	}
	if in.msg, err = wire.ParseDHCP4(udp.Payload()); err != nil {
		return in, err
	}
	if op := in.msg.Op(); op != wire.BootRequest {
		return in, fmt.Errorf("DHCPv4: operation %d is not a request", op)
	}
	in.requested = in.msg.ClientAddr()
	for code, data := range in.msg.Options() {
		switch code {
		case wire.DHCP4MessageType:
			if len(data) == 1 {
				in.typ = data[0]
			}
		case wire.DHCP4RequestedIP:
			if a, ok := wire.DHCP4Addr(data); ok && !a.IsUnspecified() {
				in.requested = a
			}
		case wire.DHCP4Etherboot:
			in.ipxe = true
		}
	}
	if in.typ == 0 {
		return in, fmt.Errorf("DHCPv4: no message type (option %d)", wire.DHCP4MessageType)
	}
	return in, nil
}

// informed leaves out what concerns an address that the server gives (RFC 2131, 4.3.5).
func informed(options []action.DHCPv4Option) []action.DHCPv4Option {
	var out []action.DHCPv4Option
	for _, o := range options {
		switch o.Code {
		case wire.DHCP4Netmask, wire.DHCP4LeaseTime, wire.DHCP4T1, wire.DHCP4T2:
		default:
			out = append(out, o)
		}
	}
	return out
}

// reply makes the answer. Its layout is that of ovn-controller, to the byte: message
// type, the options, 4 pad bytes, the end option, 4 pad bytes.
func (in *dhcp4Request) reply(r *request, typ uint8, offer netip.Addr, options []action.DHCPv4Option) []byte {
	l4 := r.frame.TransportOffset()
	p := bytes.Clone(r.Packet[:l4+wire.UDPLen+wire.DHCP4Len])
	msg := wire.DHCP4(p[l4+wire.UDPLen:])
	next := msg.NextServer()
	if typ == wire.DHCP4Nak {
		options = nil
	}
	opts, server := encodeDHCP4(options, in.ipxe)
	if server.IsValid() {
		next = server
	}
	msg.SetOp(wire.BootReply)
	switch {
	case in.typ == wire.DHCP4Inform:
		msg.SetYourAddr(netip.Addr{})
	case typ == wire.DHCP4Nak:
		msg.SetYourAddr(netip.Addr{})
		msg.SetNextServer(netip.Addr{})
	default:
		msg.SetYourAddr(offer)
		msg.SetNextServer(next)
	}
	to := offer
	if msg.Broadcast() {
		to = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}

	p = wire.AppendDHCP4Option(p, wire.DHCP4MessageType, typ)
	p = append(p, opts...)
	p = append(p, 0, 0, 0, 0, wire.DHCP4End, 0, 0, 0, 0)

	udp := p[l4:]
	udp[4], udp[5] = byte(len(udp)>>8), byte(len(udp))
	udp[6], udp[7] = 0, 0 // no checksum
	ip := wire.IPv4(p[r.frame.NetworkOffset():])
	ip.SetDst(to)
	ip.Seal()
	return p
}

// encodeDHCP4 is the options as they are sent. Two codes are OVN's own: the next server,
// which is a header field, and the boot file for clients that are not iPXE when
// there is one for those that are.
func encodeDHCP4(options []action.DHCPv4Option, ipxe bool) (b []byte, next netip.Addr) {
	var file, alt []byte
	for _, o := range options {
		switch o.Code {
		case action.DHCPBootfile:
			file = o.Value
		case action.DHCPBootfileAlt:
			alt = o.Value
		}
	}
	if file == nil || alt != nil && !ipxe {
		file = alt
	}
	if file != nil {
		b = wire.AppendDHCP4Option(b, wire.DHCP4BootFile, file...)
	}
	for _, o := range options {
		switch o.Code {
		case action.DHCPBootfile, action.DHCPBootfileAlt:
		case action.DHCPNextServer:
			if a, ok := wire.DHCP4Addr(o.Value); ok {
				next = a
			}
			// Sent on as well: ovn-controller leaves it among the options.
			b = wire.AppendDHCP4Option(b, o.Code, o.Value...)
		default:
			b = wire.AppendDHCP4Option(b, o.Code, o.Value...)
		}
	}
	return b, next
}
