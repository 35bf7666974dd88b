// Package slowpath stands between the databases and the slow path (package punt):
// it tells the slow path what it needs to know of the network (SlowPath) and writes
// what the slow path has learned (Writer).
package slowpath

import (
	"maps"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// SlowPath is the node: a punt.View and the neighbors of the local datapaths.
//
// The view is kept in one part for each local datapath. A change marks the
// datapaths that it concerns, and Run makes their parts anew.
type SlowPath struct {
	w      *node.World
	ports  *binding.Ports
	local  *datapath.Local
	writer *Writer

	parts   map[ovsdb.UUID]*part
	dirty   map[ovsdb.UUID]bool
	waits   map[string]map[ovsdb.UUID]bool // port -> datapaths whose part depends on where it is
	max     time.Duration                  // View.AnnounceMax
	changed bool                           // since the last TakeView

	neighbors *neighbors
}

// New makes the node. What announcements mean to the routers on this chassis goes
// to writer.
func New(w *node.World, ports *binding.Ports, local *datapath.Local, writer *Writer) *SlowPath {
	return &SlowPath{w: w, ports: ports, local: local, writer: writer, parts: map[ovsdb.UUID]*part{},
		dirty: map[ovsdb.UUID]bool{}, waits: map[string]map[ovsdb.UUID]bool{}, changed: true, neighbors: newNeighbors(w, local)}
}

// OnRows follows changes of Port_Binding, Datapath_Binding, MAC_Binding and
// Static_MAC_Binding.
func (s *SlowPath) OnRows() {
	for _, c := range s.w.SBChanges.PortBinding {
		for _, row := range []*sb.PortBinding{c.Old, c.New} {
			if row != nil {
				s.markRow(row)
			}
		}
	}
	for _, c := range s.w.SBChanges.DatapathBinding {
		s.dirty[c.ID] = true
		for _, p := range s.local.Peers(c.ID) {
			s.dirty[p.Remote.Datapath] = true
		}
	}
	s.neighbors.onRows()
}

// markRow marks the datapaths that a changed row of Port_Binding concerns.
func (s *SlowPath) markRow(pb *sb.PortBinding) {
	s.markWaiting(pb.LogicalPort)
	switch binding.KindOf(pb) {
	case binding.Patch, binding.L3Gateway:
		s.dirty[pb.Datapath] = true
		if peer := s.local.PeerOf(pb); peer != nil {
			s.dirty[peer.Datapath] = true
		}
	case binding.ChassisRedirect:
		s.dirty[pb.Datapath] = true
	case binding.VIF, binding.Container:
		// There are many, and most are elsewhere.
		if p := s.parts[pb.Datapath]; p != nil && p.hosts[pb.UUID] || s.announces(pb) {
			s.dirty[pb.Datapath] = true
		}
	}
}

func (s *SlowPath) markWaiting(lport string) {
	for dp := range s.waits[lport] {
		s.dirty[dp] = true
	}
}

// OnPorts follows changes of what ports are to this chassis.
func (s *SlowPath) OnPorts() {
	for id := range s.ports.Changed {
		pb := s.w.SB.PortBinding.Get(id)
		if pb == nil {
			continue // OnRows has marked what depends on it
		}
		s.markRow(pb)
		if binding.KindOf(pb) == binding.Localnet {
			s.dirty[pb.Datapath] = true
		}
	}
}

// OnDatapaths follows changes of the local datapaths.
func (s *SlowPath) OnDatapaths() {
	for _, dps := range []map[ovsdb.UUID]bool{s.local.Added, s.local.Removed, s.local.SpecialChanged} {
		for dp := range dps {
			s.dirty[dp] = true
		}
	}
	s.neighbors.onDatapaths()
}

// OnConfig follows changes of the configuration.
func (s *SlowPath) OnConfig() {
	if max := s.announceMax(); max != s.max {
		s.max, s.changed = max, true
	}
}

func (s *SlowPath) announceMax() time.Duration {
	return time.Duration(s.w.Config.GARPMaxTimeout) * time.Second
}

// Recompute marks everything.
func (s *SlowPath) Recompute() {
	for dp := range s.parts {
		s.dirty[dp] = true
	}
	for dp := range s.local.All() {
		s.dirty[dp] = true
	}
	s.OnConfig()
	s.neighbors.recompute()
}

// Run makes the marked parts anew. It tells whether there is something to take.
func (s *SlowPath) Run() bool {
	for dp := range s.dirty {
		s.rebuild(dp)
	}
	clear(s.dirty)
	return s.changed || s.neighbors.pending()
}

func (s *SlowPath) rebuild(dp ovsdb.UUID) {
	old := s.parts[dp]
	var now *part
	if key, ok := s.local.Key(dp); ok {
		now = s.build(dp, key)
	}
	for name := range old.resident() {
		unfile(s.waits, name, dp)
	}
	for name := range now.resident() {
		file(s.waits, name, dp)
	}
	s.name(dp, old, now)
	s.changed = s.changed || !old.equal(now)
	if now.empty() {
		delete(s.parts, dp)
	} else {
		s.parts[dp] = now
	}
	s.announceLocally(dp, old, now)
}

// name names what is refused.
func (s *SlowPath) name(dp ovsdb.UUID, old, now *part) {
	var refused []string
	if now != nil {
		refused = now.refused
	}
	if len(refused) > 0 || old != nil && len(old.refused) > 0 {
		s.w.Refuse(node.RefusalKey{Table: "Datapath_Binding", Row: dp, Part: "slow path"}, refused...)
	}
}

// TakeView is the view when it has changed since the last call.
func (s *SlowPath) TakeView() (punt.View, bool) {
	if !s.changed {
		return punt.View{}, false
	}
	s.changed = false
	v := punt.View{Redirect: map[punt.Key]punt.Key{}, AnnounceMax: s.max}
	for _, dp := range slices.SortedFunc(maps.Keys(s.parts), ovsdb.UUID.Compare) {
		p := s.parts[dp]
		maps.Copy(v.Redirect, p.redirect)
		v.Announcements = append(v.Announcements, p.announcements...)
		v.RouterAdverts = append(v.RouterAdverts, p.adverts...)
	}
	return v, true
}

// TakeNeighbors are the neighbors that changed since the last call; the zero MAC is
// one that went.
func (s *SlowPath) TakeNeighbors() []punt.Neighbor { return s.neighbors.take() }
