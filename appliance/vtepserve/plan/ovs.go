package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// secure is the fail_mode of a bridge that does nothing but what its flows say.
const secure = "secure"

// isSecure tells whether ovs-vswitchd has the bridge in that mode. It removes all flows when the mode changes.
func (p *Plan) isSecure() bool {
	if p.bridge == nil || p.bridge.FailMode.Or("") != secure {
		return false
	}
	for root := range p.ovs.OpenVSwitch.All() {
		return p.secured || root.CurCfg >= root.NextCfg
	}
	return false
}

// WriteOVS adds to a transaction of Open vSwitch's database what makes the bridge's settings and tunnel ports right. One that is right, or can be made so in
// place, keeps its number. A bridge without flows must drop everything (fail_mode secure), or it would bridge all with all after each start.
// The result is the name of an inserted port, "" for none.
func (p *Plan) WriteOVS(tx *idl.Tx) (inserted string) {
	if p.bridge == nil {
		return ""
	}
	if p.bridge.FailMode.Or("") != secure {
		tx.Update("Bridge", p.bridge.UUID, map[string]any{"fail_mode": secure})
		for root := range p.ovs.OpenVSwitch.All() {
			tx.Mutate("Open_vSwitch", root.UUID, "next_cfg", "+=", 1) // so that cur_cfg tells when it is applied
		}
	}
	wanted := p.wantedPorts()
	var drop []ovsdb.UUID
	for _, id := range p.bridge.Ports {
		row := p.ovs.Port.Get(id)
		if row == nil || row.ExternalIDs[ownKey] == "" {
			continue
		}
		to := row.ExternalIDs[ownKey]
		w, ok := wanted[to]
		if !ok || row.Name != w.name || len(row.Interfaces) != 1 {
			drop = append(drop, id)
			continue
		}
		delete(wanted, to)
		in := p.ovs.Interface.Get(row.Interfaces[0])
		set := map[string]any{}
		switch {
		case in == nil:
			continue
		case in.Type != "vxlan":
			set["type"] = "vxlan"
		}
		if !maps.Equal(in.Options, w.options) {
			set["options"] = w.options
		}
		if !maps.Equal(in.BFD, w.bfd) {
			set["bfd"] = w.bfd
		}
		if len(set) > 0 {
			tx.Update("Interface", in.UUID, set)
		}
	}
	var taken []Problem
	var add []any
	for _, to := range slices.Sorted(maps.Keys(wanted)) {
		w := wanted[to]
		if other := p.ovs.PortByName.One(w.name); other != nil && !slices.Contains(drop, other.UUID) {
			taken = append(taken, Problem{"tunnel-port", fmt.Sprintf("there is a port %s in Open vSwitch that is not of this switch: ovs-vsctl del-port %[1]s", w.name)})
			continue
		}
		in := tx.Insert("Interface", map[string]any{"name": w.name, "type": "vxlan", "options": w.options, "bfd": w.bfd})
		add = append(add, tx.Insert("Port", map[string]any{"name": w.name, "interfaces": []any{in}, "external_ids": map[string]string{ownKey: to}}))
		inserted = w.name
	}
	p.problems["tunnel ports"] = taken
	if len(drop) > 0 {
		tx.Mutate("Bridge", p.bridge.UUID, "ports", "delete", drop)
	}
	if len(add) > 0 {
		tx.Mutate("Bridge", p.bridge.UUID, "ports", "insert", add)
	}
	if tx.Len() > 0 {
		tx.Comment("sluice vtep serve: " + p.cfg.Name)
	}
	return inserted
}
