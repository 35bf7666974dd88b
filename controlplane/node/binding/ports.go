// Package binding decides which logical ports belong to this chassis: it claims
// them in the Southbound database (Port_Binding.chassis), releases them, and
// tells the other nodes which ports and datapaths are local.
package binding

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Liveness answers for HA chassis groups (node/encap has it from BFD).
type Liveness interface {
	// GroupActive tells whether this chassis is the active member of a group.
	GroupActive(group ovsdb.UUID) bool
	// GroupMember tells whether this chassis is a member.
	GroupMember(group ovsdb.UUID) bool
	// GroupPreferred tells whether this chassis is the one that a group prefers.
	GroupPreferred(group ovsdb.UUID) bool
}

// Port is what a logical port is to this chassis. The zero Port is nothing to it.
type Port struct {
	Datapath ovsdb.UUID
	Kind     Kind
	Ofport   uint32 // of its interface; a container has its parent's
	Iface    ovsdb.UUID
	Place    Place // where this chassis wants it
	Root     bool  // makes its datapath local
	Related  bool  // logical flows about it matter here
	Resident bool  // is_chassis_resident()
	Bound    bool  // bound here in the Southbound database
}

// Ports is the datum: what each port is to this chassis.
type Ports struct {
	w      *node.World
	ifaces *iface.Table
	live   Liveness
	ports  map[ovsdb.UUID]Port
	roots  map[ovsdb.UUID]int // datapath -> ports that make it local
	claims *Claims

	registered bool // there has been a row of this chassis
	switchAway bool

	// Changed are the ports whose Port changed in this run; RootsChanged tells
	// whether the set of datapaths with a root port changed.
	Changed      map[ovsdb.UUID]bool
	RootsChanged bool
}

// New makes the datum.
func New(w *node.World, ifaces *iface.Table, live Liveness) *Ports {
	p := &Ports{w: w, ifaces: ifaces, live: live, ports: map[ovsdb.UUID]Port{}, roots: map[ovsdb.UUID]int{},
		Changed: map[ovsdb.UUID]bool{}}
	p.claims = newClaims(p)
	return p
}

// Get is what the port is to this chassis.
func (p *Ports) Get(pb ovsdb.UUID) Port { return p.ports[pb] }

// Roots are the datapaths that have a port on this chassis.
func (p *Ports) Roots() map[ovsdb.UUID]int { return p.roots }

// Local calls f for every port that has an interface here or that this chassis binds.
func (p *Ports) Local(f func(ovsdb.UUID, Port)) {
	for id, port := range p.ports {
		if port.Ofport != 0 || port.Place != Nowhere {
			f(id, port)
		}
	}
}

// Resident tells whether a port is resident on this chassis (is_chassis_resident).
func (p *Ports) Resident(lport string) bool {
	pb := p.w.SB.PortBindingByLogicalPort.One(lport)
	return pb != nil && p.ports[pb.UUID].Resident
}

// Begin starts a run: it forgets the changes of the last one.
func (p *Ports) Begin() {
	clear(p.Changed)
	p.RootsChanged = false
}

// frozen tells whether this chassis's row is gone, by mistake or while it changes
// its name. It will be back in a moment: until then everything stays as it was,
// as taking the ports down and up again would cost their connections. When it is
// back everything is looked at anew.
func (p *Ports) frozen() bool {
	if p.w.Self() != nil {
		p.registered = true
		return false
	}
	return p.registered
}

// UpdateRows follows changes of Port_Binding rows.
func (p *Ports) UpdateRows() bool {
	if p.frozen() {
		return false
	}
	for _, c := range p.w.SBChanges.PortBinding {
		p.evaluate(c.ID, c.New)
		for _, row := range []*sb.PortBinding{c.Old, c.New} {
			if row != nil {
				p.dependents(row.LogicalPort)
			}
		}
	}
	return len(p.Changed) > 0
}

