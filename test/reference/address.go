package reference

import (
	"fmt"
	"net/netip"
)

// physIP is the physical host, which is also the router's next hop.
var physIP = netip.MustParseAddr("172.31.0.1")

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func endpoint(ip string, port uint16) netip.AddrPort { return netip.AddrPortFrom(addr(ip), port) }

// on makes host addresses with their prefix length: 24 for IPv4 and 64 for IPv6.
func on(ips ...string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, ip := range ips {
		bits := 24
		if addr(ip).Is6() {
			bits = 64
		}
		prefixes = append(prefixes, netip.PrefixFrom(addr(ip), bits))
	}
	return prefixes
}

func differs(what string, got, want any) error {
	return fmt.Errorf("%s is %v, not %v", what, got, want)
}

func gateways(ips ...string) []netip.Addr {
	var addrs []netip.Addr
	for _, ip := range ips {
		addrs = append(addrs, addr(ip))
	}
	return addrs
}
