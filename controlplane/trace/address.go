package trace

import (
	"net/netip"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

type mac = wire.MAC

// portAddresses is one entry of a port's port security: a MAC address and the IP
// addresses that may be used with it (ovn-nb(5), Logical_Switch_Port
// port_security).
type portAddresses struct {
	mac mac
	v4  []netip.Prefix
	v6  []netip.Prefix
}

// parsePortAddresses parses "MAC [IP[/LEN]]...". What is no address ends the list.
func parsePortAddresses(text string) (a portAddresses, ok bool) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return a, false
	}
	if a.mac, ok = parseMAC(words[0]); !ok {
		return a, false
	}
	for _, w := range words[1:] {
		p, err := netip.ParsePrefix(w)
		if err != nil {
			ip, err := netip.ParseAddr(w)
			if err != nil {
				break
			}
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		if p != p.Masked() {
			// Host bits name one host of the subnet.
			p = netip.PrefixFrom(p.Addr(), p.Addr().BitLen())
		}
		if p.Addr().Is4() {
			a.v4 = append(a.v4, p)
		} else {
			a.v6 = append(a.v6, p)
		}
	}
	return a, true
}

func contains(list []netip.Prefix, ip netip.Addr) bool {
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

func parseMAC(text string) (mac, bool) {
	m, err := wire.ParseMAC(text)
	return m, err == nil
}

func parseIP(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	return a, err == nil
}

// vip is a virtual address of a load balancer; its port is 0 for none.
type vip struct {
	netip.AddrPort
	snat netip.Addr // that a backend's connections to itself come from
}

func parseVIP(text string) (vip, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return vip{ap, ap.Addr()}, true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return vip{netip.AddrPortFrom(a, 0), a}, err == nil
}

func macOf(v ir.Value) mac          { return mac(v.AppendBytes(nil, 6)) }
func macValue(m mac) ir.Value       { return ir.BytesValue(m[:]) }
func ip4Of(v ir.Value) netip.Addr   { return netip.AddrFrom4([4]byte(v.AppendBytes(nil, 4))) }
func ip6Of(v ir.Value) netip.Addr   { return netip.AddrFrom16([16]byte(v.AppendBytes(nil, 16))) }
func ipValue(a netip.Addr) ir.Value { return ir.BytesValue(a.AsSlice()) }

// hairpinSNAT is the address of v's family in options:hairpin_snat_ip of its load
// balancer (ovn-nb(5)), else v's own.
func hairpinSNAT(v vip, option string) netip.Addr {
	for _, w := range strings.Fields(option) {
		if a, err := netip.ParseAddr(w); err == nil && a.Is4() == v.Addr().Is4() {
			return a
		}
	}
	return v.Addr()
}
