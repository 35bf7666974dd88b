package hairpin

import (
	"net/netip"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/sb"
)

// endpoint is an address with an optional port, 0 for none.
type endpoint struct {
	addr netip.Addr
	port uint16
}

// parseEndpoint reads IP, IP:PORT or [IP6]:PORT.
func parseEndpoint(s string) (endpoint, bool) {
	s = strings.TrimSpace(s)
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return endpoint{ap.Addr().Unmap(), ap.Port()}, true
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	a, err := netip.ParseAddr(s)
	return endpoint{a, 0}, err == nil
}

type vip struct {
	endpoint
	backends []endpoint
}

// vips are the virtual addresses of a load balancer with their backends; bad are those that cannot be read.
func vips(lb *sb.LoadBalancer) (out []vip, bad []string) {
	for k, v := range lb.VIPs {
		e, ok := parseEndpoint(k)
		if !ok {
			bad = append(bad, k)
			continue
		}
		x := vip{endpoint: e}
		for _, b := range strings.Split(v, ",") {
			if strings.TrimSpace(b) == "" {
				continue
			}
			be, ok := parseEndpoint(b)
			if !ok || be.addr.Is4() != e.addr.Is4() {
				bad = append(bad, b)
				continue
			}
			x.backends = append(x.backends, be)
		}
		out = append(out, x)
	}
	return out, bad
}

// snatIPs are the addresses of options:hairpin_snat_ip, zero for none.
func snatIPs(lb *sb.LoadBalancer) (v4, v6 netip.Addr) {
	for _, w := range strings.Fields(lb.Options["hairpin_snat_ip"]) {
		a, err := netip.ParseAddr(w)
		switch {
		case err != nil:
		case a.Is4() && !v4.IsValid():
			v4 = a
		case a.Is6() && !v6.IsValid():
			v6 = a
		}
	}
	return v4, v6
}
