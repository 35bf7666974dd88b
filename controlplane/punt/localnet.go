package punt

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/sluice-gw/sluice/internal/wire"
)

// LocalnetPort is a port of a logical switch that has a localnet port on this chassis:
// a VIF bound here, an l3gateway port of a gateway router bound here, or a patch port
// to a router.
type LocalnetPort struct {
	Port Key
	VIF  bool // else l3gateway or patch
	// Patch: the port belongs to a distributed router, whose addresses are announced
	// by the chassis where their NAT is done: only those that name a resident port.
	Patch bool
	// Addresses is Port_Binding.mac of a VIF: "MAC IP...".
	Addresses []string
	// NAT is Port_Binding.nat_addresses of the others.
	NAT []string
}

// Announcements is what OVN announces for ports. resident tells whether a logical port
// (a chassisredirect port or, for distributed NAT, a VIF) is on this chassis. broken
// are the addresses that could not be understood.
//
// IPv4 addresses are announced by gratuitous ARP and a MAC without any by RARP, as
// ovn-controller does; of a VIF only the first IPv4 address of its first MAC. Both
// tell the switches of the physical network where the MAC is now, which is all that
// changes: neighbours know it already.
func Announcements(ports []LocalnetPort, resident func(lport string) bool) (list []Announcement, broken []error) {
	for _, p := range ports {
		texts := p.NAT
		if p.VIF {
			texts = p.Addresses
		}
		for _, text := range texts {
			n, err := ParseNATAddresses(text)
			if err != nil {
				if !p.VIF { // "dynamic", "unknown" and "router" are no mistakes
					broken = append(broken, err)
				}
				continue
			}
			if n.Resident != "" && !resident(n.Resident) || n.Resident == "" && p.Patch {
				continue
			}
			list = append(list, announceAll(p, n)...)
			if p.VIF {
				break
			}
		}
	}
	return list, broken
}

func announceAll(p LocalnetPort, n NATAddresses) (list []Announcement) {
	for _, ip := range n.IPs {
		if ip.Is4() {
			list = append(list, Announcement{p.Port, n.MAC, ip})
			if p.VIF {
				break
			}
		}
	}
	if len(list) == 0 {
		list = append(list, Announcement{Port: p.Port, MAC: n.MAC})
	}
	return list
}

// NATAddresses is one element of Port_Binding.nat_addresses.
type NATAddresses struct {
	MAC      wire.MAC
	IPs      []netip.Addr
	Resident string // the port of is_chassis_resident(); "" for none
}

// ParseNATAddresses reads `MAC [IP...] [is_chassis_resident("LPORT")]` (ovn-sb(5)),
// and with that Port_Binding.mac. Prefix lengths behind addresses are ignored.
func ParseNATAddresses(text string) (NATAddresses, error) {
	bad := func(cause string) (NATAddresses, error) {
		return NATAddresses{}, fmt.Errorf("address %q: %s: want MAC [IP...] [is_chassis_resident(\"PORT\")]", text, cause)
	}
	var n NATAddresses
	addresses, port, found := strings.Cut(text, "is_chassis_resident")
	if found {
		port, opened := strings.CutPrefix(strings.TrimSpace(port), "(")
		port, closed := strings.CutSuffix(port, ")")
		port = strings.TrimSpace(port)
		if !opened || !closed || len(port) < 3 || port[0] != '"' || port[len(port)-1] != '"' {
			return bad("is_chassis_resident has no quoted port in parentheses")
		}
		n.Resident = port[1 : len(port)-1]
	}
	words := strings.Fields(addresses)
	if len(words) == 0 {
		return bad("no Ethernet address")
	}
	var err error
	if n.MAC, err = wire.ParseMAC(words[0]); err != nil {
		return bad(err.Error())
	}
	for _, w := range words[1:] {
		host, _, _ := strings.Cut(w, "/")
		ip, err := netip.ParseAddr(host)
		if err != nil || ip.Zone() != "" {
			return bad(fmt.Sprintf("%q is not an IP address", w))
		}
		n.IPs = append(n.IPs, ip)
	}
	return n, nil
}
