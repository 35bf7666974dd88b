package vtepdb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// home is a chassis that switches here have, or are to have.
type home struct {
	Registration
	own Member // what this database has of it
}

// shared tells whether another database has a part of a chassis.
func (p *Planner) shared(chassis string) bool {
	h := p.homes[chassis]
	return h != nil && len(h.Members) > 1
}

// share finds the chassis of the switches here, which are grouped already (pair), and what other databases have of them. mode is the one of replication
// that the switches here need. That in force is one for all members of a chassis, as it is for all switches of a database.
func (p *Planner) share(mode string) {
	p.homes, p.homeAt = map[string]*home{}, map[string]string{}
	names, inForce := p.Switches(), mode
	for _, name := range names {
		first := p.switches[name]
		if first.chassis != name {
			continue
		}
		own := Member{Identity: p.identity, IPs: first.ips, ServiceNode: mode == ServiceNode, BFD: p.settings.bfd != nil, Bound: sortedKeys(first.here)}
		for _, sw := range names {
			if p.switches[sw].chassis == name {
				own.Switches = append(own.Switches, sw)
			}
		}
		chassis := p.homeOf(name, own)
		members := []Member{own}
		if _, c, ok := p.chassisOf(chassis); ok && (chassis != name || p.registered(c) || c.VTEP && slices.Contains(own.IPs, c.IP)) {
			for _, m := range p.others(c) {
				if members = append(members, m); m.ServiceNode {
					inForce = ServiceNode
				}
			}
		}
		h := &home{registration(chassis, members), own}
		p.homes[chassis] = h
		bound := map[string]bool{}
		for _, ls := range h.LogicalSwitches {
			bound[ls] = true
		}
		for _, sw := range own.Switches {
			s := p.switches[sw]
			s.chassis, s.ips, s.bound = chassis, h.IPs, bound
		}
		// Logical ports may call a shared chassis by any of its switches, and by its name.
		called := []string{chassis}
		for _, m := range members {
			called = append(called, m.Switches...)
		}
		for _, sw := range called {
			if p.switches[sw] == nil {
				p.switches[sw] = &physicalSwitch{ips: h.IPs, bound: bound, here: first.here, chassis: chassis, peer: true}
			}
		}
	}
	for _, chassis := range p.ChassisNames() { // one that is a switch's here comes before one of another member
		h := p.homes[chassis]
		for _, ip := range h.own.IPs {
			p.homeAt[ip] = chassis
		}
		for _, ip := range h.IPs {
			if p.homeAt[ip] == "" {
				p.homeAt[ip] = chassis
			}
		}
	}
	p.setMode(inForce)
}

// homeOf is the chassis of the switches here of which name is the first: that of the pair, where they are registered as part of one and it has an
// address of theirs.
func (p *Planner) homeOf(name string, own Member) string {
	pair, sw := p.cfg.Pair, p.cfg.Switch
	if pair == "" || !slices.Contains(own.Switches, sw) {
		return name
	}
	why := ""
	_, c, ok := p.chassisOf(pair)
	others := p.others(c)
	switch {
	case p.switches[pair] != nil:
		why = fmt.Sprintf("switch %s is in the same database, where switches with one address are one chassis without being told so", pair)
	case !ok:
	case !c.VTEP:
		why = fmt.Sprintf("chassis %s is %s", pair, whose(c))
	case c.Identity == "":
		why = fmt.Sprintf("chassis %s is ovn-controller-vtep's, which shares none: it has no other_config:sluice-identity", pair)
	case len(others) == 0 || len(own.IPs) == 0 && p.registered(c): // the latter stays where it was
	case !shareAddress(others, own):
		why = fmt.Sprintf("%s is at %s and %s at %s: give both one address in Physical_Switch.tunnel_ips", sw, strings.Join(own.IPs, ", "), pair, strings.Join(registration(pair, others).IPs, ", "))
	}
	if why == "" {
		p.problems.set(pairApart, sw, "")
		return pair
	}
	p.problems.set(pairApart, sw, fmt.Sprintf("switch %s is registered as one of a pair with %s and is a chassis of its own: %s; or, if they are no pair, register it without --pair", sw, pair, why))
	return name
}

