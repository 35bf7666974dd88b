package vtepdb

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// ownerKey in Logical_Switch.other_config is the UUID of the SB_Global row of the Southbound database that has the row.
const ownerKey = "sluice-owner"

// binding is what a Logical_Switch row is bound to.
type binding struct {
	ls      ovsdb.UUID // the row
	dp      ovsdb.UUID
	usable  bool                  // the row is ours or can be taken
	winners map[string]ovsdb.UUID // the port of each switch, by the name of its chassis
}

// bind decides which ports a logical switch is bound to. The rule, by which it does not depend on the order of rows: a port that has
// the switch's chassis goes before one that has not, then the first by switch and name. The first port's datapath is the logical
// switch's; of each switch the first port of that datapath is bound.
func (p *Planner) bind(name string) {
	old := p.bound[name]
	row := p.db.LogicalSwitchByName.One(name)
	var b *binding
	duplicates, conflicts := map[ovsdb.UUID]string{}, map[ovsdb.UUID]string{}
	for _, id := range p.candidates(name, row) {
		port := p.ports[id]
		if b == nil {
			b = &binding{ls: row.UUID, dp: port.Datapath, winners: map[string]ovsdb.UUID{}}
			b.usable = p.usable(row, p.keys[b.dp])
		}
		chassis := p.ChassisName(port.Switch)
		first, taken := b.winners[chassis]
		dp := b.dp
		if p.shared(chassis) && port.Datapath == dp { // no other member is to have it bound to another one
			dp = p.ports[p.chosen(chassis, name)].Datapath
		}
		switch {
		case port.Datapath != dp:
			conflicts[id] = fmt.Sprintf("logical switch (%s), on vtep gateway chassis (%s) has already been associated with logical datapath "+
				"(with tunnel key %d), ignore logical port (%s) which belongs to logical datapath (with tunnel key %d)",
				name, chassis, p.keys[dp], port.Name, p.keys[port.Datapath])
		case taken:
			duplicates[id] = fmt.Sprintf("logical switch (%s), on vtep gateway chassis (%s) has already been associated with logical port (%s), "+
				"ignore logical port (%s)", name, chassis, p.ports[first].Name, port.Name)
		default:
			b.winners[chassis] = id
		}
	}
	for id, port := range p.vteps[name] {
		p.claims[id] = true
		p.problems.set(lportDuplicate, port.Name, duplicates[id])
		p.problems.set(lportDatapath, port.Name, conflicts[id])
	}
	if row != nil {
		p.ls[row.UUID] = true
		p.markPlaces(row.UUID)
	}
	if b == nil {
		p.problems.set(ownerConflict, name, "")
	}
	if old != nil && b != nil && old.ls == b.ls && old.dp == b.dp && old.usable == b.usable {
		p.bound[name] = b
		return
	}
	p.changed()
	if old != nil {
		p.markBinding(old)
		delete(p.bound, name)
		if delete(p.boundTo[old.dp], name); len(p.boundTo[old.dp]) == 0 {
			delete(p.boundTo, old.dp)
		}
	}
	if b != nil {
		p.bound[name] = b
		if p.boundTo[b.dp] == nil {
			p.boundTo[b.dp] = map[string]bool{}
		}
		p.boundTo[b.dp][name] = true
		p.markBinding(b)
	}
}

// candidates are the ports that a logical switch could be bound to, best first.
func (p *Planner) candidates(name string, row *rows.LogicalSwitch) []ovsdb.UUID {
	var out []ovsdb.UUID
	for id, port := range p.vteps[name] {
		sw := p.switches[port.Switch]
		unbound := ""
		switch {
		case sw == nil || p.withdrawn || p.owner == "":
		case row != nil && sw.here[name]:
			if p.keys[port.Datapath] != 0 {
				out = append(out, id)
			}
		case p.provisions(port): // which is about to be made, or is a problem
		case p.boundElsewhere(sw.chassis, name):
		default:
			unbound = fmt.Sprintf("logical port %s is not bound: no port of switch %s has logical switch %s; bind one: vtep-ctl bind-ls %s PORT VLAN %s",
				port.Name, port.Switch, name, port.Switch, name)
		}
		p.problems.set(lportUnbound, port.Name, unbound)
	}
	slices.SortFunc(out, p.order)
	return out
}