// UpdateIfaces follows changes of the integration bridge's interfaces.
func (p *Ports) UpdateIfaces() bool {
	if p.frozen() {
		return false
	}
	for lport := range p.ifaces.Replugged {
		p.claims.reconsider(lport)
	}
	for lport := range p.ifaces.Changed {
		for _, pb := range p.w.SB.PortBindingByLogicalPort.Get(lport) {
			p.evaluate(pb.UUID, pb)
		}
		p.dependents(lport)
	}
	return len(p.Changed) > 0
}

// SetSwitch tells whether the switch is connected. While it is not, what it says of
// BFD is of the past, and this chassis forwards nothing new: it takes no port of an
// HA chassis group from a chassis that found it gone, and keeps those that nobody
// else takes, as the switch may only be restarting. UpdateGroups is to be called.
func (p *Ports) SetSwitch(connected bool) { p.switchAway = !connected }

// UpdateGroups follows changes of HA chassis groups, of liveness and of the switch.
func (p *Ports) UpdateGroups() bool {
	if p.frozen() {
		return false
	}
	for _, typ := range []string{"chassisredirect", "external"} {
		for _, pb := range p.w.SB.PortBindingByType.Get(typ) {
			p.evaluate(pb.UUID, pb)
		}
	}
	return len(p.Changed) > 0
}

// Recompute looks at every port.
func (p *Ports) Recompute() bool {
	if p.frozen() {
		return false
	}
	for id := range p.ports {
		if p.w.SB.PortBinding.Get(id) == nil {
			p.evaluate(id, nil)
		}
	}
	for pb := range p.w.SB.PortBinding.All() {
		p.evaluate(pb.UUID, pb)
	}
	return len(p.Changed) > 0 || p.RootsChanged
}

// dependents are the containers nested in a port, and the virtual and mirror ports on it.
func (p *Ports) dependents(lport string) {
	for _, pb := range p.w.SB.PortBindingByParentPort.Get(lport) {
		p.evaluate(pb.UUID, pb)
	}
	for _, pb := range p.w.SB.PortBindingByType.Get("mirror") {
		if Parent(pb) == lport {
			p.evaluate(pb.UUID, pb)
		}
	}
	for _, pb := range p.w.SB.PortBindingByType.Get("virtual") {
		if pb.VirtualParent.OK && pb.VirtualParent.V == lport {
			p.evaluate(pb.UUID, pb)
		}
	}
}

// evaluate brings the record of one port up to date; row is nil when it is gone.
func (p *Ports) evaluate(id ovsdb.UUID, row *sb.PortBinding) {
	old := p.ports[id]
	var now Port
	if row != nil {
		now = p.port(row)
		p.claims.consider(row, now)
	} else {
		p.claims.forget(id)
	}
	p.w.Refuse(node.RefusalKey{Table: "Port_Binding", Row: id, Part: "interfaces"}, p.ignored(row)...)
	if now == old {
		return
	}
	if now == (Port{}) {
		delete(p.ports, id)
	} else {
		p.ports[id] = now
	}
	p.Changed[id] = true
	p.root(old, -1)
	p.root(now, +1)
}

func (p *Ports) root(port Port, n int) {
	if !port.Root {
		return
	}
	had := p.roots[port.Datapath] > 0
	if p.roots[port.Datapath] += n; p.roots[port.Datapath] == 0 {
		delete(p.roots, port.Datapath)
	}
	if had != (p.roots[port.Datapath] > 0) {
		p.RootsChanged = true
	}
}

