package slowpath

import (
	"fmt"
	"log/slog"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/vlog"
	"github.com/sluice-gw/sluice/internal/wire"
)

// Writer writes what the slow path has learned into the Southbound database, by the
// rules in the comment of punt.Store.
type Writer struct {
	w        *node.World
	local    *datapath.Local
	warnings *slog.Logger // limited: packets provoke them

	neighbors queue[punt.NeighborKey, lesson, string]
	stations  queue[stationKey, uint32, int64]
	virtual   queue[punt.Key, uint32, claim]
	activated queue[punt.Key, struct{}, string]
	events    queue[punt.EmptyBackends, struct{}, bool]

	contests map[ovsdb.UUID]*contest
	eventSeq int64 // of the newest Controller_Event of this chassis
}

// lesson is the MAC of a neighbor.
type lesson struct {
	mac wire.MAC
	// updateOnly: no row is made for it, only an existing one is changed.
	updateOnly bool
}

// stationKey names a station of a switch.
type stationKey struct {
	datapath uint32
	mac      wire.MAC
}

// NewWriter makes a writer that has nothing to write.
func NewWriter(w *node.World, local *datapath.Local) *Writer {
	return &Writer{w: w, local: local, warnings: vlog.Limit(w.Log, 1, 5), contests: map[ovsdb.UUID]*contest{}}
}

// Take takes what a punt.Mailbox has gathered.
func (w *Writer) Take(p punt.Pending) {
	for _, n := range p.Neighbors {
		w.learn(n, false)
	}
	for _, s := range p.Stations {
		w.stations.put(stationKey{s.Port.Datapath, s.MAC}, s.Port.Port)
	}
	for _, v := range p.Virtual {
		w.virtual.put(v.Virtual, v.Parent)
	}
	for _, k := range p.Activated {
		w.activated.put(k, struct{}{})
	}
	for _, e := range p.Empty {
		w.events.put(e, struct{}{})
	}
}

func (w *Writer) learn(n punt.Neighbor, updateOnly bool) {
	w.neighbors.put(n.NeighborKey, lesson{n.MAC, updateOnly})
}

// Pending tells whether Write has something to look at.
func (w *Writer) Pending() bool {
	return len(w.neighbors.items)+len(w.stations.items)+len(w.virtual.items)+len(w.activated.items)+len(w.events.items) > 0
}

// Dropped counts what was never written: too much at a time, or refused by the database.
func (w *Writer) Dropped() uint64 {
	return w.neighbors.dropped + w.stations.dropped + w.virtual.dropped + w.activated.dropped + w.events.dropped
}

// Write adds what is to be written to tx. It must not be called while an earlier
// transaction of its own is on the way: what the replica shows decides what is
// written.
func (w *Writer) Write(tx *idl.Tx) {
	self := w.w.Self()
	if self == nil || !w.Pending() {
		return
	}
	t := &transaction{Writer: w, Tx: tx, sb: w.w.SB, rows: finder{sb: w.w.SB}, self: self, now: w.w.Now()}
	t.writeNeighbors()
	t.writeStations()
	t.claimVirtual()
	t.activate()
	t.report()
}

// refuse logs that a value was given up.
func (w *Writer) refuse(name string) {
	w.warnings.Warn(fmt.Sprintf("%s was not taken by the Southbound database for %s and is given up", name, patience))
}
