package physical

import (
	"maps"

	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

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

// markRelated marks the ports whose rules mention row: its peer, the pair of a
// distributed gateway port and its redirect port, the containers in it, and the
// localnet ports behind which it is a router port.
func (p *Physical) markRelated(row *sb.PortBinding) {
	for _, name := range []string{row.Options["peer"], row.Options["distributed-port"], row.Options["chassis-redirect-port"],
		"cr-" + row.LogicalPort} {
		p.markName(name)
	}
	for _, pb := range p.World.SB.PortBindingByParentPort.Get(row.LogicalPort) {
		p.ports[pb.UUID] = true
	}
	for _, pb := range p.World.SB.PortBindingByType.Get("mirror") {
		if binding.Parent(pb) == row.LogicalPort {
			p.ports[pb.UUID] = true
		}
	}
	switch binding.KindOf(row) {
	case binding.Localnet:
		p.markDatapath(row.Datapath)
		p.markBridged(row.Datapath)
	case binding.External:
		p.markLocalnets(row.Datapath)
	case binding.Patch, binding.L3Gateway:
		p.markLocalnets(row.Datapath)
		if peer := p.Local.PeerOf(row); peer != nil {
			p.markLocalnets(peer.Datapath)
		}
	case binding.ChassisRedirect:
		if port := p.World.SB.PortBindingByLogicalPort.One(row.Options["distributed-port"]); port != nil {
			if peer := p.Local.PeerOf(port); peer != nil {
				p.markLocalnets(peer.Datapath)
			}
		}
	case binding.VTEP:
		p.decap = true
		p.markDatapath(row.Datapath)
	}
}

// markName marks the port of that name and the groups that deliver to it.
func (p *Physical) markName(name string) {
	if name == "" {
		return
	}
	for _, pb := range p.World.SB.PortBindingByLogicalPort.Get(name) {
		p.ports[pb.UUID] = true
		if binding.KindOf(pb) == binding.ChassisRedirect {
			p.markGroups(pb.UUID) // they deliver to the port that it stands for
		}
	}
}

// OnBridges follows bridges that come and go: a physical network is plugged in where
// its bridge is.
func (p *Physical) OnBridges() {
	for _, c := range p.World.VSWChanges.Bridge {
		if c.Old != nil && c.New != nil && c.Old.Name == c.New.Name {
			continue
		}
		for _, ln := range p.World.SB.PortBindingByType.Get("localnet") {
			p.markDatapath(ln.Datapath)
			p.markBridged(ln.Datapath)
		}
		return
	}
}

func (p *Physical) markLocalnets(dp ovsdb.UUID) {
	for _, ln := range p.Local.Localnets(dp) {
		p.ports[ln.UUID] = true
	}
}

// markBridged marks the redirect ports that send through the physical network of
// the switch dp.
func (p *Physical) markBridged(dp ovsdb.UUID) {
	for _, peer := range p.Local.Peers(dp) {
		p.markName(peer.Remote.Options["chassis-redirect-port"])
	}
}

// OnPorts follows changes of what ports are to this chassis.
func (p *Physical) OnPorts() {
	for id := range p.Ports.Changed {
		p.ports[id] = true
		p.markGroups(id)
		if pb := p.World.SB.PortBinding.Get(id); pb != nil {
			p.markRelated(pb)
			p.markMultichassis(pb)
		}
	}
}

// OnIfaces follows changes of interfaces that are no changes of ports: the MTU.
func (p *Physical) OnIfaces() {
	for lport := range p.Ifaces.Changed {
		for _, pb := range p.World.SB.PortBindingByLogicalPort.Get(lport) {
			p.markMultichassis(pb)
		}
	}
}

// markMultichassis marks the ports whose rules depend on the interface of pb: when
// it is on several chassis, all that it may send to.
func (p *Physical) markMultichassis(pb *sb.PortBinding) {
	if len(pb.AdditionalChassis) > 0 {
		p.markDatapath(pb.Datapath)
	}
}

// OnDatapaths follows changes of the local datapaths.
func (p *Physical) OnDatapaths() {
	for _, set := range []map[ovsdb.UUID]bool{p.Local.Added, p.Local.Removed, p.Local.SpecialChanged} {
		for dp := range set {
			p.markDatapath(dp)
			p.markBridged(dp)
			p.decap = true
		}
	}
	for _, set := range []map[ovsdb.UUID]bool{p.Local.Added, p.Local.Removed} {
		for dp := range set {
			p.markNeighbours(dp)
		}
	}
}

// OnDatapathRows follows changes of Datapath_Binding rows.
func (p *Physical) OnDatapathRows() {
	for _, c := range p.World.SBChanges.DatapathBinding {
		p.markDatapath(c.ID)
		p.markNeighbours(c.ID)
	}
}

// markDatapath marks the ports and groups of a datapath.
func (p *Physical) markDatapath(dp ovsdb.UUID) {
	for _, pb := range p.World.SB.PortBindingByDatapath.Get(dp) {
		p.ports[pb.UUID] = true
	}
	for _, mc := range p.World.SB.MulticastGroupByDatapath.Get(dp) {
		p.groups[mc.UUID] = true
	}
}

// markNeighbours marks the ports of other datapaths whose rules mention dp or its
// zones: patch ports to it, and containers in its ports.
func (p *Physical) markNeighbours(dp ovsdb.UUID) {
	for _, peer := range p.Local.Peers(dp) {
		p.ports[peer.Remote.UUID] = true
	}
	for _, pb := range p.World.SB.PortBindingByDatapath.Get(dp) {
		for _, child := range p.World.SB.PortBindingByParentPort.Get(pb.LogicalPort) {
			p.ports[child.UUID] = true
		}
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
			p.markNeighbours(dp)
		}
	}
}

