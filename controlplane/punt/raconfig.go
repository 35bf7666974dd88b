package punt

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/internal/wire"
)

// RouterAdvert is a router port that advertises itself periodically into a logical
// switch (Port_Binding options:ipv6_ra_send_periodic).
type RouterAdvert struct {
	// Port is the switch's port to the router (options:peer of the router's port).
	Port Key
	// Gateway: this chassis may send the advertisement on to the physical network: the
	// router port's chassisredirect port (options:chassis-redirect-port) is here, or
	// the router port is of type l3gateway.
	Gateway  bool
	Min, Max time.Duration // between two advertisements
	MAC      wire.MAC
	Source   netip.Addr
	// Body is the ICMPv6 message, without checksum.
	Body string
}

// ParseRAConfig reads the options ipv6_ra_* of a router's Port_Binding (ovn-sb(5)). The
// caller sets Port and Gateway. The error names the option.
func ParseRAConfig(options map[string]string) (RouterAdvert, error) {
	p := raParser{options: options}
	var r RouterAdvert
	longest := p.seconds("ipv6_ra_max_interval", 600)
	shortest := longest / 3
	if longest < 9 {
		shortest = longest * 3 / 4
	}
	r.Max = time.Duration(longest) * time.Second
	r.Min = time.Duration(p.seconds("ipv6_ra_min_interval", shortest)) * time.Second
	r.MAC = parse(&p, "ipv6_ra_src_eth", wire.ParseMAC)
	r.Source = parse(&p, "ipv6_ra_src_addr", parseIPv6)
	r.Body = string(p.body(r.MAC))
	if p.err == nil && len(r.Body) > maxRABody {
		p.err = fmt.Errorf("router advertisement of %d bytes is longer than %d", len(r.Body), maxRABody)
	}
	if p.err == nil && (r.Min < 0 || r.Max < r.Min || r.Max == 0) {
		p.err = fmt.Errorf("interval of %s to %s is none: want 0 < min <= max", r.Min, r.Max)
	}
	return r, p.err
}

// raParser remembers the first error.
type raParser struct {
	options map[string]string
	err     error
}

func (p *raParser) fail(option, cause string) {
	if p.err == nil {
		p.err = fmt.Errorf("Port_Binding options:%s: %s", option, cause)
	}
}

// parse reads an option that must be there.
func parse[T any](p *raParser, option string, f func(string) (T, error)) (v T) {
	text, ok := p.options[option]
	if !ok {
		p.fail(option, "is not set")
		return v
	}
	v, err := f(text)
	if err != nil {
		p.fail(option, err.Error())
	}
	return v
}

func (p *raParser) seconds(option string, otherwise int) int {
	if _, ok := p.options[option]; !ok {
		return otherwise
	}
	return int(parse(p, option, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 32) }))
}

func parseIPv6(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err == nil && (!a.Is6() || a.Zone() != "") {
		err = fmt.Errorf("%q is not an IPv6 address", s)
	}
	return a, err
}

// parsePrefix reads address/length; a bare address is itself.
func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := parseIPv6(s)
		return netip.PrefixFrom(a, 128), err
	}
	n, err := netip.ParsePrefix(s)
	if err == nil && !n.Addr().Is6() {
		err = fmt.Errorf("%q is not an IPv6 prefix", s)
	}
	return n, err
}

const (
	// maxRABody is what fits into a packet of the smallest MTU of IPv6: an advertisement
	// must not be fragmented (RFC 6980, 2).
	maxRABody = 1280 - wire.IPv6Len
	// OVN's values for what has no option.
	raHopLimit = 255
	raLifetime = 0xffff
)

// body is the advertisement with its options, in ovn-controller's order.
func (p *raParser) body(mac wire.MAC) []byte {
	flags, prefixFlags := uint8(0), uint8(wire.PrefixOnLink)
	switch mode := p.options["ipv6_ra_address_mode"]; mode {
	case "slaac":
		prefixFlags |= wire.PrefixAutonomous
	case "dhcpv6_stateless":
		flags |= wire.RAOther
		prefixFlags |= wire.PrefixAutonomous
	case "dhcpv6_stateful":
		flags |= wire.RAManaged
	default:
		p.fail("ipv6_ra_address_mode", fmt.Sprintf("%q is none of slaac, dhcpv6_stateless, dhcpv6_stateful", mode))
	}
	flags |= preference(p.options["ipv6_ra_prf"])
	b := wire.AppendRouterAdvert(nil, raHopLimit, flags, raLifetime)
	b = wire.AppendLinkAddr(b, wire.NDSourceLinkAddr, mac)
	if mtu := p.seconds("ipv6_ra_mtu", 0); mtu > 0 {
		b = wire.AppendNDMTU(b, uint32(mtu))
	}
	for _, w := range strings.Fields(p.options["ipv6_ra_prefixes"]) {
		n, err := parsePrefix(w)
		if err != nil {
			p.fail("ipv6_ra_prefixes", err.Error())
			return nil
		}
		b = wire.AppendNDPrefix(b, n, prefixFlags)
	}
	if _, ok := p.options["ipv6_ra_rdnss"]; ok {
		b = wire.AppendRDNSS(b, wire.Forever, parse(p, "ipv6_ra_rdnss", parseIPv6))
	}
	return p.routes(p.searchList(b))
}

func (p *raParser) searchList(b []byte) []byte {
	list := p.options["ipv6_ra_dnssl"]
	if list == "" {
		return b
	}
	var names []string
	for n := range strings.SplitSeq(list, ",") {
		names = append(names, strings.TrimSpace(n))
	}
	b, err := wire.AppendDNSSL(b, wire.Forever, names...)
	if err != nil {
		p.fail("ipv6_ra_dnssl", err.Error())
	}
	return b
}

// routes reads PREFERENCE-PREFIX,... (preference HIGH, MEDIUM or LOW).
func (p *raParser) routes(b []byte) []byte {
	list := p.options["ipv6_ra_route_info"]
	if list == "" {
		return b
	}
	for r := range strings.SplitSeq(list, ",") {
		pref, text, ok := strings.Cut(strings.TrimSpace(r), "-")
		if !ok {
			p.fail("ipv6_ra_route_info", fmt.Sprintf("%q is not PREFERENCE-PREFIX", r))
			return b
		}
		n, err := parsePrefix(text)
		if err != nil {
			p.fail("ipv6_ra_route_info", err.Error())
			return b
		}
		b = wire.AppendRouteInfo(b, n, preference(pref), wire.Forever)
	}
	return b
}

func preference(s string) uint8 {
	switch s {
	case "HIGH":
		return wire.RAPreferenceHigh
	case "LOW":
		return wire.RAPreferenceLow
	}
	return 0
}
