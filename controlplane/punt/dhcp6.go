package punt

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/internal/wire"
)

// answerDHCP6 is put_dhcpv6_opts, with the same contract as answerDHCP4. Addresses are
// given for ever, so that clients need no RENEW and REBIND; those go on with result 0.
func answerDHCP6(r *request) []Effect {
	args, err := action.DecodeDHCPv6Args(r.Args)
	if err != nil {
		return dropErr(ReasonArguments, err)
	}
	in, err := readDHCP6(r)
	if err != nil {
		return dropErr(ReasonMalformed, err)
	}
	reply := uint8(wire.DHCP6Reply)
	switch in.msg.Type() {
	case wire.DHCP6Solicit:
		reply = wire.DHCP6Advertise
	case wire.DHCP6Request, wire.DHCP6Confirm, wire.DHCP6Decline, wire.DHCP6InfoReq, wire.DHCP6Release:
	default:
		return drop(ReasonNoReply, fmt.Sprintf("DHCPv6 message type %d is not answered", in.msg.Type()))
	}
	if in.clientID == nil {
		return drop(ReasonMalformed, "DHCPv6: no client identifier (option 1)")
	}
	stateless := in.msg.Type() == wire.DHCP6InfoReq
	if in.iaid == 0 && !stateless {
		return drop(ReasonMalformed, "DHCPv6: no identity association (option 3, IA_NA) with an IAID")
	}
	var options []byte
	if in.msg.Type() == wire.DHCP6Release {
		options = releaseOptions(args)
	} else if options, err = in.replyOptions(args); err != nil {
		return dropErr(ReasonArguments, err)
	}
	return r.answered(in.reply(r, reply, options))
}

// dhcp6Request is what matters of a client's message.
type dhcp6Request struct {
	msg      wire.DHCP6
	clientID []byte
	iaid     uint32
	ipxe     bool
	fqdn     bool // there is an FQDN option, with fqdnFlags
	fqdnFlag uint8
}

func readDHCP6(r *request) (dhcp6Request, error) {
	var in dhcp6Request
	if r.broken != nil {
		return in, r.broken
	}
	if r.frame.EtherType != wire.TypeIPv6 || r.frame.Proto != wire.ProtoUDP {
		return in, fmt.Errorf("DHCPv6: a packet of type 0x%04x and IP protocol %d is not UDP over IPv6", r.frame.EtherType, r.frame.Proto)
	}
	udp, err := wire.ParseUDP(r.frame.Transport)
	if err != nil {
		return in, err
	}
	if in.msg, err = wire.ParseDHCP6(udp.Payload()); err != nil {
		return in, err
	}
	for code, data := range in.msg.Options() {
		switch code {
		case wire.DHCP6ClientID:
			in.clientID = data
		case wire.DHCP6IANA:
			if id, ok := wire.IAID(data); ok {
				in.iaid = id
			}
		case wire.DHCP6UserClass: // be16 length, class, ... (RFC 8415, 21.15)
			in.ipxe = in.ipxe || len(data) >= 6 && string(data[2:6]) == "iPXE"
		case wire.DHCP6FQDN:
			if len(data) > 0 {
				in.fqdn, in.fqdnFlag = true, data[0]
			}
		}
	}
	return in, nil
}

// replyOptions is OVN's options in the form that RFC 8415 wants.
func (in *dhcp6Request) replyOptions(args action.DHCPv6Args) ([]byte, error) {
	var b []byte
	for _, o := range args.Options {
		switch o.Code {
		case wire.DHCP6ServerID:
			b = appendServerID(b, o.Value)
		case wire.DHCP6IAAddr:
			a, ok := netip.AddrFromSlice(o.Value)
			if !ok || !a.Is6() {
				return nil, fmt.Errorf("put_dhcpv6_opts: ia_addr has %d bytes, want an IPv6 address", len(o.Value))
			}
			if in.iaid != 0 { // 0: an information request without IA_NA
				b = wire.AppendIANA(b, in.iaid, a)
			}
		case wire.DHCP6DNS:
			b = wire.AppendDHCP6Option(b, o.Code, o.Value...)
		case wire.DHCP6DomainSearch:
			name, err := wire.AppendName(nil, string(o.Value))
			if err != nil {
				return nil, fmt.Errorf("put_dhcpv6_opts: domain_search: %w", err)
			}
			b = wire.AppendDHCP6Option(b, o.Code, name...)
		case wire.DHCP6BootFile:
			if in.ipxe {
				b = wire.AppendDHCP6Option(b, wire.DHCP6BootFile, o.Value...)
			}
		case action.DHCPv6BootfileAlt:
			if !in.ipxe {
				b = wire.AppendDHCP6Option(b, wire.DHCP6BootFile, o.Value...)
			}
		case wire.DHCP6FQDN:
			if in.fqdn { // the server does not update DNS and says so when the client asked for it
				flags := byte(wire.FQDNNoUpdate)
				if in.fqdnFlag&wire.FQDNServerUpdates != 0 {
					flags |= wire.FQDNOverride
				}
				b = wire.AppendDHCP6Option(b, o.Code, append([]byte{flags}, o.Value...)...)
			}
		default:
			return nil, fmt.Errorf("put_dhcpv6_opts: option %d is not one that OVN has", o.Code)
		}
	}
	return b, nil
}

// releaseOptions answers a RELEASE: server identifier and status "success".
func releaseOptions(args action.DHCPv6Args) []byte {
	var b []byte
	for _, o := range args.Options {
		if o.Code == wire.DHCP6ServerID {
			b = appendServerID(b, o.Value)
			break
		}
	}
	return wire.AppendDHCP6Option(b, wire.DHCP6Status, 0, 0)
}

func appendServerID(b, mac []byte) []byte {
	var m wire.MAC
	copy(m[:], mac)
	return wire.AppendDHCP6Option(b, wire.DHCP6ServerID, wire.AppendDUIDLL(nil, m)...)
}

// reply makes the answer. Addresses and ports stay: the logical flows behind
// put_dhcpv6_opts set them, and OVS corrects the checksum with them.
func (in *dhcp6Request) reply(r *request, typ uint8, options []byte) []byte {
	l4 := r.frame.TransportOffset()
	p := bytes.Clone(r.Packet[:l4+wire.UDPLen])
	p = wire.AppendDHCP6(p, typ, in.msg.Transaction())
	p = wire.AppendDHCP6Option(p, wire.DHCP6ClientID, in.clientID...)
	p = append(p, options...)

	udp := wire.UDP(p[l4:])
	udp[4], udp[5] = byte(len(udp)>>8), byte(len(udp))
	udp.Seal(r.frame.Src, r.frame.Dst)
	l3 := r.frame.NetworkOffset()
	wire.IPv6(p[l3:]).SetPayloadLen(len(p) - l3 - wire.IPv6Len)
	return p
}