// shareAddress tells whether members have an address in common with another one.
func shareAddress(members []Member, with Member) bool {
	return slices.ContainsFunc(members, func(m Member) bool {
		return slices.ContainsFunc(m.IPs, func(ip string) bool { return slices.Contains(with.IPs, ip) })
	})
}

// chosen is the logical port that a shared chassis has for a logical switch: all members choose the same one. Zero: none.
func (p *Planner) chosen(chassis, ls string) (best ovsdb.UUID) {
	for id, port := range p.vteps[ls] {
		sw := p.switches[port.Switch]
		if sw == nil || sw.chassis != chassis || !sw.bound[ls] || p.keys[port.Datapath] == 0 || p.withdrawn && !sw.peer && port.Switch != chassis {
			continue
		}
		if best.IsZero() || p.order(id, best) < 0 {
			best = id
		}
	}
	return best
}

// order compares ports for one logical switch: the best comes first.
func (p *Planner) order(a, b ovsdb.UUID) int {
	x, y := p.ports[a], p.ports[b]
	return cmp.Or(cmp.Compare(p.rank(x), p.rank(y)), cmp.Compare(x.Switch, y.Switch), cmp.Compare(x.Name, y.Name))
}

// wantedElsewhere tells whether another member has the chassis of a port for it.
func (p *Planner) wantedElsewhere(id ovsdb.UUID, port *Port) bool {
	chassis := p.chassis[port.Chassis].Name
	return port.Kind == VTEP && p.boundElsewhere(chassis, port.LogicalSwitch) && p.chosen(chassis, port.LogicalSwitch) == id
}

// boundElsewhere tells whether another member has VLANs in a logical switch.
func (p *Planner) boundElsewhere(chassis, ls string) bool {
	h := p.homes[chassis]
	return h != nil && slices.ContainsFunc(h.Members, func(m Member) bool {
		_, has := slices.BinarySearch(m.Bound, ls)
		return has && m.Identity != p.identity
	})
}

// Stations behind a shared chassis may be known to several members: those of a pair tell each other. An FDB row does not say who knows the
// station, so each member removes only those that it has known itself, and who still knows one then puts it back at once. That two of them make the
// same row at the same time, of which the database would refuse one, is avoided: the others wait for the first.
const turnPause = 2 * time.Second

// turn is when the FDB row of a station that is behind a shared chassis may be made from here.
func (p *Planner) turn(chassis string, pl Place) time.Time {
	if h := p.homes[chassis]; h.Members[0].Identity == p.identity {
		return time.Time{}
	}
	due, waits := p.turns[pl]
	if !waits {
		due = p.cfg.Now().Add(turnPause)
		p.turns[pl] = due
	}
	return due
}

// dropped notes that somebody has removed the FDB row of a station that is known here.
func (p *Planner) dropped(pl Place) {
	delete(p.saw, pl)
	p.turns[pl] = time.Time{}
}

// left are the chassis that the database is recorded as a member of and has no switch for any more, with what the other members make of them.
func (p *Planner) left(keep map[string]bool) map[string]Registration {
	left := map[string]Registration{}
	for _, c := range p.chassis {
		if others := p.others(c); !keep[c.Name] && p.registered(c) && len(others) > 0 {
			left[c.Name] = registration(c.Name, others)
		}
	}
	return left
}

// SharedWith are the other switches that have the chassis of one here, by name.
func (p *Planner) SharedWith(sw string) []string {
	h := p.homes[p.ChassisName(sw)]
	if h == nil {
		return nil
	}
	names := append(slices.Clone(h.own.Switches), p.Elsewhere(h.Name)...)
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == sw })
}

// Elsewhere are the switches of other databases that share a chassis.
func (p *Planner) Elsewhere(chassis string) (names []string) {
	if h := p.homes[chassis]; h != nil {
		for _, m := range h.Members {
			if m.Identity != p.identity {
				names = append(names, m.Switches...)
			}
		}
	}
	return names
}
