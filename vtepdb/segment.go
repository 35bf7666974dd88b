package vtepdb

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
)

// network is the logical network, with what has to be found when a part of it changes.
type network struct {
	chassis       map[ovsdb.UUID]Chassis
	chassisByName map[string]ovsdb.UUID
	ports         map[ovsdb.UUID]*Port
	keys          map[ovsdb.UUID]int64 // tunnel keys of datapaths
	datapaths     map[int64]ovsdb.UUID
	learned       map[ovsdb.UUID]Learned

	addresses map[string]int                  // of how many chassis a VXLAN address is
	bfd       map[string]int                  // of how many of those that run BFD with switches
	segments  map[ovsdb.UUID]*segment         // by datapath
	vteps     map[string]map[ovsdb.UUID]*Port // ports of kind VTEP by the name of the switch's logical switch
	portAt    map[portPlace]ovsdb.UUID        // ports of kind VTEP
	// Ports of kind VTEP with Bindings, by switch.
	provisioning map[string]map[ovsdb.UUID]*Port
	places_      map[Place]ovsdb.UUID            // FDB rows
	seenAt       map[portPlace]map[wire.MAC]bool // MACs of FDB rows by port
	groups       map[ovsdb.UUID]Group            // multicast groups
	members      map[ovsdb.UUID]membership       // the same by datapath
}

// portPlace names a port by tunnel keys.
type portPlace struct{ datapath, port int64 }

func newNetwork() network {
	return network{
		chassis: map[ovsdb.UUID]Chassis{}, chassisByName: map[string]ovsdb.UUID{}, ports: map[ovsdb.UUID]*Port{}, keys: map[ovsdb.UUID]int64{}, datapaths: map[int64]ovsdb.UUID{},
		learned: map[ovsdb.UUID]Learned{}, addresses: map[string]int{}, bfd: map[string]int{}, segments: map[ovsdb.UUID]*segment{},
		vteps: map[string]map[ovsdb.UUID]*Port{}, portAt: map[portPlace]ovsdb.UUID{}, provisioning: map[string]map[ovsdb.UUID]*Port{}, places_: map[Place]ovsdb.UUID{},
		seenAt: map[portPlace]map[wire.MAC]bool{}, groups: map[ovsdb.UUID]Group{}, members: map[ovsdb.UUID]membership{},
	}
}

// segment is a logical switch of OVN as the switches see it.
type segment struct {
	stations map[wire.MAC][]*Port // those that have the address by configuration, by name
	hosts    map[ovsdb.UUID]int   // chassis with ports, and how many
	gateways map[ovsdb.UUID]int   // of these, with ports that are a router's gateway
	vteps    map[ovsdb.UUID]*Port
	ports    int // of any kind
}

// SetChassis says what a chassis is now; nil: it is gone.
func (p *Planner) SetChassis(id ovsdb.UUID, c *Chassis) {
	old, had := p.chassis[id]
	if c != nil && had && reflect.DeepEqual(old, *c) || c == nil && !had {
		return
	}
	p.changed()
	if had {
		delete(p.chassis, id)
		if p.chassisByName[old.Name] == id {
			delete(p.chassisByName, old.Name)
		}
		p.address(old, -1)
	}
	if c != nil {
		p.chassis[id], p.chassisByName[c.Name] = *c, id
		p.address(*c, 1)
	}
	for dp, s := range p.segments {
		if s.hosts[id] > 0 {
			p.markSegment(dp)
		}
	}
	for dp, groups := range p.members {
		for _, at := range groups {
			if at[id] > 0 {
				p.markFlood(dp)
				break
			}
		}
	}
	if p.near(old.Name) || c != nil && p.near(c.Name) {
		p.switches_ = true
		p.markNetwork()
	}
}

// near tells whether a chassis is called like a switch here, or like what one shares.
func (p *Planner) near(name string) bool {
	return p.switches[name] != nil || p.homes[name] != nil || name != "" && name == p.cfg.Pair
}

