package vtepdb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// maxOps bounds a transaction: a switch's database server is a small machine, and does nothing else meanwhile.
const maxOps = 4000

// unknownDst is the MAC address of Mcast_Macs_Remote that stands for everything that is not known (vtep(5)).
const unknownDst = "unknown-dst"

// writer adds to one transaction.
type writer struct {
	*Planner
	tx       *idl.Tx
	locators map[string]any // by address: UUID or NamedUUID
	first    Inserted
}

// Inserted is a row that a transaction makes, by which one can tell that the replica has the transaction.
type Inserted struct {
	Table string
	Name  ovsdb.NamedUUID // "" for none
}

func (w *writer) inserted(table string, name ovsdb.NamedUUID) {
	if w.first.Name == "" {
		w.first = Inserted{table, name}
	}
}

// Write adds to tx what is to be different in the switch's database, up to a bound. whole: there is no more. It must not be called
// while the replica lacks what an earlier transaction did: what the replica shows decides what is written.
func (p *Planner) Write(tx *idl.Tx) (first Inserted, whole bool) {
	if p.owner == "" || p.identity == "" {
		return Inserted{}, true
	}
	w := &writer{Planner: p, tx: tx, locators: map[string]any{}}
	w.writeRecord()
	for ls := range p.ls {
		if !w.writeLogicalSwitch(ls) {
			delete(p.ls, ls)
		}
	}
	for ls := range p.floods {
		if tx.Len() >= maxOps {
			return w.first, false
		}
		if !w.writeFlood(ls) {
			delete(p.floods, ls)
		}
	}
	for k := range p.macs {
		if tx.Len() >= maxOps {
			return w.first, false
		}
		if !w.writeMAC(k) {
			delete(p.macs, k)
			p.released(k)
		}
	}
	if len(p.macs) == 0 {
		p.macs = map[macKey]bool{} // a map never gets smaller
	}
	return w.first, true
}

// released looks at a logical switch that is given up: its mark goes with the last of its rows.
func (p *Planner) released(k macKey) {
	if ls := p.db.LogicalSwitch.Get(k.ls); ls != nil && p.mine(ls) && p.bound[ls.Name] == nil {
		p.ls[k.ls] = true
	}
}

// HasWork tells whether Write has something to look at.
func (p *Planner) HasWork() bool {
	if p.owner == "" || p.identity == "" {
		return false
	}
	return p.recordDiffers() || len(p.ls)+len(p.floods)+len(p.macs) > 0
}

// writeLogicalSwitch takes a row that is bound, and gives up one that is not any more.
func (w *writer) writeLogicalSwitch(id ovsdb.UUID) bool {
	row := w.db.LogicalSwitch.Get(id)
	if row == nil {
		return false
	}
	part := func() bool {
		return w.tx.Part(idl.Part{Kind: "logical switch", Table: "Logical_Switch", Row: id, Name: "logical switch " + row.Name})
	}
	if b := w.bound[row.Name]; b != nil && b.ls == id {
		key := w.keys[b.dp]
		if !b.usable || w.mine(row) && row.TunnelKey == ovsdb.Some(key) && row.ReplicationMode == ovsdb.Some(w.mode) {
			return false
		}
		if part() {
			w.tx.Update("Logical_Switch", id, map[string]any{"tunnel_key": key, "replication_mode": w.mode})
			if !w.mine(row) {
				w.tx.Mutate("Logical_Switch", id, "other_config", "insert", map[string]string{ownerKey: w.owner})
			}
		}
		return true
	}
	if !w.mine(row) {
		return false
	}
	empty := !w.hasRows(id)
	if !row.TunnelKey.OK && !row.ReplicationMode.OK && !empty {
		return false // looked at again when the last row is gone
	}
	if part() {
		w.tx.Update("Logical_Switch", id, map[string]any{"tunnel_key": nil, "replication_mode": nil})
		if empty {
			w.tx.Mutate("Logical_Switch", id, "other_config", "delete", []string{ownerKey})
		}
	}
	return true
}

// hasRows tells whether a logical switch has rows from here.
func (p *Planner) hasRows(ls ovsdb.UUID) bool {
	return slices.ContainsFunc(p.db.UcastMacsRemoteByLogicalSwitch.Get(ls), func(r *rows.UcastMacsRemote) bool { return p.known(p.dstIP(r.Locator)) }) ||
		slices.ContainsFunc(p.db.McastMacsRemoteByLogicalSwitch.Get(ls), func(r *rows.McastMacsRemote) bool {
			return r.MAC == unknownDst && p.fromHere(p.flood(r))
		})
}

