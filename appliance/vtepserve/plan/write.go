package plan

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/locator"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// Inserted is a row that a transaction makes, by which its owner sees that the replica has all of it.
type Inserted struct {
	Table string
	Name  ovsdb.NamedUUID
}

// Landed tells whether the row is there.
func (p *Plan) Landed(table string, id ovsdb.UUID) bool {
	switch table {
	case "Global":
		return p.db.Global.Get(id) != nil
	case "Physical_Switch":
		return p.db.PhysicalSwitch.Get(id) != nil
	case "Physical_Port":
		return p.db.PhysicalPort.Get(id) != nil
	case "Ucast_Macs_Local":
		return p.db.UcastMacsLocal.Get(id) != nil
	case "Mcast_Macs_Local":
		return p.db.McastMacsLocal.Get(id) != nil
	case "Tunnel":
		return p.db.Tunnel.Get(id) != nil
	case "Logical_Binding_Stats":
		return p.db.LogicalBindingStats.Get(id) != nil
	}
	return true
}

// maxOps bounds a transaction.
const maxOps = 4000

// writer adds to one transaction.
type writer struct {
	*Plan
	tx       *idl.Tx
	locators locator.Refs[switchrows.PhysicalLocator]
	last     Inserted
}

// Write adds to a transaction of the switch's database what the switch has to say and the database does not have. The result is a row that is inserted, zero
// for none. What the bridge does not have is not known before it is there (Ready).
func (p *Plan) Write(tx *idl.Tx) Inserted {
	w := &writer{Plan: p, tx: tx, locators: locator.New(tx, p.db.PhysicalLocatorByDstIP, plain)}
	if p.self == nil {
		w.register()
		return w.last
	}
	w.describe()
	w.listFaults()
	if p.Ready() {
		w.ports()
		w.floods()
		if p.known {
			w.locals()
		}
		w.tunnelRows()
		w.stats()
	}
	return w.last
}

func (w *writer) insert(table string, row map[string]any) ovsdb.NamedUUID {
	name := w.tx.Insert(table, row)
	w.last = Inserted{table, name}
	return name
}

// register makes the switch's row. It lives by being in Global.switches.
func (w *writer) register() {
	self := w.insert("Physical_Switch", map[string]any{"name": w.cfg.Name, "description": w.cfg.Description,
		"management_ips": w.cfg.ManagementIPs, "tunnel_ips": []string{w.cfg.TunnelIP.String()}})
	for g := range w.db.Global.All() {
		w.tx.Mutate("Global", g.UUID, "switches", "insert", []any{self})
		return
	}
	w.tx.Insert("Global", map[string]any{"switches": []any{self}})
}

// describe keeps the switch's row.
func (w *writer) describe() {
	row := w.self
	set := map[string]any{}
	if row.Description != w.cfg.Description {
		set["description"] = w.cfg.Description
	}
	if ips := slices.Sorted(slices.Values(w.cfg.ManagementIPs)); !slices.Equal(row.ManagementIPs, ips) {
		set["management_ips"] = ips
	}
	if ips := []string{w.cfg.TunnelIP.String()}; !slices.Equal(row.TunnelIPs, ips) {
		set["tunnel_ips"] = ips
	}
	if faults := w.faults(); !slices.Equal(row.SwitchFaultStatus, faults) {
		set["switch_fault_status"] = faults
	}
	if len(set) > 0 {
		w.tx.Update("Physical_Switch", row.UUID, set)
	}
}

// ports keeps the rows of ports and their faults. The row of a port that is not at the bridge stays as long as something is bound to it: the port may come
// back, and nobody else would know of its VLANs.
func (w *writer) ports() {
	var add []any
	for _, name := range slices.Sorted(maps.Keys(w.Plan.ports)) {
		if w.rows[name] == nil {
			add = append(add, w.insert("Physical_Port", map[string]any{"name": name, "port_fault_status": w.portFaults[name]}))
		}
	}
	if len(add) > 0 {
		w.tx.Mutate("Physical_Switch", w.self.UUID, "ports", "insert", add)
	}
	var drop []ovsdb.UUID
	for _, id := range w.self.Ports {
		row := w.db.PhysicalPort.Get(id)
		if row == nil {
			continue
		}
		if _, there := w.Plan.ports[row.Name]; (!there || w.rows[row.Name] != row) && len(row.VLANBindings) == 0 {
			drop = append(drop, id)
			continue
		}
		if faults := w.portFaults[row.Name]; !slices.Equal(row.PortFaultStatus, faults) {
			w.tx.Update("Physical_Port", id, map[string]any{"port_fault_status": faults})
		}
	}
	if len(drop) > 0 {
		w.tx.Mutate("Physical_Switch", w.self.UUID, "ports", "delete", drop)
	}
}

