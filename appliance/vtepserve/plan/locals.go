package plan

import (
	"cmp"
	"slices"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/internal/wire"
)

// locals keeps Ucast_Macs_Local: the stations that were learned. The table is the switch's own, so other rows go.
func (w *writer) locals() {
	have := map[station]bool{}
	elsewhere := w.elsewhere()
	for row := range w.db.UcastMacsLocal.All() {
		mac, err := wire.ParseMAC(row.MAC)
		s := station{segmentID(row.LogicalSwitch), mac}
		_, learned := w.stations[s]
		stays := learned || w.missed[s] && len(w.attached[row.LogicalSwitch]) > 0 && !elsewhere[s]
		if err != nil || have[s] || !stays || !w.isOwn(row.Locator) {
			w.tx.Delete("Ucast_Macs_Local", row.UUID)
			continue
		}
		have[s] = true
	}
	var add []station
	for s := range w.stations {
		if !have[s] {
			add = append(add, s)
		}
	}
	slices.SortFunc(add, func(a, b station) int {
		return cmp.Or(cmp.Compare(a.segment, b.segment), cmp.Compare(a.mac.Uint64(), b.mac.Uint64()))
	})
	for _, s := range add {
		ls, there := w.segments[s.segment]
		if !there {
			continue // it was unbound since
		}
		if w.tx.Len() > maxOps {
			break
		}
		w.insert("Ucast_Macs_Local", map[string]any{"MAC": s.mac.String(), "logical_switch": ls, "locator": w.own()})
	}
}

// elsewhere are the stations that the controller says to be behind other ends. It matters only while the switch does not know by itself.
func (w *writer) elsewhere() map[station]bool {
	out := map[station]bool{}
	if len(w.missed) == 0 {
		return out
	}
	for row := range w.db.UcastMacsRemote.All() {
		if mac, err := wire.ParseMAC(row.MAC); err == nil {
			out[station{segmentID(row.LogicalSwitch), mac}] = true
		}
	}
	return out
}

// stats keeps the counters of each bound VLAN. They are as old as the flows that count: they begin anew with each start of Open vSwitch.
func (w *writer) stats() {
	if w.counters == nil {
		return
	}
	for _, port := range w.rows {
		n := w.Plan.ports[port.Name].number
		add := map[int64]any{}
		for vlan := range port.VLANBindings {
			c := w.counters[bridging.Attachment{Port: n, VLAN: uint16(vlan)}]
			want := map[string]any{"packets_from_local": int64(c.PacketsFrom), "bytes_from_local": int64(c.BytesFrom),
				"packets_to_local": int64(c.PacketsTo), "bytes_to_local": int64(c.BytesTo)}
			row := w.db.LogicalBindingStats.Get(port.VLANStats[vlan])
			switch {
			case row == nil && w.tx.Len() < maxOps:
				add[vlan] = w.insert("Logical_Binding_Stats", want)
			case row == nil:
			case row.PacketsFromLocal != int64(c.PacketsFrom) || row.PacketsToLocal != int64(c.PacketsTo) ||
				row.BytesFromLocal != int64(c.BytesFrom) || row.BytesToLocal != int64(c.BytesTo):
				w.tx.Update("Logical_Binding_Stats", row.UUID, want)
			}
		}
		var drop []int64
		for vlan := range port.VLANStats {
			if _, bound := port.VLANBindings[vlan]; !bound {
				drop = append(drop, vlan)
			}
		}
		if len(drop) > 0 {
			w.tx.Mutate("Physical_Port", port.UUID, "vlan_stats", "delete", drop)
		}
		if len(add) > 0 {
			w.tx.Mutate("Physical_Port", port.UUID, "vlan_stats", "insert", add)
		}
	}
}
