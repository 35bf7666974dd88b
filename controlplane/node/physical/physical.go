// Package physical makes the rules between the logical pipelines and the ports:
// from a port or tunnel to the logical input port, from "output" to the local
// ports and the tunnels, and from the logical output port to the port. These are
// the physical stages of package ir (ovn-architecture(7), "Architectural Physical
// Life Cycle of a Packet").
//
// The unit of work is one Port_Binding or Multicast_Group row; a change marks the
// rows that depend on it and only those are made anew.
package physical

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/node/encap"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/controlplane/node/zones"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Part is the part number of these rules in rules.Key.
const Part = 1

// Inputs are the data that the rules are made from.
type Inputs struct {
	World   *node.World
	Ports   *binding.Ports
	Local   *datapath.Local
	Tunnels *encap.Tunnels
	Ifaces  *iface.Table
	Zones   *zones.Zones
}

// Physical is the node.
type Physical struct {
	Inputs
	set *rules.Set

	ports  map[ovsdb.UUID]bool // to be made anew
	groups map[ovsdb.UUID]bool
	decap  bool

	tooBigBack   bool     // pmtud at the last Recompute
	flooding     bool     // floodsRemote at the last Recompute
	tunnelAlways bool     // alwaysTunnel at the last Recompute
	locals       []string // Tunnels.Locals at the last Recompute

	memberOf map[ovsdb.UUID][]ovsdb.UUID // port -> groups
	members  map[ovsdb.UUID][]ovsdb.UUID // group -> ports, as filed in memberOf
}

// New makes the node; its rules go into set.
func New(in Inputs, set *rules.Set) *Physical {
	return &Physical{Inputs: in, set: set, locals: []string{""}, ports: map[ovsdb.UUID]bool{}, groups: map[ovsdb.UUID]bool{},
		memberOf: map[ovsdb.UUID][]ovsdb.UUID{}, members: map[ovsdb.UUID][]ovsdb.UUID{}}
}

// Recompute marks everything.
func (p *Physical) Recompute() {
	p.set.Keys(func(k rules.Key) {
		if k.Part != Part {
			return
		}
		switch k.Owner.Kind {
		case ir.OwnerPortBinding:
			p.ports[k.Owner.UUID] = true
		case ir.OwnerMulticastGroup:
			p.groups[k.Owner.UUID] = true
		}
	})
	for dp := range p.Local.All() {
		p.markDatapath(dp)
	}
	for mc := range p.World.SB.MulticastGroup.All() {
		p.groups[mc.UUID] = true
	}
	p.decap = true
	p.tooBigBack, p.flooding, p.tunnelAlways = p.pmtud(), p.floodsRemote(), p.alwaysTunnel()
	p.locals = p.Tunnels.Locals()
	p.set.Put(rules.Key{Part: Part}, p.fixedRules())
}

// Run makes the marked rows' rules anew. It tells whether any rule changed.
func (p *Physical) Run() bool {
	changed := false
	for id := range p.ports {
		changed = p.set.Put(rules.Key{Owner: ir.Owner{Kind: ir.OwnerPortBinding, UUID: id}, Part: Part}, p.portRules(id)) || changed
	}
	for id := range p.groups {
		changed = p.set.Put(rules.Key{Owner: ir.Owner{Kind: ir.OwnerMulticastGroup, UUID: id}, Part: Part}, p.groupRules(id)) || changed
	}
	if p.decap {
		changed = p.set.Put(rules.Key{Owner: ir.Owner{Kind: ir.OwnerChassis}, Part: Part}, p.decapRules()) || changed
	}
	clear(p.ports)
	clear(p.groups)
	p.decap = false
	return changed
}
