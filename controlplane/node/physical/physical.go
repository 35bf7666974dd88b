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
	"github.com/sluice-gw/sluice/controlplane/sb"
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

	memberOf map[ovsdb.UUID]map[ovsdb.UUID]bool // port -> groups
	members  map[ovsdb.UUID][]ovsdb.UUID        // group -> ports, as filed in memberOf
}

// New makes the node; its rules go into set.
func New(in Inputs, set *rules.Set) *Physical {
	return &Physical{Inputs: in, set: set, ports: map[ovsdb.UUID]bool{}, groups: map[ovsdb.UUID]bool{},
		memberOf: map[ovsdb.UUID]map[ovsdb.UUID]bool{}, members: map[ovsdb.UUID][]ovsdb.UUID{}}
}

// OnPortRows follows changes of Port_Binding rows.
func (p *Physical) OnPortRows() {
	for _, c := range p.World.SBChanges.PortBinding {
		p.ports[c.ID] = true
		if !samePlace(c.Old, c.New) {
			p.markGroups(c.ID)
		}
		for _, row := range []*sb.PortBinding{c.Old, c.New} {
			if row != nil {
				p.markRelated(row)
			}
		}
	}
}

// samePlace tells whether a change of a port matters to the groups that it is in.
func samePlace(a, b *sb.PortBinding) bool {
	return a != nil && b != nil && a.Chassis == b.Chassis && a.TunnelKey == b.TunnelKey && a.Type == b.Type &&
		a.Datapath == b.Datapath && a.LogicalPort == b.LogicalPort && len(a.AdditionalChassis) == 0 &&
		len(b.AdditionalChassis) == 0 && a.ParentPort == b.ParentPort
}

// markRelated marks the ports whose rules mention row: its peer, and the pair of a
// distributed gateway port and its redirect port.
func (p *Physical) markRelated(row *sb.PortBinding) {
	for _, name := range []string{row.Options["peer"], row.Options["distributed-port"], row.Options["chassis-redirect-port"],
		"cr-" + row.LogicalPort} {
		if name == "" {
			continue
		}
		for _, pb := range p.World.SB.PortBindingByLogicalPort.Get(name) {
			p.ports[pb.UUID] = true
		}
	}
	switch binding.KindOf(row) {
	case binding.Localnet:
		p.markDatapath(row.Datapath)
	case binding.External, binding.ChassisRedirect, binding.Patch:
		for _, ln := range p.Local.Localnets(row.Datapath) {
			p.ports[ln.UUID] = true
		}
	case binding.VTEP:
		p.decap = true
	}
}

// OnPorts follows changes of what ports are to this chassis.
func (p *Physical) OnPorts() {
	for id := range p.Ports.Changed {
		p.ports[id] = true
		p.markGroups(id)
		if pb := p.World.SB.PortBinding.Get(id); pb != nil {
			p.markRelated(pb)
		}
	}
}

// OnDatapaths follows changes of the local datapaths.
func (p *Physical) OnDatapaths() {
	for _, set := range []map[ovsdb.UUID]bool{p.Local.Added, p.Local.Removed, p.Local.SpecialChanged} {
		for dp := range set {
			p.markDatapath(dp)
			p.decap = true
		}
	}
}

func (p *Physical) markDatapath(dp ovsdb.UUID) {
	for _, pb := range p.World.SB.PortBindingByDatapath.Get(dp) {
		p.ports[pb.UUID] = true
	}
	for _, mc := range p.World.SB.MulticastGroupByDatapath.Get(dp) {
		p.groups[mc.UUID] = true
	}
}

// OnZones follows changes of conntrack zones.
func (p *Physical) OnZones() {
	for name := range p.Zones.Changed {
		for _, pb := range p.World.SB.PortBindingByLogicalPort.Get(name) {
			p.ports[pb.UUID] = true
			p.markGroups(pb.UUID)
			p.markRelated(pb)
		}
		if dp, err := ovsdb.ParseUUID(name[:min(36, len(name))]); err == nil && len(name) > 36 {
			p.markDatapath(dp)
			for _, peer := range p.Local.Peers(dp) {
				p.ports[peer.Remote.UUID] = true
			}
		}
	}
}

// OnTunnels follows changes of tunnels and of liveness.
func (p *Physical) OnTunnels() {
	if len(p.Tunnels.Changed) == 0 && !p.Tunnels.LiveChanged {
		return
	}
	p.decap = p.decap || len(p.Tunnels.Changed) > 0
	for name := range p.Tunnels.Changed {
		if c := p.World.SB.ChassisByName.One(name); c != nil {
			for _, pb := range p.World.SB.PortBindingByChassis.Get(c.UUID) {
				p.ports[pb.UUID] = true
			}
		}
	}
	for dp := range p.Local.All() {
		for _, pb := range p.Local.Multichassis(dp) {
			p.markDatapath(pb.Datapath)
		}
		if len(p.Tunnels.Changed) > 0 {
			for _, mc := range p.World.SB.MulticastGroupByDatapath.Get(dp) {
				p.groups[mc.UUID] = true
			}
		}
	}
	p.OnGroupsOfChassis()
}

// OnGroupsOfChassis follows changes of HA chassis groups.
func (p *Physical) OnGroupsOfChassis() {
	for _, typ := range []string{"chassisredirect", "external", "localnet"} {
		for _, pb := range p.World.SB.PortBindingByType.Get(typ) {
			p.ports[pb.UUID] = true
		}
	}
}

// OnChassis follows changes of Chassis rows: MAC mappings and the kind of a chassis.
func (p *Physical) OnChassis() {
	for _, c := range p.World.SBChanges.Chassis {
		for _, pb := range p.World.SB.PortBindingByType.Get("localnet") {
			p.ports[pb.UUID] = true
		}
		for _, pb := range p.World.SB.PortBindingByChassis.Get(c.ID) {
			p.ports[pb.UUID] = true
			p.markGroups(pb.UUID)
		}
	}
}

// OnMulticastGroups follows changes of Multicast_Group rows.
func (p *Physical) OnMulticastGroups() {
	for _, c := range p.World.SBChanges.MulticastGroup {
		p.groups[c.ID] = true
	}
}

func (p *Physical) markGroups(port ovsdb.UUID) {
	for mc := range p.memberOf[port] {
		p.groups[mc] = true
	}
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
	p.set.Put(rules.Key{Part: Part}, fixedRules())
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
