package zones

import (
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// limitKey says how many connections a zone may have (OVN 24.03 and later): in the
// external_ids of a datapath, for its zones and the ports of a switch, and in the
// options of a port of a switch, which win.
const limitKey = "ct-zone-limit"

// limits keeps the limits of zones in the row of the integration bridge's datapath,
// Datapath.ct_zones (ovs-vswitchd.conf.db(5)). Zones that are not given here are
// somebody else's.
type limits struct {
	z     *Zones
	dirty bool
	can   func() bool     // whether Open vSwitch has limits
	used  bool            // there has been a limit, so changes of zones matter
	ours  map[uint16]bool // zones that were given a limit here
}

func limitOf(m map[string]string) (int64, bool) {
	n, err := strconv.ParseUint(m[limitKey], 10, 32)
	return int64(n), err == nil
}

// onRows follows changes of Port_Binding and Datapath_Binding.
func (l *limits) onRows(w *node.World) {
	mark := func(before, after map[string]string) {
		if before[limitKey] != after[limitKey] {
			l.dirty, l.used = true, true
		}
	}
	ids := func(row *sb.DatapathBinding) map[string]string {
		if row == nil {
			return nil
		}
		return row.ExternalIDs
	}
	options := func(row *sb.PortBinding) map[string]string {
		if row == nil {
			return nil
		}
		return row.Options
	}
	for _, c := range w.SBChanges.DatapathBinding {
		mark(ids(c.Old), ids(c.New))
	}
	for _, c := range w.SBChanges.PortBinding {
		mark(options(c.Old), options(c.New))
	}
}

// onVSW follows changes of what others may do to the limits.
func (l *limits) onVSW(w *node.World) {
	ch := w.VSWChanges
	l.dirty = l.dirty || l.used && len(ch.Datapath)+len(ch.CTZone) > 0
	for _, c := range ch.Bridge {
		l.dirty = l.dirty || c.Old == nil || c.New == nil || c.Old.DatapathType != c.New.DatapathType
	}
}

// wanted are the limits by zone.
func (l *limits) wanted() map[uint16]int64 {
	out := map[uint16]int64{}
	put := func(name string, limit int64, ok bool) {
		if zone := l.z.byName[name]; ok && zone != 0 {
			out[zone] = limit
		}
	}
	for dp := range l.z.local.All() {
		if row := l.z.w.SB.DatapathBinding.Get(dp); row != nil {
			limit, ok := limitOf(row.ExternalIDs)
			put(DNAT(dp), limit, ok)
			put(SNAT(dp), limit, ok)
		}
	}
	for name := range l.z.byName {
		pb := l.z.w.SB.PortBindingByLogicalPort.One(name)
		if pb == nil {
			continue
		}
		row := l.z.w.SB.DatapathBinding.Get(pb.Datapath)
		if row == nil || !datapath.IsSwitch(row) {
			continue
		}
		limit, ok := limitOf(pb.Options)
		if !ok {
			limit, ok = limitOf(row.ExternalIDs)
		}
		put(name, limit, ok)
	}
	return out
}

// write adds what Open vSwitch's rows lack to tx.
func (l *limits) write(tx *idl.Tx) {
	dp := l.z.w.Datapath()
	if dp == nil {
		return // package bridge is about to make it
	}
	wanted := l.wanted()
	key := node.RefusalKey{Table: "Datapath", Row: dp.UUID, Part: limitKey}
	if !l.can() {
		l.dirty = false
		if len(wanted) == 0 {
			l.z.w.Refuse(key)
		} else {
			l.z.w.Refuse(key, "ct-zone-limit is not in force: this Open vSwitch cannot limit conntrack zones; 3.3 and later can")
		}
		return
	}
	l.z.w.Refuse(key)
	before := tx.Len()
	for zone, limit := range wanted {
		l.ours[zone], l.used = true, true
		row := l.z.w.VSW.CTZone.Get(dp.CTZones[int64(zone)])
		switch {
		case row == nil:
			tx.Mutate("Datapath", dp.UUID, "ct_zones", "insert",
				map[int64]ovsdb.NamedUUID{int64(zone): tx.Insert("CT_Zone", map[string]any{"limit": limit})})
		case !row.Limit.OK || row.Limit.V != limit:
			tx.Update("CT_Zone", row.UUID, map[string]any{"limit": limit})
		}
	}
	for n, id := range dp.CTZones {
		zone := uint16(n)
		row := l.z.w.VSW.CTZone.Get(id)
		if _, keep := wanted[zone]; keep || row == nil || !row.Limit.OK || !l.z.known || !l.ours[zone] && !l.z.given(zone) {
			continue
		}
		if !row.TimeoutPolicy.IsZero() {
			tx.Update("CT_Zone", id, map[string]any{"limit": nil})
		} else {
			tx.Mutate("Datapath", dp.UUID, "ct_zones", "delete", []int64{n})
		}
	}
	if tx.Len() == before && l.z.known {
		l.dirty = false
	}
}

// given tells whether somebody here has a zone.
func (z *Zones) given(zone uint16) bool { return z.auto[zone] != "" || z.requested[zone] > 0 }