// address counts the address of a chassis, or ceases to.
func (p *Planner) address(c Chassis, n int) {
	count := func(at map[string]int) {
		if at[c.IP] += n; at[c.IP] == 0 {
			delete(at, c.IP)
		}
	}
	count(p.addresses)
	if c.BFD {
		count(p.bfd)
		p.markTunnelsTo(c.IP)
	}
}

// SetPort says what a Port_Binding is now; nil: it is gone.
func (p *Planner) SetPort(id ovsdb.UUID, port *Port) {
	old := p.ports[id]
	if old == port || old != nil && port != nil && old.equal(port) {
		return
	}
	if old != nil {
		delete(p.ports, id)
		p.leave(id, old)
	}
	if port != nil {
		p.ports[id] = port
		p.join(id, port)
	}
	if old != nil && old.Kind == VTEP || port != nil && (port.Kind == VTEP || p.ours(port.Chassis)) {
		p.claims[id] = true
	}
}

// join adds a port to its segment.
func (p *Planner) join(id ovsdb.UUID, port *Port) {
	s := p.segments[port.Datapath]
	if s == nil {
		s = &segment{stations: map[wire.MAC][]*Port{}, hosts: map[ovsdb.UUID]int{}, gateways: map[ovsdb.UUID]int{}, vteps: map[ovsdb.UUID]*Port{}}
		p.segments[port.Datapath] = s
	}
	s.ports++
	if port.Kind == VTEP {
		byID := p.vteps[port.LogicalSwitch]
		if byID == nil {
			byID = map[ovsdb.UUID]*Port{}
			p.vteps[port.LogicalSwitch] = byID
		}
		byID[id], s.vteps[id] = port, port
		if port.Bindings != "" {
			if p.provisioning[port.Switch] == nil {
				p.provisioning[port.Switch] = map[ovsdb.UUID]*Port{}
			}
			p.provisioning[port.Switch][id] = port
		}
		if key := p.keys[port.Datapath]; key != 0 {
			p.portAt[portPlace{key, port.Key}] = id
		}
		p.markVTEP(port)
	}
	if port.Chassis.IsZero() || port.Kind == Elsewhere {
		return
	}
	p.host(port, 1)
	for _, a := range port.MACs {
		list := append(s.stations[a.MAC], port)
		slices.SortStableFunc(list, func(a, b *Port) int { return strings.Compare(a.Name, b.Name) })
		s.stations[a.MAC] = list
		p.markMAC(port.Datapath, a.MAC)
	}
}

// leave takes a port out of its segment.
func (p *Planner) leave(id ovsdb.UUID, port *Port) {
	s := p.segments[port.Datapath]
	if port.Kind == VTEP {
		p.markVTEP(port)
		delete(s.vteps, id)
		if delete(p.provisioning[port.Switch], id); len(p.provisioning[port.Switch]) == 0 {
			delete(p.provisioning, port.Switch)
		}
		p.problems.set(lportVLAN, port.Name, "")
		if delete(p.vteps[port.LogicalSwitch], id); len(p.vteps[port.LogicalSwitch]) == 0 {
			delete(p.vteps, port.LogicalSwitch)
		}
		if at := (portPlace{p.keys[port.Datapath], port.Key}); p.portAt[at] == id {
			delete(p.portAt, at)
		}
		p.problems.set(lportDuplicate, port.Name, "")
		p.problems.set(lportDatapath, port.Name, "")
		p.problems.set(lportUnbound, port.Name, "")
	}
	if !port.Chassis.IsZero() && port.Kind != Elsewhere {
		p.host(port, -1)
		for _, a := range port.MACs {
			list := slices.DeleteFunc(s.stations[a.MAC], func(o *Port) bool { return o == port })
			if s.stations[a.MAC] = list; len(list) == 0 {
				delete(s.stations, a.MAC)
			}
			p.markMAC(port.Datapath, a.MAC)
		}
	}
	if s.ports--; s.ports == 0 {
		delete(p.segments, port.Datapath)
	}
}

