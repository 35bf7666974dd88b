package vtepdb

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// physicalSwitch is a row of Physical_Switch. Switches that share a tunnel address, as a pair does whose ports make up common links (MLAG), are one
// chassis: nobody can tell behind which of them a station is. They have the addresses and the logical switches of all of them.
type physicalSwitch struct {
	ips     []string        // of tunnel_ips those that can be used; it is reached at the first
	bound   map[string]bool // names of the logical switches that its ports have
	here    map[string]bool // of these those that ports of switches in this database have; of a peer the same as of those with its chassis
	chassis string          // its name: that of the first of those that share it, or of the one that it is registered with
	peer    bool            // it is in another database, and shares the chassis of a switch here
}

// readSwitches reads the tables Global, Physical_Switch and Physical_Port.
func (p *Planner) readSwitches() {
	p.changed()
	was := p.identity
	p.identity, p.recorded = "", map[string]bool{}
	var config map[string]string
	for g := range p.db.Global.All() {
		p.identity, config = g.UUID.String(), g.OtherConfig
		for _, ip := range strings.Split(config[locatorsKey+p.owner], ",") {
			p.recorded[ip] = true
		}
	}
	p.recordedBFD = config[bfdRecordKey+p.owner] != ""
	p.readSettings(config)
	if p.identity != was {
		p.markNetwork()
	}
	old := p.switches
	p.switches = map[string]*physicalSwitch{}
	tunnelsWere := p.tunnelOf
	p.tunnelOf = map[ovsdb.UUID]string{}
	faults, portFaults := map[string]bool{}, map[string]bool{}
	for row := range p.db.PhysicalSwitch.All() {
		if row.Name == "" {
			continue // vtep-ctl makes none; there is nothing to call a chassis
		}
		sw := &physicalSwitch{here: map[string]bool{}, chassis: row.Name}
		p.switches[row.Name] = sw
		for _, id := range row.Tunnels {
			if p.tunnelOf[id] = row.Name; tunnelsWere[id] != row.Name {
				p.tunnels[id] = true
			}
		}
		for _, id := range row.Ports {
			port := p.db.PhysicalPort.Get(id)
			if port == nil {
				continue
			}
			for _, ls := range port.VLANBindings {
				if l := p.db.LogicalSwitch.Get(ls); l != nil {
					sw.here[l.Name] = true
				}
			}
			if len(port.PortFaultStatus) > 0 {
				subject := row.Name + " " + port.Name
				portFaults[subject] = true
				p.problems.set(portFault, subject, fmt.Sprintf("port %s of switch %s reports: %s", port.Name, row.Name, strings.Join(port.PortFaultStatus, ", ")))
			}
		}
		if len(row.SwitchFaultStatus) > 0 {
			faults[row.Name] = true
			p.problems.set(switchFault, row.Name, fmt.Sprintf("switch %s reports: %s", row.Name, strings.Join(row.SwitchFaultStatus, ", ")))
		}
		sw.ips = p.readTunnelIPs(row.Name, row.TunnelIPs)
	}
	for id := range tunnelsWere {
		if p.tunnelOf[id] == "" {
			p.tunnels[id] = true
		}
	}
	p.pair()
	p.share(p.readMode(config))
	p.problems.only(switchFault, faults)
	p.problems.only(portFault, portFaults)
	for _, code := range []string{noTunnelIP, unusableTunnelIP, chassisConflict, pairApart} {
		p.problems.only(code, presence(p.switches))
	}
	for name := range union(old, p.switches) {
		p.vlans[name] = true
		p.compareSwitch(name, old[name], p.switches[name])
		p.problems.set(chassisConflict, name, p.clash(name))
	}
}

// pair finds the switches here that share a chassis.
func (p *Planner) pair() {
	names := p.Switches()
	at := map[string]*physicalSwitch{} // by address
	for again := true; again; {
		again = false
		for _, name := range names {
			sw := p.switches[name]
			for _, ip := range sw.ips {
				switch other := at[ip]; {
				case other == nil:
					at[ip] = sw
				case other.chassis != sw.chassis:
					first := min(other.chassis, sw.chassis)
					other.chassis, sw.chassis, again = first, first, true
				}
			}
		}
	}
	for _, name := range names { // the first comes before the others
		sw, first := p.switches[name], p.switches[p.switches[name].chassis]
		if sw == first {
			continue
		}
		for _, ip := range sw.ips {
			if !slices.Contains(first.ips, ip) {
				first.ips = append(first.ips, ip)
			}
		}
		maps.Copy(first.here, sw.here)
	}
	for _, sw := range p.switches {
		first := p.switches[sw.chassis]
		sw.ips, sw.here = first.ips, first.here
	}
}

