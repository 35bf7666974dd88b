package punt

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// requestARP is arp{}: an IP packet whose next hop (reg0) has no known MAC address
// becomes an ARP request from the packet's source; the packet itself waits. The inner
// actions fill in the addresses that ARP asks for.
func requestARP(r *request) []Effect {
	f := &r.frame
	if f.EtherType != wire.TypeIPv4 && f.EtherType != wire.TypeIPv6 {
		return notIP(r)
	}
	src, dst := f.Src, f.Dst
	if f.EtherType == wire.TypeIPv6 { // IPv6 routed over an IPv4 next hop: the inner actions know better
		src, dst = netip.Addr{}, netip.Addr{}
	}
	p := wire.AppendTaggedEthernet(nil, f.Ethernet.Dst(), f.Ethernet.Src(), f.TCI[0], wire.TypeARP)
	p = wire.AppendARP(p, wire.ARPRequest, f.Ethernet.Src(), src, wire.MAC{}, dst)
	return []Effect{Hold{r.nextHop4()}, sendBack(r.PacketIn, p)}
}

// solicitNeighbor is nd_ns{}: likewise for a next hop in xxreg0, by a neighbor
// solicitation from the link-local address that belongs to the packet's source MAC.
func solicitNeighbor(r *request) []Effect {
	f := &r.frame
	if f.EtherType != wire.TypeIPv4 && f.EtherType != wire.TypeIPv6 {
		return notIP(r)
	}
	target := r.nextHop6()
	if target.IsUnspecified() && f.Dst.Is6() {
		target = f.Dst
	}
	mac := f.Ethernet.Src()
	to := wire.SolicitedNode(target)
	p := wire.AppendEthernet(nil, wire.MulticastMAC(to), mac, wire.TypeIPv6)
	p = wire.AppendNeigh(p, mac.LinkLocal(), to, wire.ICMP6NeighSolicit, 0, target, wire.NDSourceLinkAddr, mac)
	return []Effect{Hold{target}, sendBack(r.PacketIn, p)}
}

// advertiseNeighbor is nd_na{} and nd_na_router{}: the answer to a neighbor
// solicitation on behalf of its target, whose MAC address is eth.dst.
func advertiseNeighbor(r *request, router bool) []Effect {
	f := &r.frame
	n, err := wire.ParseNeigh(f.Transport)
	if f.EtherType != wire.TypeIPv6 || f.Proto != wire.ProtoICMPv6 || err != nil {
		return drop(ReasonUnexpected, fmt.Sprintf("%s on a packet that is not neighbor discovery", r.Opcode))
	}
	flags := uint32(wire.NASolicited | wire.NAOverride)
	if router {
		flags |= wire.NARouter
	}
	mac, to, toMAC := f.Ethernet.Dst(), f.Src, f.Ethernet.Src()
	if to.IsUnspecified() { // duplicate address detection: RFC 4861, 7.2.4
		to, toMAC = netip.IPv6LinkLocalAllNodes(), wire.MulticastMAC(netip.IPv6LinkLocalAllNodes())
		flags &^= wire.NASolicited
	}
	p := wire.AppendEthernet(nil, toMAC, mac, wire.TypeIPv6)
	p = wire.AppendNeigh(p, n.Target(), to, wire.ICMP6NeighAdvert, flags, n.Target(), wire.NDTargetLinkAddr, mac)
	return []Effect{sendBack(r.PacketIn, p)}
}

// nextHop4 is reg0 as an address.
func (p *PacketIn) nextHop4() netip.Addr {
	v := p.meta(ir.Reg0)
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// nextHop6 is xxreg0, reg0 to reg3, as an address.
func (p *PacketIn) nextHop6() netip.Addr {
	var a [16]byte
	for i := range 4 {
		v := p.meta(ir.Reg0 + ir.Field(i))
		a[4*i], a[4*i+1], a[4*i+2], a[4*i+3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
	}
	return netip.AddrFrom16(a)
}

func notIP(r *request) []Effect {
	return drop(ReasonUnexpected, fmt.Sprintf("%s on a packet of type 0x%04x, which is not IP", r.Opcode, r.frame.EtherType))
}
