package ovsdb

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Passive is where servers connect to us: a passive connection method of
// ovsdb(7).
type Passive struct {
	TLS     bool
	Address netip.AddrPort
}

// IsPassive tells passive connection methods from what ParseRemote reads.
func IsPassive(remote string) bool {
	return strings.HasPrefix(remote, "pssl:") || strings.HasPrefix(remote, "ptcp:")
}

// ParsePassive reads pssl:[PORT][:ADDRESS] or ptcp:[PORT][:ADDRESS]. As in
// ovsdb(7) the port may be left out, 6640, and so may the address: all IPv4
// addresses of the host. IPv6 addresses are in brackets.
func ParsePassive(method string) (p Passive, err error) {
	scheme, rest, _ := strings.Cut(method, ":")
	if !IsPassive(method) {
		return p, fmt.Errorf("remote %q: expected pssl:PORT[:ADDRESS] or ptcp:PORT[:ADDRESS]", method)
	}
	port, address, _ := strings.Cut(rest, ":")
	if port == "" {
		port = defaultPort
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return p, fmt.Errorf("remote %q: port %q: expected a number from 1 to 65535", method, port)
	}
	ip := netip.IPv4Unspecified()
	if address != "" {
		bare := strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
		if ip, err = netip.ParseAddr(bare); err != nil || ip.Is6() != (address == "["+bare+"]") || ip.Is4() != (address == bare) {
			return p, fmt.Errorf("remote %q: expected an IP address of this host behind the port, IPv6 in brackets, got %q", method, address)
		}
	}
	return Passive{TLS: scheme == "pssl", Address: netip.AddrPortFrom(ip, uint16(n))}, nil
}

// String returns the form that ParsePassive reads.
func (p Passive) String() string {
	s := fmt.Sprintf("ptcp:%d", p.Address.Port())
	if p.TLS {
		s = fmt.Sprintf("pssl:%d", p.Address.Port())
	}
	switch ip := p.Address.Addr(); {
	case ip == netip.IPv4Unspecified():
		return s
	case ip.Is6():
		return s + ":[" + ip.String() + "]"
	default:
		return s + ":" + ip.String()
	}
}
