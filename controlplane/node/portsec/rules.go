package portsec

import (
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// rule is a rule for the port, of which match says nothing: all rules of the two
// ingress stages ask for its inport, those of the egress stage for its outport.
type rule struct {
	stage    ir.Stage
	priority uint16
	match    string // in the match language of ovn-sb(5)
	program  *ir.Program
}

// The verdicts. toND leaves the verdict to the stage that looks into ARP and
// neighbor discovery; what that has no rule for is allowed.
var (
	refused = ir.Bits(ir.Flags, ir.FlagCheckPortSec, 1)
	deny    = ir.NewProgram(ir.Set{Dst: refused, Value: ir.V(1)})
	allow   = ir.NewProgram(ir.Set{Dst: refused, Value: ir.V(0)})
	toND    = ir.NewProgram(ir.Call{Stage: ir.ChkInPortSecND})
)

// list collects rules.
type list []rule

func (l *list) in(priority uint16, p *ir.Program, match string, args ...any) {
	*l = append(*l, rule{ir.ChkInPortSec, priority, fmt.Sprintf(match, args...), p})
}

func (l *list) nd(priority uint16, p *ir.Program, match string, args ...any) {
	*l = append(*l, rule{ir.ChkInPortSecND, priority, fmt.Sprintf(match, args...), p})
}

func (l *list) out(priority uint16, p *ir.Program, match string, args ...any) {
	*l = append(*l, rule{ir.ChkOutPortSec, priority, fmt.Sprintf(match, args...), p})
}

// rulesOf are the rules of a port with these entries, at least one.
func rulesOf(entries []Entry) []rule {
	var l list
	l.in(80, deny, "1")
	l.in(95, toND, "arp")
	l.nd(80, deny, "arp")
	l.nd(80, deny, "icmp6.type == {135, 136} && ip.ttl == 255")
	l.out(80, deny, "1")
	for _, e := range entries {
		l.sends(e)
		l.announces(e)
		l.receives(e)
	}
	return l
}

// sends: from which addresses the host may send.
func (l *list) sends(e Entry) {
	v4, v6 := e.stations()
	if len(e.IP4)+len(e.IP6) == 0 {
		for _, mac := range e.allStations() {
			l.in(90, toND, "eth.src == %s", mac)
		}
	}
	if len(e.IP4) > 0 {
		for _, mac := range v4 {
			l.in(90, allow, "eth.src == %s && ip4.src == %s", mac, set(e.IP4))
			// A DHCP client that has no address yet.
			l.in(90, allow, "eth.src == %s && ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255 && udp.src == 68 && udp.dst == 67", mac)
		}
	}
	if len(e.IP6) > 0 {
		for _, mac := range v6 {
			l.in(90, toND, "eth.src == %s && ip6.src == %s", mac, set(e.IP6, linkLocal(mac)))
			// A host that has no address yet: multicast listener reports, and the
			// search for duplicates of the address that it is about to take.
			l.in(90, allow, "eth.src == %s && ip6.src == :: && ip6.dst == ff02::/16 && icmp6.type == {131, 143} && icmp6.code == 0", mac)
			l.in(90, toND, "eth.src == %s && ip6.src == :: && ip6.dst == ff02::/16 && icmp6.type == 135 && icmp6.code == 0", mac)
		}
	}
}

// announces: which addresses the host may claim in ARP and neighbor discovery.
func (l *list) announces(e Entry) {
	v4, v6 := e.stations()
	switch {
	case len(v4) == 0:
	case len(e.IP4) > 0:
		l.nd(90, allow, "eth.src == %s && arp.sha == %s && arp.spa == %s", e.MAC, set(v4), set(e.IP4))
	case len(e.IP6) == 0: // with IPv6 addresses only, no ARP
		l.nd(90, allow, "eth.src == %s && arp.sha == %s", e.MAC, set(v4))
	}
	// A message without the option has 00:00:00:00:00:00.
	macs := set(v6, wire.MAC{})
	l.nd(90, allow, "eth.src == %s && nd.sll == %s", e.MAC, macs)
	if len(e.IP6) > 0 {
		l.nd(90, allow, "eth.src == %s && nd.tll == %s && nd.target == %s", e.MAC, macs, set(e.IP6, e.MAC.LinkLocal()))
	} else {
		l.nd(90, allow, "eth.src == %s && nd.tll == %s", e.MAC, macs)
	}
}

// receives: to which addresses the host may receive. Ethernet multicast and
// broadcast are not checked: ovn-northd's flows let them pass before.
func (l *list) receives(e Entry) {
	v4, v6 := e.stations()
	for _, mac := range e.allStations() {
		l.out(85, allow, "eth.dst == %s", mac)
	}
	if len(e.IP4)+len(e.IP6) == 0 {
		return
	}
	for _, mac := range v4 {
		l.out(90, deny, "eth.dst == %s && ip4", mac)
		if len(e.IP4) > 0 {
			l.out(95, allow, "eth.dst == %s && ip4.dst == %s", mac, set(e.IP4, append(anys(e.Broadcast), "255.255.255.255", "224.0.0.0/4")...))
		}
	}
	for _, mac := range v6 {
		l.out(90, deny, "eth.dst == %s && ip6", mac)
		if len(e.IP6) > 0 {
			l.out(95, allow, "eth.dst == %s && ip6.dst == %s", mac, set(e.IP6, linkLocal(mac), "ff00::/8"))
		}
	}
}

// stations are the Ethernet addresses that the host may use with IPv4 and IPv6.
func (e Entry) stations() (v4, v6 []MaskedMAC) {
	if e.IsVRRP() {
		return e.VRRP4, e.VRRP6
	}
	own := []MaskedMAC{{e.MAC, 48}}
	return own, own
}

func (e Entry) allStations() []MaskedMAC {
	if e.IsVRRP() {
		return append(append([]MaskedMAC{}, e.VRRP4...), e.VRRP6...)
	}
	return []MaskedMAC{{e.MAC, 48}}
}

// linkLocal are the link-local addresses of stations.
func linkLocal(m MaskedMAC) string { return fmt.Sprintf("%s/%d", m.Addr.LinkLocal(), 80+m.Len) }

// set is a set of constants of the match language.
func set[T any](list []T, more ...any) string {
	var b strings.Builder
	for i, x := range append(anys(list), more...) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, x)
	}
	return "{" + b.String() + "}"
}

func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, x := range list {
		out[i] = x
	}
	return out
}
