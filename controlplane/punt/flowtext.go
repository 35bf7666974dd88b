package punt

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sluice-gw/sluice/internal/wire"
)

// flowText describes a packet as Open vSwitch formats the flow of a packet-in
// (ovs-ofctl(8), "flow syntax"), which is how ACL log lines end. MPLS labels and NSH
// are not taken apart.
func flowText(f *wire.Frame) string {
	t := &flowWriter{}
	t.protocol(f)
	t.tags(f)
	var src, dst wire.MAC
	if f.Ethernet != nil {
		src, dst = f.Ethernet.Src(), f.Ethernet.Dst()
	}
	t.add("dl_src=%s,dl_dst=%s", src, dst)
	switch f.EtherType {
	case wire.TypeARP, wire.TypeRARP:
		t.arp(f)
	case wire.TypeIPv4:
		t.add("nw_src=%s,nw_dst=%s", orZero(f.Src), orZero(f.Dst))
		t.ip(f)
	case wire.TypeIPv6:
		t.add("ipv6_src=%s,ipv6_dst=%s,ipv6_label=0x%05x", ipv6Text(f.Src), ipv6Text(f.Dst), f.Label)
		t.ip(f)
	default:
		t.add("dl_type=0x%04x", f.EtherType)
	}
	return t.b.String()
}

type flowWriter struct{ b strings.Builder }

func (t *flowWriter) add(format string, args ...any) {
	if t.b.Len() > 0 {
		t.b.WriteByte(',')
	}
	fmt.Fprintf(&t.b, format, args...)
}

// protocol is the short name that stands for EtherType and protocol.
func (t *flowWriter) protocol(f *wire.Frame) {
	switch f.EtherType {
	case wire.TypeARP:
		t.add("arp")
	case wire.TypeRARP:
		t.add("rarp")
	case wire.TypeIPv4:
		if n := transportName(f); n != "" {
			t.add("%s", n)
		} else {
			t.add("ip")
		}
	case wire.TypeIPv6:
		if n := transportName(f); n != "" {
			t.add("%s6", n)
		} else {
			t.add("ipv6")
		}
	}
}

func transportName(f *wire.Frame) string {
	switch {
	case f.Proto == wire.ProtoTCP:
		return "tcp"
	case f.Proto == wire.ProtoUDP:
		return "udp"
	case f.Proto == wire.ProtoSCTP:
		return "sctp"
	case f.Proto == wire.ProtoICMP && f.EtherType == wire.TypeIPv4,
		f.Proto == wire.ProtoICMPv6 && f.EtherType == wire.TypeIPv6:
		return "icmp"
	}
	return ""
}

// tags are the VLAN tags up to the first that is not there.
func (t *flowWriter) tags(f *wire.Frame) {
	for i, tci := range f.TCI {
		n := ""
		if i > 0 {
			n = fmt.Sprint(i)
		}
		if tci == 0 {
			t.add("vlan_tci%s=0x0000", n)
			return
		}
		t.add("dl_vlan%s=%d,dl_vlan_pcp%s=%d", n, tci&0xfff, n, tci>>13)
	}
}

func (t *flowWriter) arp(f *wire.Frame) {
	a, err := wire.ParseARP(f.Network)
	if err != nil {
		a = make(wire.ARP, wire.ARPLen)
	}
	op := a.Op()
	if op > 255 { // OVS looks at the low 8 bits only where the rest is 0
		op = 0
	}
	t.add("arp_spa=%s,arp_tpa=%s,arp_op=%d,arp_sha=%s,arp_tha=%s", a.SPA(), a.TPA(), op, a.SHA(), a.THA())
}

func (t *flowWriter) ip(f *wire.Frame) {
	if transportName(f) == "" {
		t.add("nw_proto=%d", f.Proto)
	}
	frag := "no"
	switch {
	case f.Later:
		frag = "later"
	case f.Fragment:
		frag = "first"
	}
	t.add("nw_tos=%d,nw_ecn=%d,nw_ttl=%d,nw_frag=%s", f.TOS&^3, f.TOS&3, f.TTL, frag)
	if !f.Later {
		t.transport(f)
	}
}

// transport formats ports, or ICMP type and code. A header that is cut reads as 0.
func (t *flowWriter) transport(f *wire.Frame) {
	var a, b, flags uint16
	h := f.Transport
	switch f.Proto {
	case wire.ProtoTCP:
		if h, err := wire.ParseTCP(h); err == nil {
			a, b, flags = h.SrcPort(), h.DstPort(), h.Flags()
		}
	case wire.ProtoUDP, wire.ProtoSCTP:
		need := wire.UDPLen
		if f.Proto == wire.ProtoSCTP {
			need = wire.SCTPLen
		}
		if len(h) >= need {
			a, b = binary.BigEndian.Uint16(h), binary.BigEndian.Uint16(h[2:])
		}
	case wire.ProtoICMP, wire.ProtoICMPv6, wire.ProtoIGMP:
		if len(h) >= wire.ICMPLen {
			a, b = uint16(h[0]), uint16(h[1])
		}
	default:
		return
	}
	if transportName(f) == "icmp" {
		t.add("icmp_type=%d,icmp_code=%d", a, b)
	} else {
		t.add("tp_src=%d,tp_dst=%d", a, b)
	}
	if f.Proto == wire.ProtoTCP {
		t.add("tcp_flags=%s", tcpFlags(flags))
	}
	if f.EtherType == wire.TypeIPv6 && f.Proto == wire.ProtoICMPv6 {
		t.neighbor(h)
	}
}

// neighbor formats the target and link-layer addresses of neighbor discovery. OVS
// takes a message that has an option twice for one without target and options.
func (t *flowWriter) neighbor(b []byte) {
	if len(b) < wire.ICMPLen || b[0] != wire.ICMP6NeighSolicit && b[0] != wire.ICMP6NeighAdvert || b[1] != 0 {
		return
	}
	target := netip.IPv6Unspecified()
	var sll, tll wire.MAC
	if n, err := wire.ParseNeigh(b); err == nil {
		target = n.Target()
		for typ, opt := range n.Options() {
			mac, ok := wire.LinkAddr(opt)
			if !ok {
				continue
			}
			at := &sll
			if typ == wire.NDTargetLinkAddr {
				at = &tll
			} else if typ != wire.NDSourceLinkAddr {
				continue
			}
			if !at.IsZero() {
				target, sll, tll = netip.IPv6Unspecified(), wire.MAC{}, wire.MAC{}
				break
			}
			*at = mac
		}
	}
	t.add("nd_target=%s,nd_sll=%s,nd_tll=%s", ipv6Text(target), sll, tll)
}

var tcpFlagNames = [12]string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"}

func tcpFlags(f uint16) string {
	var names []string
	for i, n := range tcpFlagNames {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	if names == nil {
		return "0"
	}
	return strings.Join(names, "|")
}

func orZero(a netip.Addr) netip.Addr {
	if !a.IsValid() {
		return netip.IPv4Unspecified()
	}
	return a
}

// ipv6Text is inet_ntop(3)'s form, which differs from netip's for IPv4-compatible addresses.
func ipv6Text(a netip.Addr) string {
	if !a.IsValid() {
		return "::"
	}
	b := a.As16()
	if [12]byte(b[:12]) == [12]byte{} && (b[12] != 0 || b[13] != 0) {
		return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
	}
	return a.String()
}
