// Package datapath knows which logical datapaths are local: those with a port on
// this chassis, and those that can be reached from them through logical patch
// ports. Only for local datapaths are logical flows compiled and, with
// conditional monitoring, only of them are rows received.
package datapath

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// special are the ports of a datapath that other nodes ask for by kind.
type special struct {
	patch, localnet, external, multichassis map[ovsdb.UUID]bool
}

// Local is the datum.
type Local struct {
	w     *node.World
	ports *binding.Ports
	index map[ovsdb.UUID]*special // by datapath
	kind  map[ovsdb.UUID]ovsdb.UUID
	local map[ovsdb.UUID]uint32 // datapath -> tunnel key

	// Added, Removed are the datapaths that became or ceased to be local in
	// this run. SpecialChanged are datapaths whose localnet, external or
	// multichassis ports changed.
	Added, Removed map[ovsdb.UUID]bool
	SpecialChanged map[ovsdb.UUID]bool
}

// New makes the datum.
func New(w *node.World, ports *binding.Ports) *Local {
	return &Local{w: w, ports: ports, index: map[ovsdb.UUID]*special{}, kind: map[ovsdb.UUID]ovsdb.UUID{},
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
		reach = l.refile(c.ID, c.New) || reach
	}
	if reach {
		l.reach()
	}
	return l.changed()
}

// UpdateRoots follows changes of the datapaths that have a port here.
func (l *Local) UpdateRoots() bool {
	if l.ports.RootsChanged {
		l.reach()
	}
	return l.changed()
}

// Recompute looks at every port.
func (l *Local) Recompute() bool {
	l.index, l.kind = map[ovsdb.UUID]*special{}, map[ovsdb.UUID]ovsdb.UUID{}
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
	if dp, ok := l.kind[id]; ok {
		s := l.index[dp]
		reach = s.patch[id]
		if s.localnet[id] || s.external[id] || s.multichassis[id] {
			l.SpecialChanged[dp] = true
		}
		for _, m := range []map[ovsdb.UUID]bool{s.patch, s.localnet, s.external, s.multichassis} {
			delete(m, id)
		}
		delete(l.kind, id)
	}
	if row == nil {
		return reach
	}
	pick := func(s *special) map[ovsdb.UUID]bool {
		switch binding.KindOf(row) {
		case binding.Patch, binding.L3Gateway:
			return s.patch
		case binding.Localnet:
			return s.localnet
		case binding.External:
			return s.external
		}
		if len(row.AdditionalChassis) > 0 {
			return s.multichassis
		}
		return nil
	}
	probe := special{patch: map[ovsdb.UUID]bool{}, localnet: map[ovsdb.UUID]bool{}, external: map[ovsdb.UUID]bool{}, multichassis: map[ovsdb.UUID]bool{}}
	if pick(&probe) == nil {
		return reach
	}
	s := l.index[row.Datapath]
	if s == nil {
		s = &probe
		l.index[row.Datapath] = s
	}
	pick(s)[id] = true
	l.kind[id] = row.Datapath
	if s.patch[id] {
		return true
	}
	l.SpecialChanged[row.Datapath] = true
	return reach
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
	s := l.index[dp]
	if s == nil {
		return nil
	}
	peers := make([]Peer, 0, len(s.patch))
	for id := range s.patch {
		pb := l.w.SB.PortBinding.Get(id)
		if pb == nil {
			continue
		}
		if peer := l.PeerOf(pb); peer != nil {
			peers = append(peers, Peer{pb, peer})
		}
	}
	slices.SortFunc(peers, func(a, b Peer) int { return cmpName(a.Local, b.Local) })
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
func (l *Local) Localnets(dp ovsdb.UUID) []*sb.PortBinding {
	return l.rows(dp, func(s *special) map[ovsdb.UUID]bool { return s.localnet })
}

// Externals are the external ports of a datapath, by name.
func (l *Local) Externals(dp ovsdb.UUID) []*sb.PortBinding {
	return l.rows(dp, func(s *special) map[ovsdb.UUID]bool { return s.external })
}

// Multichassis are the ports of a datapath that have additional chassis, by name.
func (l *Local) Multichassis(dp ovsdb.UUID) []*sb.PortBinding {
	return l.rows(dp, func(s *special) map[ovsdb.UUID]bool { return s.multichassis })
}

func (l *Local) rows(dp ovsdb.UUID, pick func(*special) map[ovsdb.UUID]bool) []*sb.PortBinding {
	s := l.index[dp]
	if s == nil {
		return nil
	}
	var out []*sb.PortBinding
	for id := range pick(s) {
		if pb := l.w.SB.PortBinding.Get(id); pb != nil {
			out = append(out, pb)
		}
	}
	slices.SortFunc(out, cmpName)
	return out
}

func cmpName(a, b *sb.PortBinding) int {
	switch {
	case a.LogicalPort < b.LogicalPort:
		return -1
	case a.LogicalPort > b.LogicalPort:
		return 1
	}
	return 0
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