// rank is 0 for a port that has its switch's chassis.
func (p *Planner) rank(port *Port) int {
	if p.ours(port.Chassis) && p.chassis[port.Chassis].Name == p.ChassisName(port.Switch) {
		return 0
	}
	return 1
}

// mine tells whether a Logical_Switch row has our mark.
func (p *Planner) mine(row *rows.LogicalSwitch) bool {
	return p.owner != "" && row.OtherConfig[ownerKey] == p.owner
}

// usable tells whether a row is ours, or nobody's and can be taken for a logical switch with this tunnel key.
func (p *Planner) usable(row *rows.LogicalSwitch, key int64) bool {
	owner := row.OtherConfig[ownerKey]
	text := ""
	switch {
	case p.mine(row):
	case owner != "":
		text = fmt.Sprintf("logical switch %s belongs to another controller, for the Southbound database %s. If that is no more: "+
			"vtep-ctl remove Logical_Switch %s other_config %s", row.Name, owner, row.Name, ownerKey)
	case row.TunnelKey.OK && row.TunnelKey.V != 0 && row.TunnelKey.V != key:
		text = fmt.Sprintf("logical switch %s has tunnel key %d, which is not from here; wanted is %d. If nobody needs it: "+
			"vtep-ctl clear Logical_Switch %s tunnel_key", row.Name, row.TunnelKey.V, key, row.Name)
	}
	p.problems.set(ownerConflict, row.Name, text)
	return text == ""
}

// markBinding marks all rows that follow from a binding.
func (p *Planner) markBinding(b *binding) {
	p.markLogicalSwitch(b.ls)
	p.markFloods(b)
	s := p.segments[b.dp]
	if s == nil {
		return
	}
	for mac := range s.stations {
		p.macs[macKey{b.ls, mac}] = true
	}
	key := p.keys[b.dp]
	for _, port := range s.vteps {
		for mac := range p.seenAt[portPlace{key, port.Key}] {
			p.macs[macKey{b.ls, mac}] = true
			p.places[Place{key, mac}] = true
		}
	}
}

// markLogicalSwitch marks a row with all that is in it.
func (p *Planner) markLogicalSwitch(ls ovsdb.UUID) {
	p.ls[ls], p.floods[macKey{ls: ls}] = true, true
	for _, row := range p.db.McastMacsRemoteByLogicalSwitch.Get(ls) {
		if mac, ok := readGroup(row.MAC); ok {
			p.floods[macKey{ls, mac}] = true
		}
	}
	for _, row := range p.db.UcastMacsRemoteByLogicalSwitch.Get(ls) {
		if mac, ok := p.readMAC(row.MAC); ok {
			p.macs[macKey{ls, mac}] = true
		}
	}
	p.markPlaces(ls)
}

// markPlaces marks the FDB rows of what the switches have learned in a logical switch.
func (p *Planner) markPlaces(ls ovsdb.UUID) {
	row := p.db.LogicalSwitch.Get(ls)
	if row == nil || p.bound[row.Name] == nil {
		return
	}
	key := p.keys[p.bound[row.Name].dp]
	for _, l := range p.db.UcastMacsLocalByLogicalSwitch.Get(ls) {
		if mac, ok := p.readMAC(l.MAC); ok {
			p.places[Place{key, mac}] = true
		}
	}
}

// Bound describes what is bound, for people.
type Bound struct {
	LogicalSwitch string            `json:"logical_switch"`
	Datapath      int64             `json:"tunnel_key"`
	Ports         map[string]string `json:"ports"` // logical port by switch
}

// Bindings are the bindings in force, by name.
func (p *Planner) Bindings() []Bound {
	out := make([]Bound, 0, len(p.bound))
	for _, name := range slices.Sorted(maps.Keys(p.bound)) {
		b := p.bound[name]
		if !b.usable {
			continue
		}
		e := Bound{LogicalSwitch: name, Datapath: p.keys[b.dp], Ports: map[string]string{}}
		for sw, id := range b.winners {
			e.Ports[sw] = p.ports[id].Name
		}
		out = append(out, e)
	}
	return out
}