// host counts a port at the chassis that it is on, or ceases to.
func (p *Planner) host(port *Port, n int) {
	s := p.segments[port.Datapath]
	count := func(at map[ovsdb.UUID]int, id ovsdb.UUID) {
		was := at[id]
		if at[id] += n; was == 0 || was+n == 0 {
			p.markFlood(port.Datapath)
		}
		if was+n == 0 {
			delete(at, id)
		}
	}
	count(s.hosts, port.Chassis)
	for _, id := range port.Additional {
		count(s.hosts, id)
	}
	if port.Gateway {
		count(s.gateways, port.Chassis)
	}
	if port.EveryGroup {
		p.member(Group{Datapath: port.Datapath, Chassis: port.Chassis}, n)
	}
}

// markVTEP marks what depends on a port of kind VTEP.
func (p *Planner) markVTEP(port *Port) {
	p.bindings[port.LogicalSwitch] = true
	if port.Bindings != "" {
		p.vlans[port.Switch] = true
	}
	key := p.keys[port.Datapath]
	for mac := range p.seenAt[portPlace{key, port.Key}] {
		p.markMAC(port.Datapath, mac)
		p.places[Place{key, mac}] = true
	}
}

// SetDatapath says what the tunnel key of a datapath is now; 0: it is gone.
func (p *Planner) SetDatapath(id ovsdb.UUID, key int64) {
	old := p.keys[id]
	if old == key {
		return
	}
	p.changed()
	var members []ovsdb.UUID
	if seg := p.segments[id]; seg != nil {
		members = slices.Collect(maps.Keys(seg.vteps))
	}
	for _, m := range members {
		p.leave(m, p.ports[m])
	}
	if p.datapaths[old] == id {
		delete(p.datapaths, old)
	}
	delete(p.keys, id)
	if key != 0 {
		p.keys[id], p.datapaths[key] = key, id
	}
	for _, m := range members {
		p.join(m, p.ports[m])
		p.claims[m] = true
	}
}

// SetLearned says what an FDB row is now; nil: it is gone.
func (p *Planner) SetLearned(id ovsdb.UUID, l *Learned) {
	old, had := p.learned[id]
	if l != nil && had && old == *l || l == nil && !had {
		return
	}
	if had {
		delete(p.learned, id)
		if p.places_[old.Place] == id {
			delete(p.places_, old.Place)
		}
		at := portPlace{old.Datapath, old.Port}
		if delete(p.seenAt[at], old.MAC); len(p.seenAt[at]) == 0 {
			delete(p.seenAt, at)
		}
		p.moves.note(old.Place, p.cfg.Now())
		if p.saw[old.Place] && l == nil {
			p.dropped(old.Place)
		}
		p.markPlace(old.Place)
	}
	if l != nil {
		p.learned[id], p.places_[l.Place] = *l, id
		at := portPlace{l.Datapath, l.Port}
		if p.seenAt[at] == nil {
			p.seenAt[at] = map[wire.MAC]bool{}
		}
		p.seenAt[at][l.MAC] = true
		p.markPlace(l.Place)
	}
}

// markPlace marks what depends on where a MAC was learned.
func (p *Planner) markPlace(pl Place) {
	p.places[pl] = true
	if dp, ok := p.datapaths[pl.Datapath]; ok {
		p.markMAC(dp, pl.MAC)
	}
}

// markMAC marks a MAC address in all Logical_Switch rows of a segment.
func (p *Planner) markMAC(dp ovsdb.UUID, mac wire.MAC) {
	for name := range p.boundTo[dp] {
		p.macs[macKey{p.bound[name].ls, mac}] = true
	}
}

// markFlood marks where frames to many stations go.
func (p *Planner) markFlood(dp ovsdb.UUID) {
	for name := range p.boundTo[dp] {
		p.markFloods(p.bound[name])
	}
}

func (p *Planner) markFloods(b *binding) {
	p.floods[macKey{ls: b.ls}] = true
	for mac := range p.members[b.dp] {
		p.floods[macKey{b.ls, mac}] = true
	}
}

// markSegment marks all of a segment.
func (p *Planner) markSegment(dp ovsdb.UUID) {
	for name := range p.boundTo[dp] {
		p.markBinding(p.bound[name])
	}
}
