// Package mirror makes Open vSwitch copy what logical ports of this chassis send or
// receive: Southbound Mirror rows of the types gre, erspan and local (ovn-sb(5)) become
// Mirror rows of the integration bridge, marked by external_ids:ovn-owned, as
// ovn-controller makes them. Those of type lport are logical flows, and none of ours.
package mirror

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Keys in external_ids.
const (
	ownedKey = "ovn-owned" // of Mirror, and of the port that it sends to: "true"
	sinkKey  = "mirror-id" // of an interface: the sink of mirrors of type local
)

// Mirrors is the node and the writer.
type Mirrors struct {
	w      *node.World
	ports  *binding.Ports
	ifaces *iface.Table
	dirty  bool

	refused map[ovsdb.UUID]bool // Mirror rows that cannot be done
}

// New makes the node.
func New(w *node.World, ports *binding.Ports, ifaces *iface.Table) *Mirrors {
	return &Mirrors{w: w, ports: ports, ifaces: ifaces, dirty: true, refused: map[ovsdb.UUID]bool{}}
}

// Invalidate makes the next Write compare what is there with what is wanted.
func (m *Mirrors) Invalidate() { m.dirty = true }

// OnRows follows changes of Mirror rows and of the ports that have them.
func (m *Mirrors) OnRows() {
	m.dirty = m.dirty || len(m.w.SBChanges.Mirror) > 0
	rules := func(row *sb.PortBinding) []ovsdb.UUID {
		if row == nil {
			return nil
		}
		return row.MirrorRules
	}
	for _, c := range m.w.SBChanges.PortBinding {
		m.dirty = m.dirty || !slices.Equal(rules(c.Old), rules(c.New))
	}
}

// OnPorts follows changes of what ports are to this chassis.
func (m *Mirrors) OnPorts() {
	for id := range m.ports.Changed {
		pb := m.w.SB.PortBinding.Get(id)
		m.dirty = m.dirty || pb != nil && len(pb.MirrorRules) > 0
	}
}

// OnOVS follows changes of the bridge's mirrors and of what they are about.
func (m *Mirrors) OnOVS() {
	c := m.w.VSWChanges
	m.dirty = m.dirty || len(c.Mirror) > 0
	for _, b := range c.Bridge {
		m.dirty = m.dirty || b.Old == nil || b.New == nil || !slices.Equal(b.Old.Mirrors, b.New.Mirrors)
	}
	concerned := func(row *vsw.Interface) bool {
		return row != nil && (row.ExternalIDs[sinkKey] != "" || tunnels[row.Type])
	}
	for _, i := range c.Interface {
		m.dirty = m.dirty || concerned(i.Old) || concerned(i.New)
	}
	for _, p := range c.Port {
		m.dirty = m.dirty || p.Old != nil && p.Old.ExternalIDs[ownedKey] != "" || p.New != nil && p.New.ExternalIDs[ownedKey] != ""
	}
}

// tunnels are the types of interfaces that mirrors send to.
var tunnels = map[string]bool{"gre": true, "erspan": true, "ip6gre": true, "ip6erspan": true}

// Pending tells whether Write has something to look at.
func (m *Mirrors) Pending() bool { return m.dirty }
