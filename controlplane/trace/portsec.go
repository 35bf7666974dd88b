package trace

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

var (
	allIPv4       = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	multicastIPv4 = netip.MustParsePrefix("224.0.0.0/4")
	multicastIPv6 = netip.MustParsePrefix("ff00::/8")
)

// securityFor is the entry of a port's security that applies to a MAC address;
// apply is false when the port has no security.
func (d *datapath) securityFor(key ir.Value, m mac) (a portAddresses, found, apply bool) {
	p := d.ports[uint32(key.Lo)]
	if p == nil || len(p.security) == 0 {
		return a, false, false
	}
	for _, a := range p.security {
		if a.mac == m {
			return a, true, true
		}
	}
	return a, false, true
}

// mayEnter tells whether port security lets p in (ovn-nb(5), port_security). Where there
// are IP addresses nothing but IP and ARP enters, as in ovn-controller's flows; ovn-trace
// lets it in.
func (t *tracer) mayEnter(d *datapath, p *ir.Packet) bool {
	a, found, apply := d.securityFor(p.Get(ir.Inport), macOf(p.Get(ir.EthSrc)))
	if !apply || !found {
		return !apply
	}
	anyIP := len(a.v4)+len(a.v6) == 0
	switch {
	case p.Has(ir.IP4Src):
		return anyIP || contains(a.v4, ip4Of(p.Get(ir.IP4Src))) || dhcpRequest(p)
	case p.Get(ir.EthType) == ir.V(wire.TypeARP):
		return macOf(p.Get(ir.ARPSHA)) == a.mac && (len(a.v4) == 0 || contains(a.v4, ip4Of(p.Get(ir.ARPSPA))))
	case p.Has(ir.IP6Src):
		return anyIP || a.mayEnter6(p)
	}
	return anyIP
}

// dhcpRequest tells whether p is from a host without address to all DHCP servers.
func dhcpRequest(p *ir.Packet) bool {
	return p.Get(ir.UDPSrc) == ir.V(68) && p.Get(ir.UDPDst) == ir.V(67) &&
		p.Get(ir.IP4Src).IsZero() && ip4Of(p.Get(ir.IP4Dst)) == allIPv4
}

func (a portAddresses) mayEnter6(p *ir.Packet) bool {
	own := func(f ir.Field) bool {
		ip := ip6Of(p.Get(f))
		return contains(a.v6, ip) || ip == a.mac.LinkLocal()
	}
	ownOrNone := func(f ir.Field) bool { m := macOf(p.Get(f)); return m.IsZero() || m == a.mac }
	switch {
	case !own(ir.IP6Src):
		return false
	case p.Has(ir.NDSLL):
		return ownOrNone(ir.NDSLL)
	case p.Has(ir.NDTLL):
		return ownOrNone(ir.NDTLL) && (len(a.v6) == 0 || own(ir.NDTarget))
	}
	return true
}

// mayLeave tells whether port security lets p out to its port.
func (t *tracer) mayLeave(d *datapath, p *ir.Packet) bool {
	a, found, apply := d.securityFor(p.Get(ir.Outport), macOf(p.Get(ir.EthDst)))
	if !apply || !found {
		return !apply
	}
	anyIP := len(a.v4)+len(a.v6) == 0
	switch {
	case p.Has(ir.IP4Dst) && !anyIP:
		ip := ip4Of(p.Get(ir.IP4Dst))
		return len(a.v4) > 0 && (contains(a.v4, ip) || ip == allIPv4 || multicastIPv4.Contains(ip))
	case p.Has(ir.IP6Dst) && !anyIP:
		ip := ip6Of(p.Get(ir.IP6Dst))
		return len(a.v6) > 0 && (contains(a.v6, ip) || ip == a.mac.LinkLocal() || multicastIPv6.Contains(ip))
	}
	return true
}
