package hairpin

import (
	"net/netip"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/expr"
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

// vipsOf are the virtual addresses and backends of a load balancer as text. A
// template has variables of this chassis in it; without a value they are left as they
// are, and cannot be read then.
func (h *Hairpin) vipsOf(lb *sb.LoadBalancer) map[string]string {
	if lb.Options["template"] != "true" {
		return lb.VIPs
	}
	var vars map[string]string
	for row := range h.w.SB.ChassisTemplateVar.All() {
		if row.Chassis == h.w.Config.Chassis {
			vars = row.Variables
		}
	}
	expand := func(text string) string {
		if full, _, err := expr.ExpandTemplates(text, func(name string) (string, bool) { v, ok := vars[name]; return v, ok }); err == nil {
			return full
		}
		return text
	}
	out := make(map[string]string, len(lb.VIPs))
	for k, v := range lb.VIPs {
		out[expand(k)] = expand(v)
	}
	return out
}

// vips reads virtual addresses with their backends; bad are those that cannot be read.
func vips(text map[string]string) (out []vip, bad []string) {
	for k, v := range text {
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