// OnTunnels follows changes of tunnels. Liveness matters through what ports are
// to this chassis only.
func (p *Physical) OnTunnels() {
	if len(p.Tunnels.Changed) == 0 {
		return
	}
	p.decap = true
	for name := range p.Tunnels.Changed {
		if c := p.World.SB.ChassisByName.One(name); c != nil {
			for _, pb := range p.World.SB.PortBindingByChassis.Get(c.UUID) {
				p.ports[pb.UUID] = true
			}
		}
	}
	for dp := range p.Local.All() {
		if len(p.Local.Multichassis(dp)) > 0 {
			p.markDatapath(dp)
		}
		for _, mc := range p.World.SB.MulticastGroupByDatapath.Get(dp) {
			p.groups[mc.UUID] = true
		}
	}
	p.OnGroupsOfChassis()
}

// OnGroupsOfChassis follows changes of HA chassis groups.
func (p *Physical) OnGroupsOfChassis() {
	for _, typ := range []string{"chassisredirect", "external"} {
		for _, pb := range p.World.SB.PortBindingByType.Get(typ) {
			p.ports[pb.UUID] = true
		}
	}
}

// OnChassis follows changes of Chassis rows: MAC mappings and the kind of a chassis.
// Which of its encapsulations is the default one is in rows of their own.
func (p *Physical) OnChassis() {
	for _, c := range p.World.SBChanges.Encap {
		if c.Old == nil || c.New == nil || maps.Equal(c.Old.Options, c.New.Options) {
			continue // one that comes or goes changes the Chassis row
		}
		if ch := p.World.SB.ChassisByName.One(c.New.ChassisName); ch != nil {
			p.decap = p.decap || remote(ch)
			p.markTunnelled(ch.UUID)
		}
	}
	if len(p.World.SBChanges.Chassis) == 0 {
		return
	}
	for _, pb := range p.World.SB.PortBindingByType.Get("localnet") {
		p.ports[pb.UUID] = true
	}
	for _, c := range p.World.SBChanges.Chassis {
		p.decap = p.decap || remote(c.Old) != remote(c.New) || vtep(c.Old) != vtep(c.New) || leavesReplication(c.Old) != leavesReplication(c.New)
		p.markTunnelled(c.ID)
	}
	for dp := range p.Local.All() {
		for _, pb := range p.Local.Multichassis(dp) {
			p.ports[pb.UUID] = true
			p.markGroups(pb.UUID)
		}
	}
	p.OnGroupsOfChassis()
}

// markTunnelled marks the ports of a chassis and the groups that deliver to them.
func (p *Physical) markTunnelled(chassis ovsdb.UUID) {
	for _, pb := range p.World.SB.PortBindingByChassis.Get(chassis) {
		p.ports[pb.UUID] = true
		p.markGroups(pb.UUID)
	}
}

// OnMulticastGroups follows changes of Multicast_Group rows.
func (p *Physical) OnMulticastGroups() {
	for _, c := range p.World.SBChanges.MulticastGroup {
		p.groups[c.ID] = true
	}
}

func (p *Physical) markGroups(port ovsdb.UUID) {
	for _, mc := range p.memberOf[port] {
		p.groups[mc] = true
	}
}
