package vtepdb

import (
	"math"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/locator"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// maxOps bounds a transaction: a switch's database server is a small machine, and does nothing else meanwhile.
const maxOps = 4000

// writer adds to one transaction.
type writer struct {
	*Planner
	tx       *idl.Tx
	locators locator.Refs[rows.PhysicalLocator]
	created  map[string]bool
	first    Inserted
	preview  bool // the transaction is not sent
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
	clear(p.drift.own)
	w := p.writer(tx)
	whole = w.write(maxOps)
	return w.first, whole
}

// Preview adds to tx all that is to be different, for a transaction that is only looked at.
func (p *Planner) Preview(tx *idl.Tx) {
	if p.owner != "" && p.identity != "" {
		w := p.writer(tx)
		w.preview = true
		w.write(math.MaxInt)
	}
}

func (p *Planner) writer(tx *idl.Tx) *writer {
	return &writer{Planner: p, tx: tx, locators: locator.New(tx, p.db.PhysicalLocatorByDstIP, plain), created: map[string]bool{}}
}

// write adds operations up to a bound. It is false when there is more.
func (w *writer) write(limit int) (whole bool) {
	p := w.Planner
	w.writeRecord()
	for sw := range p.vlans {
		if !w.provision(sw) {
			delete(p.vlans, sw)
		}
	}
	for ls := range p.ls {
		if !w.writeLogicalSwitch(ls) {
			delete(p.ls, ls)
			delete(p.drift.touched, ls)
		}
	}
	for id := range p.tunnels {
		if !w.writeTunnel(id) {
			delete(p.tunnels, id)
			delete(p.drift.touched, id)
		}
	}
	for _, of := range []struct {
		keys  map[macKey]bool
		write func(macKey) bool
	}{{p.floods, w.writeFlood}, {p.macs, w.writeMAC}} {
		for k := range of.keys {
			if w.tx.Len() >= limit {
				return false
			}
			if !of.write(k) {
				delete(of.keys, k)
				delete(p.drift.touched, k)
				p.released(k)
			}
		}
	}
	if len(p.macs) == 0 {
		p.macs = map[macKey]bool{} // a map never gets smaller
	}
	return true
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
	return p.recordDiffers() || len(p.vlans)+len(p.ls)+len(p.tunnels)+len(p.floods)+len(p.macs) > 0
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
			w.wrote(id, "logical switch "+row.Name)
		}
		return true
	}
	if w.remove(row) {
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
		w.wrote(id, "logical switch "+row.Name)
	}
	return true
}

// hasRows tells whether a logical switch has rows from here.
func (p *Planner) hasRows(ls ovsdb.UUID) bool {
	return slices.ContainsFunc(p.db.UcastMacsRemoteByLogicalSwitch.Get(ls), func(r *rows.UcastMacsRemote) bool { return p.known(p.dstIP(r.Locator)) }) ||
		slices.ContainsFunc(p.db.McastMacsRemoteByLogicalSwitch.Get(ls), func(r *rows.McastMacsRemote) bool {
			_, ok := readGroup(r.MAC)
			return ok && p.fromHere(p.flood(r))
		})
}

// plain tells whether a locator is a tunnel address without a tunnel key of its own.
func plain(row *rows.PhysicalLocator) (ovsdb.UUID, bool) {
	return row.UUID, row.EncapsulationType == locator.VXLAN && !row.TunnelKey.OK
}
