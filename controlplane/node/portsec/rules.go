package portsec

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// rule is a rule for the port, of which match says nothing: all rules of the two
// ingress stages ask for its inport, those of the egress stage for its outport.
type rule struct {
	stage    ir.Stage
	priority uint16
	match    string // in the match language of ovn-sb(5); one of few texts
	program  *ir.Program
	names    names // the sets that match names
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

func (l *list) in(priority uint16, p *ir.Program, match string, n names) {
	*l = append(*l, rule{ir.ChkInPortSec, priority, match, p, n})
}

func (l *list) nd(priority uint16, p *ir.Program, match string, n names) {
	*l = append(*l, rule{ir.ChkInPortSecND, priority, match, p, n})
}

func (l *list) out(priority uint16, p *ir.Program, match string, n names) {
	*l = append(*l, rule{ir.ChkOutPortSec, priority, match, p, n})
}

// rulesOf are the rules of a port with these entries, at least one.
func rulesOf(entries []Entry) []rule {
	var l list
	l.in(80, deny, "1", nil)
	l.in(95, toND, "arp", nil)
	l.nd(80, deny, "arp", nil)
	l.nd(80, deny, "icmp6.type == {135, 136} && ip.ttl == 255", nil)
	l.out(80, deny, "1", nil)
	for _, e := range entries {
		v4, v6 := e.stations()
		addresses := names{"ip4": set(e.IP4...), "ip6": set(e.IP6...), "broadcast": set(e.Broadcast...)}
		l.announces(e, addresses.with(names{"mac": set(e.MAC), "lla": set(e.MAC.LinkLocal()), "sender4": set(v4...), "sender6": set(v6...)}))
		for _, mac := range e.allStations() {
			n := addresses.with(names{"mac": set(mac), "lla": set(linkLocal(mac))})
			is4, is6 := slices.Contains(v4, mac), slices.Contains(v6, mac)
			l.sends(e, is4, is6, n)
			l.receives(e, is4, is6, n)
		}
	}
	return l
}

// sends: from which addresses the host may send as $mac, a station for IPv4, IPv6 or both.
func (l *list) sends(e Entry, is4, is6 bool, n names) {
	if len(e.IP4)+len(e.IP6) == 0 {
		l.in(90, toND, "eth.src == $mac", n)
	}
	if is4 && len(e.IP4) > 0 {
		l.in(90, allow, "eth.src == $mac && ip4.src == $ip4", n)
		// A DHCP client that has no address yet.
		l.in(90, allow, "eth.src == $mac && ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255 && udp.src == 68 && udp.dst == 67", n)
	}
	if is6 && len(e.IP6) > 0 {
		l.in(90, toND, "eth.src == $mac && ip6.src == {$ip6, $lla}", n)
		// A host that has no address yet: multicast listener reports, and the search
		// for duplicates of the address that it is about to take.
		l.in(90, allow, "eth.src == $mac && ip6.src == :: && ip6.dst == ff02::/16 && icmp6.type == {131, 143} && icmp6.code == 0", n)
		l.in(90, toND, "eth.src == $mac && ip6.src == :: && ip6.dst == ff02::/16 && icmp6.type == 135 && icmp6.code == 0", n)
	}
}

// announces: which addresses the host may claim in ARP and neighbor discovery. A
// message of the latter without the option has 00:00:00:00:00:00.
func (l *list) announces(e Entry, n names) {
	const none = "00:00:00:00:00:00"
	switch {
	case len(n["sender4"].Values) == 0:
	case len(e.IP4) > 0:
		l.nd(90, allow, "eth.src == $mac && arp.sha == $sender4 && arp.spa == $ip4", n)
	case len(e.IP6) == 0: // with IPv6 addresses only, no ARP
		l.nd(90, allow, "eth.src == $mac && arp.sha == $sender4", n)
	}
	l.nd(90, allow, "eth.src == $mac && nd.sll == {"+none+", $sender6}", n)
	if len(e.IP6) > 0 {
		l.nd(90, allow, "eth.src == $mac && nd.tll == {"+none+", $sender6} && nd.target == {$ip6, $lla}", n)
	} else {
		l.nd(90, allow, "eth.src == $mac && nd.tll == {"+none+", $sender6}", n)
	}
}

// receives: to which addresses the host may receive as $mac. Ethernet multicast and
// broadcast are not checked: ovn-northd's flows let them pass before.
func (l *list) receives(e Entry, is4, is6 bool, n names) {
	l.out(85, allow, "eth.dst == $mac", n)
	if len(e.IP4)+len(e.IP6) == 0 {
		return
	}
	if is4 {
		l.out(90, deny, "eth.dst == $mac && ip4", n)
	}
	if is4 && len(e.IP4) > 0 {
		l.out(95, allow, "eth.dst == $mac && ip4.dst == {$ip4, $broadcast, 255.255.255.255, 224.0.0.0/4}", n)
	}
	if is6 {
		l.out(90, deny, "eth.dst == $mac && ip6", n)
	}
	if is6 && len(e.IP6) > 0 {
		l.out(95, allow, "eth.dst == $mac && ip6.dst == {$ip6, $lla, ff00::/8}", n)
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

// linkLocal are the link-local addresses of a station.
func linkLocal(m MaskedMAC) netip.Prefix { return netip.PrefixFrom(m.Addr.LinkLocal(), 80+m.Len) }

// names are the address sets of an entry, by name.
type names map[string]*expr.Set

func (n names) with(more names) names {
	maps.Copy(more, n)
	return more
}

// set is a set of addresses, prefixes or masked addresses.
func set[T fmt.Stringer](list ...T) *expr.Set {
	texts := make([]string, len(list))
	for i, x := range list {
		texts[i] = x.String()
	}
	s, _ := expr.ParseSet(texts)
	return s
}

// AddressSet implements expr.Env.
func (n names) AddressSet(name string) (*expr.Set, bool) { s, ok := n[name]; return s, ok }

// PortGroup implements expr.Env.
func (names) PortGroup(string) ([]string, bool) { return nil, false }

// Resident implements expr.Env.
func (names) Resident(string) bool { return false }

// Port implements expr.Env.
func (names) Port(string) (uint32, bool) { return 0, false }
