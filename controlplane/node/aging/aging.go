// Package aging keeps MAC_Binding and FDB rows that this chassis uses from aging.
//
// ovn-northd removes a row when its timestamp is older than the threshold of its
// datapath, which it states in Datapath_Binding.external_ids (OVN 23.09 and later):
// mac_binding_age_threshold of routers, fdb_age_threshold of switches. Whoever sees
// packets of a neighbour or a station makes the row's timestamp new. They are seen by
// rules of their own: those of mac_cache_use for neighbours, and those that look
// stations up. The switch is asked about these rules, and only while something local
// ages. As in ovn-controller, that is every 3/16 of the shortest threshold, and a
// timestamp younger than that is left alone (OVN's controller/mac-cache.c).
package aging

import (
	"strconv"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// The stages whose rules show what is used.
const (
	NeighbourStage = ir.MACCacheUse
	StationStage   = ir.LookupFDB
)

// OfNeighbours is the age at which MAC_Binding rows of a datapath are removed; 0 for
// never.
func OfNeighbours(dp *sb.DatapathBinding) time.Duration {
	return threshold(dp, "mac_binding_age_threshold")
}

// OfStations is OfNeighbours for FDB rows.
func OfStations(dp *sb.DatapathBinding) time.Duration { return threshold(dp, "fdb_age_threshold") }

// threshold reads seconds. ovn-northd writes numbers that fit; anything else it does
// not act upon either.
func threshold(dp *sb.DatapathBinding, key string) time.Duration {
	if dp == nil {
		return 0
	}
	n, err := strconv.ParseUint(dp.ExternalIDs[key], 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// pause is how often use is looked for, and how old a timestamp must be to be made
// new. Twice that and the delays between are well below the threshold.
func pause(threshold time.Duration) time.Duration { return 3 * threshold / 16 }

// Aging is the node.
type Aging struct {
	w     *node.World
	local *datapath.Local
	set   *rules.Set

	// Stamped tells whether rows of a table of the Southbound database have a timestamp.
	// Before OVN 24.03 those of FDB have none.
	Stamped func(table string) bool

	thresholds map[ovsdb.UUID]thresholds // of local datapaths, those that have any
	period     time.Duration             // between questions; 0 for none
	asked      time.Time
	used       []use // waiting for Write
}

type thresholds struct{ neighbours, stations time.Duration }

// New makes the node. set has the rules of the rows.
func New(w *node.World, local *datapath.Local, set *rules.Set) *Aging {
	return &Aging{w: w, local: local, set: set, Stamped: func(string) bool { return true }}
}

// OnRows follows changes of Datapath_Binding rows.
func (a *Aging) OnRows() {
	if len(a.w.SBChanges.DatapathBinding) > 0 {
		a.Recompute()
	}
}

// OnDatapaths follows changes of the local datapaths.
func (a *Aging) OnDatapaths() {
	if len(a.local.Added)+len(a.local.Removed) > 0 {
		a.Recompute()
	}
}

// Recompute reads the thresholds of all local datapaths.
func (a *Aging) Recompute() {
	a.thresholds, a.period = map[ovsdb.UUID]thresholds{}, 0
	for dp := range a.local.All() {
		row := a.w.SB.DatapathBinding.Get(dp)
		t := thresholds{OfNeighbours(row), OfStations(row)}
		if t == (thresholds{}) {
			continue
		}
		a.thresholds[dp] = t
		for _, d := range []time.Duration{t.neighbours, t.stations} {
			if p := pause(d); p > 0 && (a.period == 0 || p < a.period) {
				a.period = p
			}
		}
	}
}

// Next is when Ask will be true; zero for never.
func (a *Aging) Next() time.Time {
	if a.period == 0 {
		return time.Time{}
	}
	return a.asked.Add(a.period)
}

// Ask tells whether the targets are to be asked for use now. It is true once in each
// period.
func (a *Aging) Ask() bool {
	now := a.w.Now()
	if a.period == 0 || now.Before(a.Next()) {
		return false
	}
	a.asked = now
	return true
}
