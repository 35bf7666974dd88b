// Package datapath knows which logical datapaths are local: those with a port on
// this chassis, and those that can be reached from them through logical patch
// ports. Only for local datapaths are logical flows compiled and, with
// conditional monitoring, only of them are rows received.
package datapath

import (
	"cmp"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// role is why ports are asked for by datapath.
type role uint8

const (
	patchRole role = iota
	localnetRole
	externalRole
	multichassisRole
	numRoles
	noRole = numRoles
)

func roleOf(row *sb.PortBinding) role {
	switch kind := binding.KindOf(row); {
	case kind == binding.Patch || kind == binding.L3Gateway:
		return patchRole
	case kind == binding.Localnet:
		return localnetRole
	case kind == binding.External:
		return externalRole
	case len(row.AdditionalChassis) > 0:
		return multichassisRole
	}
	return noRole
}

// place is where a port is filed.
type place struct {
	dp   ovsdb.UUID
	role role
}

// Local is the datum.
type Local struct {
	w     *node.World
	ports *binding.Ports
	index map[place]map[ovsdb.UUID]bool
	filed map[ovsdb.UUID]place
	local map[ovsdb.UUID]uint32 // datapath -> tunnel key

	// Added, Removed are the datapaths that became or ceased to be local in
	// this run. SpecialChanged are datapaths whose localnet, external or
	// multichassis ports changed.
	Added, Removed map[ovsdb.UUID]bool
	SpecialChanged map[ovsdb.UUID]bool
}

// New makes the datum.
func New(w *node.World, ports *binding.Ports) *Local {
	return &Local{w: w, ports: ports, index: map[place]map[ovsdb.UUID]bool{}, filed: map[ovsdb.UUID]place{},
		local: map[ovsdb.UUID]uint32{}, Added: map[ovsdb.UUID]bool{}, Removed: map[ovsdb.UUID]bool{},
		SpecialChanged: map[ovsdb.UUID]bool{}}
}

// Key is the tunnel key of a local datapath; ok is false when it is not local.
func (l *Local) Key(dp ovsdb.UUID) (key uint32, ok bool) { key, ok = l.local[dp]; return }

// All are the local datapaths and their tunnel keys.
func (l *Local) All() map[ovsdb.UUID]uint32 { return l.local }

// Begin starts a run.
func (l *Local) Begin() {
	clear(l.Added)
	clear(l.Removed)
	clear(l.SpecialChanged)
}

// UpdateRows follows changes of Port_Binding and Datapath_Binding.
func (l *Local) UpdateRows() bool {
	reach := len(l.w.SBChanges.DatapathBinding) > 0
	for _, c := range l.w.SBChanges.PortBinding {
		reach = l.refile(c.ID, c.New) || reach || redirects(c.Old) != redirects(c.New)
	}
	if reach {
		l.reach()
	}
	return l.changed()
}

// redirects is what follow looks at of a chassisredirect port.
func redirects(row *sb.PortBinding) (state string) {
	if row == nil || binding.KindOf(row) != binding.ChassisRedirect {
		return ""
	}
	return row.LogicalPort + "=" + row.Options["always-redirect"]
}

// UpdateRoots follows changes of what ports are to this chassis: the datapaths that
// have one here, and the gateways through which others are reached.
func (l *Local) UpdateRoots() bool {
	reach := l.ports.RootsChanged
	for id := range l.ports.Changed {
		if reach {
			break
		}
		kind := l.ports.Get(id).Kind
		if row := l.w.SB.PortBinding.Get(id); row != nil { // one that is nothing to us any more has no record
			kind = binding.KindOf(row)
		}
		reach = kind == binding.ChassisRedirect || kind == binding.L3Gateway
	}
	if reach {
		l.reach()
	}
	return l.changed()
}

// Recompute looks at every port.
func (l *Local) Recompute() bool {
	l.index, l.filed = map[place]map[ovsdb.UUID]bool{}, map[ovsdb.UUID]place{}
	for pb := range l.w.SB.PortBinding.All() {
		l.refile(pb.UUID, pb)
	}
	l.reach()
	return l.changed()
}

func (l *Local) changed() bool { return len(l.Added)+len(l.Removed)+len(l.SpecialChanged) > 0 }

// refile files a port under its datapath when it is of a kind that is asked for.
// It tells whether reachability may have changed.
func (l *Local) refile(id ovsdb.UUID, row *sb.PortBinding) (reach bool) {
	if at, ok := l.filed[id]; ok {
		if delete(l.index[at], id); len(l.index[at]) == 0 {
			delete(l.index, at)
		}
		delete(l.filed, id)
		reach = l.concerns(at)
	}
	if row == nil {
		return reach
	}
	at := place{row.Datapath, roleOf(row)}
	if at.role == noRole {
		return reach
	}
	if l.index[at] == nil {
		l.index[at] = map[ovsdb.UUID]bool{}
	}
	l.index[at][id] = true
	l.filed[id] = at
	return l.concerns(at) || reach
}

// concerns notes that a port in a place changed; it tells whether that may change
// reachability.
func (l *Local) concerns(at place) (reach bool) {
	if at.role != patchRole {
		l.SpecialChanged[at.dp] = true
	}
	return at.role == patchRole
}

// reach computes the local datapaths: breadth first from those with a port here.
// Its cost grows with the patch ports of local datapaths.
func (l *Local) reach() {
	now := make(map[ovsdb.UUID]uint32, len(l.local))
	var queue []ovsdb.UUID
	visit := func(dp ovsdb.UUID) {
		if _, seen := now[dp]; seen {
			return
		}
		row := l.w.SB.DatapathBinding.Get(dp)
		if row == nil {
			return // its row is still to come
		}
		now[dp] = uint32(row.TunnelKey)
		queue = append(queue, dp)
	}
	for dp := range l.ports.Roots() {
		visit(dp)
	}
	for len(queue) > 0 {
		dp := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, p := range l.Peers(dp) {
			if l.follow(p.Local) {
				visit(p.Remote.Datapath)
			}
		}
	}
	for dp, key := range now {
		if old, ok := l.local[dp]; !ok || old != key {
			l.Added[dp] = true
		}
	}
	for dp := range l.local {
		if _, ok := now[dp]; !ok {
			l.Removed[dp] = true
		}
	}
	l.local = now
}

// follow tells whether the datapath behind a patch port is needed when the port's
// own datapath is local.
func (l *Local) follow(pb *sb.PortBinding) bool {
	if binding.KindOf(pb) == binding.L3Gateway {
		return l.ports.Get(pb.UUID).Bound
	}
	name := pb.Options["chassis-redirect-port"]
	if name == "" {
		return true
	}
	// A distributed gateway port: all its traffic goes to another chassis when
	// its redirect port says so and is not placed here.
	cr := l.w.SB.PortBindingByLogicalPort.One(name)
	if cr == nil {
		return false
	}
	return cr.Options["always-redirect"] != "true" || l.ports.Get(cr.UUID).Related
}

// Peer is a pair of logical patch ports: Local on the datapath asked about.
type Peer struct{ Local, Remote *sb.PortBinding }

// Peers are the patch ports of a datapath and what is behind them, in the order of their names.
func (l *Local) Peers(dp ovsdb.UUID) []Peer {
	var peers []Peer
	for _, pb := range l.rows(dp, patchRole) {
		if peer := l.PeerOf(pb); peer != nil {
			peers = append(peers, Peer{pb, peer})
		}
	}
	return peers
}

// PeerOf is the port at the other end of a patch port, nil when there is none.
func (l *Local) PeerOf(pb *sb.PortBinding) *sb.PortBinding {
	name := pb.Options["peer"]
	if name == "" {
		return nil
	}
	peer := l.w.SB.PortBindingByLogicalPort.One(name)
	if peer == nil || peer.Datapath.IsZero() {
		return nil
	}
	return peer
}

// Localnets are the localnet ports of a datapath, by name.
func (l *Local) Localnets(dp ovsdb.UUID) []*sb.PortBinding { return l.rows(dp, localnetRole) }

// Externals are the external ports of a datapath, by name.
func (l *Local) Externals(dp ovsdb.UUID) []*sb.PortBinding { return l.rows(dp, externalRole) }

// Multichassis are the ports of a datapath that have additional chassis, by name.
func (l *Local) Multichassis(dp ovsdb.UUID) []*sb.PortBinding { return l.rows(dp, multichassisRole) }

func (l *Local) rows(dp ovsdb.UUID, r role) []*sb.PortBinding {
	ids := l.index[place{dp, r}]
	if len(ids) == 0 {
		return nil
	}
	out := make([]*sb.PortBinding, 0, len(ids))
	for id := range ids {
		if pb := l.w.SB.PortBinding.Get(id); pb != nil {
			out = append(out, pb)
		}
	}
	slices.SortFunc(out, func(a, b *sb.PortBinding) int { return cmp.Compare(a.LogicalPort, b.LogicalPort) })
	return out
}

// IsSwitch tells whether a datapath is a logical switch (otherwise a router).
func IsSwitch(dp *sb.DatapathBinding) bool {
	if dp.Type.OK {
		return dp.Type.V == "logical-switch"
	}
	return dp.ExternalIDs["logical-switch"] != ""
}

// IsTransit tells whether a datapath is a transit switch of OVN-IC.
func IsTransit(dp *sb.DatapathBinding) bool { return dp.ExternalIDs["interconn-ts"] != "" }