func (p *Ports) port(pb *sb.PortBinding) Port {
	self := p.w.Self()
	port := Port{Datapath: pb.Datapath, Kind: KindOf(pb)}
	if self != nil {
		port.Bound = BoundTo(pb, self)
		port.Resident = port.Bound && pb.Chassis == self.UUID
	}
	switch port.Kind {
	case VIF:
		p.vif(&port, p.vifRow(pb), PlaceOn(pb, self))
	case Container, Mirror:
		parent := p.w.SB.PortBindingByLogicalPort.One(Parent(pb))
		if parent != nil && KindOf(parent) == VIF { // it goes where its parent goes
			p.vif(&port, p.vifRow(parent), PlaceOn(parent, self))
		}
	case Virtual:
		p.virtual(pb, &port)
	case Localport:
		row := p.vifRow(pb)
		port.Ofport = iface.Ofport(row)
		port.Related = port.Ofport != 0
		if row != nil {
			port.Iface = row.UUID
		}
	case Patch, VTEP, Localnet:
		port.Related = true
		port.Ofport = p.ifaces.PatchOfport(pb.LogicalPort)
		// A port of a transit switch that connects a switch belongs to a chassis, so that other
		// zones know where to tunnel to (OVN 25.03 and later).
		if port.Kind == Patch && self != nil && pb.RequestedChassis == self.UUID {
			port.Place = Main
		}
	case L2Gateway:
		p.gateway(&port, self, pb.Options["l2gateway-chassis"])
		port.Ofport = p.ifaces.PatchOfport(pb.LogicalPort)
	case L3Gateway:
		p.gateway(&port, self, pb.Options["l3gateway-chassis"])
	case ChassisRedirect, External:
		active := p.live.GroupActive(pb.HAChassisGroup)
		if p.switchAway {
			active = self != nil && pb.Chassis == self.UUID
		}
		port.Related = active || p.live.GroupMember(pb.HAChassisGroup)
		port.Root = port.Related
		if active && self != nil {
			port.Place = Main
		}
		if port.Kind == ChassisRedirect {
			port.Resident = port.Place == Main
		}
	}
	if port == (Port{Datapath: pb.Datapath, Kind: port.Kind}) {
		return Port{} // nothing to us: keep no record
	}
	return port
}

// vifRow is the interface that a VIF or localport uses: the one with its name as
// iface-id and, when the port asks for it, the right iface-id-ver.
func (p *Ports) vifRow(pb *sb.PortBinding) *vsw.Interface {
	row, _ := p.ifaces.VIF(pb.LogicalPort)
	if row == nil {
		return nil
	}
	if want := pb.Options["iface-id-ver"]; want != "" && row.ExternalIDs["iface-id-ver"] != want {
		return nil
	}
	return row
}

// ignored says of each interface that claims a port that it is not the one that counts.
func (p *Ports) ignored(pb *sb.PortBinding) (texts []string) {
	if pb == nil || KindOf(pb) != VIF && KindOf(pb) != Localport {
		return nil
	}
	row, others := p.ifaces.VIF(pb.LogicalPort)
	for _, o := range others {
		texts = append(texts, fmt.Sprintf("lport %s: Invalid configuration: iface-id is configured on interfaces : [%s] and [%s]. "+
			"Ignoring the configuration on interface [%s], which has the lower port number: remove its external_ids:iface-id",
			pb.LogicalPort, row.Name, o.Name, o.Name))
	}
	return texts
}

// vif makes port one that is reached by row and wanted at place.
func (p *Ports) vif(port *Port, row *vsw.Interface, place Place) {
	if row == nil || place == Nowhere {
		return
	}
	port.Place, port.Iface, port.Ofport = place, row.UUID, iface.Ofport(row)
	port.Root, port.Related = true, true
}

// virtual ports are claimed by the slow path when the parent announces the
// address (bind_vport); here they are kept while the parent is here.
func (p *Ports) virtual(pb *sb.PortBinding, port *Port) {
	if !pb.VirtualParent.OK || !port.Bound {
		return
	}
	parent := p.w.SB.PortBindingByLogicalPort.One(pb.VirtualParent.V)
	if parent == nil || p.vifRow(parent) == nil || PlaceOn(parent, p.w.Self()) == Nowhere {
		return
	}
	port.Place, port.Root, port.Related = Main, true, true
}

func (p *Ports) gateway(port *Port, self *sb.Chassis, chassis string) {
	if self == nil || chassis != self.Name {
		return
	}
	port.Place, port.Root, port.Related = Main, true, true
}
