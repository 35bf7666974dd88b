package slowpath

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/sb"
)

// writeNeighbors writes MAC_Binding rows. The timestamp (milliseconds) is of OVN
// 22.12 and later; a database without it gets the rest.
func (t *transaction) writeNeighbors() {
	t.neighbors.drain(t.now, t.Tx, subject[punt.NeighborKey]{"neighbor", "MAC_Binding", func(k punt.NeighborKey) string {
		return fmt.Sprintf("neighbor %s behind port %d of datapath %d", k.IP, k.Port.Port, k.Port.Datapath)
	}}, func(k punt.NeighborKey, l lesson) (there string, write func()) {
		pb := t.port(k.Port)
		if pb == nil {
			return "", nil
		}
		mac, ip := l.mac.String(), k.IP.String()
		values := map[string]any{"mac": mac, "timestamp": t.now.UnixMilli()}
		row := t.sb.MACBindingByLogicalPortIP.One(sb.MACBindingByLogicalPortIPKey{LogicalPort: pb.LogicalPort, IP: ip})
		switch {
		case row == nil && l.updateOnly, row != nil && row.MAC == mac:
			return "", nil
		case row != nil:
			return row.MAC, func() { t.Update("MAC_Binding", row.UUID, values) }
		}
		values["logical_port"], values["datapath"], values["ip"] = pb.LogicalPort, pb.Datapath, ip
		return "", func() { t.Insert("MAC_Binding", values) }
	}, t.refuse)
}

// writeStations writes FDB rows.
func (t *transaction) writeStations() {
	t.stations.drain(t.now, t.Tx, subject[stationKey]{"station", "FDB", func(k stationKey) string {
		return fmt.Sprintf("station %s of datapath %d", k.mac, k.datapath)
	}}, func(k stationKey, port uint32) (there int64, write func()) {
		seen := t.port(punt.Key{Datapath: k.datapath, Port: port})
		if seen == nil {
			return 0, nil
		}
		values := map[string]any{"port_key": int64(port), "timestamp": t.now.UnixMilli()}
		row := t.rows.station(k)
		if row == nil {
			values["dp_key"], values["mac"] = int64(k.datapath), k.mac.String()
			return 0, func() { t.Insert("FDB", values) }
		}
		localnet := binding.KindOf(seen) == binding.Localnet
		if row.PortKey == int64(port) || localnet && t.isVIF(row) {
			return 0, nil
		}
		return row.PortKey, func() {
			if localnet { // another chassis may just have found the station behind a VIF
				t.Wait("FDB", row.UUID, map[string]any{"port_key": row.PortKey})
			}
			t.Update("FDB", row.UUID, values)
		}
	}, t.refuse)
}

// isVIF tells whether a station is behind a VIF. Then it stays there: what the VIF
// sends comes back through the physical network, and must not be taken for a station
// behind that.
func (t *transaction) isVIF(row *sb.FDB) bool {
	owner := t.rows.port(punt.Key{Datapath: uint32(row.DPKey), Port: uint32(row.PortKey)})
	return owner != nil && owner.Type == ""
}