// ChassisName is the name of the chassis that a switch has, or is to have.
func (p *Planner) ChassisName(sw string) string {
	if sw := p.switches[sw]; sw != nil {
		return sw.chassis
	}
	return sw
}

// readTunnelIPs takes the tunnel addresses that a switch can be reached at.
func (p *Planner) readTunnelIPs(name string, written []string) (ips []string) {
	var rest []string
	for _, ip := range written {
		if a, err := netip.ParseAddr(ip); err == nil && a.Is4() && !a.IsUnspecified() && !a.IsMulticast() {
			ips = append(ips, ip)
		} else {
			rest = append(rest, ip)
		}
	}
	none, unusable := "", ""
	switch {
	case len(ips) == 0:
		none = fmt.Sprintf("switch %s has no IPv4 address in Physical_Switch.tunnel_ips (%q), so it is not registered; "+
			"set one: vtep-ctl set Physical_Switch %s tunnel_ips=ADDRESS", name, written, name)
	case len(rest) > 0:
		unusable = fmt.Sprintf("switch %s has %q in Physical_Switch.tunnel_ips, which are no IPv4 addresses: vtep(5) has no other tunnels. Frames that it sends from there are lost",
			name, rest)
	}
	p.problems.set(noTunnelIP, name, none)
	p.problems.set(unusableTunnelIP, name, unusable)
	return ips
}

// compareSwitch marks what a change of a switch touches.
func (p *Planner) compareSwitch(name string, old, sw *physicalSwitch) {
	touched := map[string]bool{}
	switch {
	case old == nil || sw == nil || old.chassis != sw.chassis || old.peer != sw.peer || !slices.Equal(old.ips, sw.ips):
		chassis := map[string]bool{}
		for row := range p.db.UcastMacsLocal.All() {
			p.checks[row.UUID] = true
		}
		for _, s := range []*physicalSwitch{old, sw} {
			if s != nil {
				chassis[s.chassis] = true
				for ls := range s.bound {
					touched[ls] = true
				}
			}
		}
		for id, port := range p.ports { // a chassis became ours or is not any more
			has := chassis[p.chassis[port.Chassis].Name]
			if has {
				p.claims[id] = true
			}
			if port.Kind == VTEP && (has || port.Switch == name) {
				touched[port.LogicalSwitch] = true
				p.markVTEP(port)
			}
		}
		for dp, s := range p.segments {
			for c := range s.hosts {
				if chassis[p.chassis[c].Name] {
					p.markSegment(dp)
				}
			}
		}
	default:
		for ls := range union(old.bound, sw.bound) {
			touched[ls] = old.bound[ls] != sw.bound[ls] || old.here[ls] != sw.here[ls]
		}
	}
	for ls, is := range touched {
		if is {
			p.bindings[ls] = true
			if row := p.db.LogicalSwitchByName.One(ls); row != nil {
				p.markPlaces(row.UUID)
			}
		}
	}
}

// clash says why the chassis with the name of a switch is another's, "" if it is not or there is none.
func (p *Planner) clash(name string) string {
	id, c, ok := p.chassisOf(name)
	if !ok || p.homes[name] == nil || p.ours(id) {
		return ""
	}
	return fmt.Sprintf("chassis %s in the Southbound database is %s; switch %s is not registered. Give the switch another name "+
		"(vtep-ctl set Physical_Switch %s name=NAME), or remove that chassis if it is a leftover: ovn-sbctl chassis-del %s", name, whose(c), name, name, name)
}

// whose says what a chassis is that is not ours.
func whose(c Chassis) string {
	if !c.VTEP {
		return "a hypervisor's: it has no other_config:is-vtep"
	}
	return fmt.Sprintf("another switch's, with identity %s and address %s", c.Identity, c.IP)
}

// chassisOf finds a chassis by its name, which is unique.
func (p *Planner) chassisOf(name string) (ovsdb.UUID, Chassis, bool) {
	if id, ok := p.chassisByName[name]; ok {
		return id, p.chassis[id], true
	}
	return ovsdb.UUID{}, Chassis{}, false
}

// ours tells whether a chassis is that of a switch here.
func (p *Planner) ours(id ovsdb.UUID) bool {
	c, ok := p.chassis[id]
	home := p.homes[c.Name]
	if !ok || home == nil {
		return false
	}
	return p.registered(c) || c.VTEP && (c.Identity == "" || slices.Contains(home.IPs, c.IP))
}

// presence makes a set of the keys of a map.
func presence[V any](m map[string]V) map[string]bool {
	set := make(map[string]bool, len(m))
	for k := range m {
		set[k] = true
	}
	return set
}

// union is the set of the keys of two maps.
func union[V any](a, b map[string]V) map[string]bool {
	set := presence(a)
	for k := range b {
		set[k] = true
	}
	return set
}
