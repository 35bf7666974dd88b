package aging

import (
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// Idle is how long ago each rule of NeighbourStage and StationStage matched its last
// packet, in whatever target; rules that never matched any are left out.
type Idle map[ir.RuleID]time.Duration

// use is a row that was seen in use.
type use struct {
	table string
	row   ovsdb.UUID
	name  string
	pause time.Duration
}

// Used takes the answer to a question. What an earlier one has left unwritten is void.
func (a *Aging) Used(idle Idle) {
	a.used = nil
	for dp, t := range a.thresholds {
		if t.neighbours > 0 && a.Stamped("MAC_Binding") {
			for _, b := range a.w.SB.MACBindingByDatapath.Get(dp) {
				if a.since(idle, ir.OwnerMACBinding, b.UUID) < t.neighbours {
					a.used = append(a.used, use{"MAC_Binding", b.UUID, "the use of neighbor " + b.IP + " of lport " + b.LogicalPort, pause(t.neighbours)})
				}
			}
		}
		if t.stations > 0 && a.Stamped("FDB") {
			for _, f := range a.w.SB.FDBByDPKey.Get(int64(a.local.All()[dp])) {
				if a.since(idle, ir.OwnerFDB, f.UUID) < t.stations {
					a.used = append(a.used, use{"FDB", f.UUID, "the use of station " + f.MAC, pause(t.stations)})
				}
			}
		}
	}
}

// never is longer than any threshold.
const never = time.Duration(1<<63 - 1)

// since is how long ago any rule of a row was used.
func (a *Aging) since(idle Idle, kind ir.OwnerKind, row ovsdb.UUID) time.Duration {
	least := never
	for _, rule := range a.set.Of(rules.Key{Owner: ir.Owner{Kind: kind, UUID: row}}) {
		if d, used := idle[rule]; used {
			least = min(least, d)
		}
	}
	return least
}

// Pending tells whether Write has something to look at.
func (a *Aging) Pending() bool { return len(a.used) > 0 }

// Write makes the timestamps of rows in use new, where they are not. It must not be
// called while an earlier transaction of its own is on the way.
func (a *Aging) Write(tx *idl.Tx) {
	now := a.w.Now()
	left := a.used[:0]
	for _, u := range a.used {
		at, known := a.timestamp(u)
		if !known || now.Sub(time.UnixMilli(at)) < u.pause { // of a VTEP's stations it is in the far future
			continue
		}
		left = append(left, u) // until the replica shows it
		if tx.Part(idl.Part{Kind: "use", Table: u.table, Row: u.row, Name: u.name}) {
			tx.Update(u.table, u.row, map[string]any{"timestamp": now.UnixMilli()})
		}
	}
	a.used = left
}

// timestamp is what the row says, in milliseconds; known is false when it is gone.
func (a *Aging) timestamp(u use) (at int64, known bool) {
	if u.table == "FDB" {
		if f := a.w.SB.FDB.Get(u.row); f != nil {
			return f.Timestamp, true
		}
		return 0, false
	}
	if b := a.w.SB.MACBinding.Get(u.row); b != nil {
		return b.Timestamp, true
	}
	return 0, false
}