// flood is the addresses that a row of Mcast_Macs_Remote leads to.
func (p *Planner) flood(row *rows.McastMacsRemote) map[string]bool {
	out := map[string]bool{}
	if set := p.db.PhysicalLocatorSet.Get(row.LocatorSet); set != nil {
		for _, l := range set.Locators {
			out[p.dstIP(l)] = true
		}
	}
	return out
}

func (p *Planner) fromHere(ips map[string]bool) bool {
	for ip := range ips {
		if !p.known(ip) {
			return false
		}
	}
	return true
}

// floodWanted is where frames of a logical switch go whose destination is not known: every chassis that has a port there, or the
// nodes that give them to these.
func (p *Planner) floodWanted(ls *rows.LogicalSwitch) map[string]bool {
	want := map[string]bool{}
	without := map[string]bool{}
	b := p.bound[ls.Name]
	if b != nil && b.ls == ls.UUID && b.usable && p.segments[b.dp] != nil {
		for id := range p.segments[b.dp].hosts {
			if ip, ok := p.reach(id); ok {
				want[ip] = true
			} else if c, there := p.chassis[id]; there && c.IP == "" {
				without[c.Name] = true
			}
		}
	}
	text := ""
	if len(without) > 0 {
		text = fmt.Sprintf("VTEP tunnel encap on chassis (%s) not found: no switch reaches the ports of logical switch %s there. Give the chassis one: "+
			"ovs-vsctl set open . external_ids:ovn-encap-type=geneve,vxlan", strings.Join(sortedKeys(without), ", "), ls.Name)
	}
	p.problems.set(noVXLAN, ls.Name, text)
	return p.replicated(ls, b, want)
}

// writeFlood keeps the row of unknown destinations.
func (w *writer) writeFlood(id ovsdb.UUID) bool {
	ls := w.db.LogicalSwitch.Get(id)
	if ls == nil || !w.managed(ls) {
		return false
	}
	want := w.floodWanted(ls)
	var keep *rows.McastMacsRemote
	var old []*rows.McastMacsRemote
	fits := false
	foreign := ""
	for _, row := range byUUID(w.db.McastMacsRemoteByLogicalSwitch.Get(id), func(r *rows.McastMacsRemote) ovsdb.UUID { return r.UUID }) {
		if row.MAC != unknownDst {
			continue // a group's: not from here
		}
		has := w.flood(row)
		switch {
		case !w.fromHere(has):
			foreign = fmt.Sprintf("unknown destinations of logical switch %s go to %s by a row of somebody else, which stays; here it would be %s. If nobody needs it: "+
				"vtep-ctl del-mcast-remote %s unknown-dst vxlan_over_ipv4 ADDRESS", ls.Name, strings.Join(sortedKeys(has), ", "), strings.Join(sortedKeys(want), ", "), ls.Name)
		case keep == nil || !fits && maps.Equal(has, want):
			if keep != nil {
				old = append(old, keep)
			}
			keep, fits = row, maps.Equal(has, want)
		default:
			old = append(old, row)
		}
	}
	if w.problems.set(floodForeign, ls.Name, foreign); foreign != "" {
		clear(want)
	}
	if keep != nil && len(want) == 0 {
		old, keep = append(old, keep), nil
	}
	change := len(want) > 0 && (keep == nil || !fits)
	if len(old) == 0 && !change {
		w.released(macKey{ls: id})
		return false
	}
	if !w.tx.Part(idl.Part{Kind: "flood", Table: "Mcast_Macs_Remote", Name: "the unknown destinations of logical switch " + ls.Name}) {
		return true
	}
	for _, row := range old {
		w.tx.Delete("Mcast_Macs_Remote", row.UUID)
	}
	if !change {
		return true
	}
	var members []any
	for _, ip := range sortedKeys(want) {
		members = append(members, w.locator(ip))
	}
	set := w.tx.Insert("Physical_Locator_Set", map[string]any{"locators": members})
	if keep != nil {
		w.tx.Update("Mcast_Macs_Remote", keep.UUID, map[string]any{"locator_set": set})
		w.inserted("Physical_Locator_Set", set)
	} else {
		w.inserted("Mcast_Macs_Remote", w.tx.Insert("Mcast_Macs_Remote", map[string]any{"MAC": unknownDst, "logical_switch": id, "locator_set": set}))
	}
	return true
}

// locator is the row of a tunnel address. The server collects those to which no row leads.
func (w *writer) locator(ip string) any {
	if l, ok := w.locators[ip]; ok {
		return l
	}
	for _, row := range w.db.PhysicalLocatorByDstIP.Get(ip) {
		if row.EncapsulationType == vxlanOverIPv4 && !row.TunnelKey.OK {
			w.locators[ip] = row.UUID
			return row.UUID
		}
	}
	name := w.tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": vxlanOverIPv4, "dst_ip": ip})
	w.locators[ip] = name
	return name
}

const vxlanOverIPv4 = "vxlan_over_ipv4"