// plain tells whether a locator is a tunnel address without a tunnel key of its own.
func plain(row *switchrows.PhysicalLocator) (ovsdb.UUID, bool) {
	return row.UUID, row.EncapsulationType == locator.VXLAN && !row.TunnelKey.OK
}

// own is the row of our tunnel address.
func (w *writer) own() any { return w.locators.To(w.cfg.TunnelIP.String()) }

// isOwn tells whether a locator is that.
func (w *writer) isOwn(id ovsdb.UUID) bool {
	row := w.db.PhysicalLocator.Get(id)
	return row != nil && row.DstIP == w.cfg.TunnelIP.String() && !row.TunnelKey.OK
}

// floods keeps Mcast_Macs_Local: whoever has a frame for a station or group that he does not know in a logical switch with a VLAN here sends us a copy.
func (w *writer) floods() {
	have := map[ovsdb.UUID]bool{}
	for row := range w.db.McastMacsLocal.All() {
		set := w.db.PhysicalLocatorSet.Get(row.LocatorSet)
		right := row.MAC == unknownDst && len(w.attached[row.LogicalSwitch]) > 0 && !have[row.LogicalSwitch] &&
			set != nil && len(set.Locators) == 1 && w.isOwn(set.Locators[0])
		if have[row.LogicalSwitch] = have[row.LogicalSwitch] || right; !right {
			w.tx.Delete("Mcast_Macs_Local", row.UUID)
		}
	}
	for _, ls := range slices.SortedFunc(maps.Keys(w.attached), ovsdb.UUID.Compare) {
		if have[ls] || w.tx.Len() > maxOps {
			continue
		}
		set := w.tx.Insert("Physical_Locator_Set", map[string]any{"locators": []any{w.own()}})
		w.insert("Mcast_Macs_Local", map[string]any{"MAC": unknownDst, "logical_switch": ls, "locator_set": set})
	}
}

// tunnelRows keeps a row for each address in use, with the status of its BFD.
func (w *writer) tunnelRows() {
	var add []any
	for _, ip := range slices.Sorted(maps.Keys(w.remotes)) {
		if w.tunnels[ip] == nil && w.tx.Len() < maxOps {
			add = append(add, w.insert("Tunnel", map[string]any{"local": w.own(), "remote": w.locators.To(ip), "bfd_config_local": bfdLocal()}))
		}
	}
	if len(add) > 0 {
		w.tx.Mutate("Physical_Switch", w.self.UUID, "tunnels", "insert", add)
	}
	var drop []ovsdb.UUID
	for _, id := range w.self.Tunnels {
		row := w.db.Tunnel.Get(id)
		if row == nil {
			continue
		}
		var ip string
		if remote := w.db.PhysicalLocator.Get(row.Remote); remote != nil {
			ip = remote.DstIP
		}
		if !w.remotes[ip] || w.tunnels[ip] != row {
			drop = append(drop, id)
			continue
		}
		w.tunnelRow(row, ip)
	}
	if len(drop) > 0 {
		w.tx.Mutate("Physical_Switch", w.self.UUID, "tunnels", "delete", drop)
	}
}

func (w *writer) tunnelRow(row *switchrows.Tunnel, ip string) {
	set := map[string]any{}
	if !w.isOwn(row.Local) {
		set["local"] = w.own()
	}
	if !maps.Equal(row.BFDConfigLocal, bfdLocal()) {
		set["bfd_config_local"] = bfdLocal()
	}
	if status := w.bfdStatus(row, ip); !maps.Equal(row.BFDStatus, status) {
		set["bfd_status"] = status
	}
	if len(set) > 0 {
		w.tx.Update("Tunnel", row.UUID, set)
	}
}
