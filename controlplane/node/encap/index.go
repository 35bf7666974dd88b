package encap

import (
	"strings"

	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// indexPrefix is how a key in other_config of the Open_vSwitch row begins that gives
// the controller of the chassis named behind it an index. Controllers of one host
// tell their tunnel ports from each other's by it: it stands in the ports' names.
const indexPrefix = "ovn-chassis-idx-"

// indices are what there is to give; the first controller of a host has none in its names.
const indices = "0123456789abcdefghijklmnopqrstuvwxyz"

func (t *Tunnels) indexKey() string { return indexPrefix + t.w.Config.Chassis }

func (t *Tunnels) root() *vsw.OpenVSwitch {
	for row := range t.w.VSW.OpenVSwitch.All() {
		return row
	}
	return nil
}

// index is the index of this chassis. Where it has none yet it takes the first that is free.
func (t *Tunnels) index(tx *idl.Tx, root *vsw.OpenVSwitch) string {
	if v, ok := root.OtherConfig[t.indexKey()]; ok {
		return v
	}
	taken := map[string]bool{}
	for k, v := range root.OtherConfig {
		if strings.HasPrefix(k, indexPrefix) {
			taken[v] = true
		}
	}
	for _, v := range append([]string{""}, strings.Split(indices, "")...) {
		if !taken[v] {
			tx.Mutate("Open_vSwitch", root.UUID, "other_config", "insert", map[string]string{t.indexKey(): v})
			return v
		}
	}
	t.w.Log.Warn("all chassis indices are taken: remove those of chassis that this host does not have any more " +
		"from other_config:ovn-chassis-idx-* of the Open_vSwitch row")
	return "_" // no prefix of a name that another controller makes
}

// leaveOthers removes our tunnel ports, which are known by how their names begin, from
// bridges that were our integration bridge before. Open vSwitch cannot have the same
// tunnel twice. It returns the ports that go.
func (t *Tunnels) leaveOthers(tx *idl.Tx, root *vsw.OpenVSwitch, br *vsw.Bridge, prefix string) (all []ovsdb.UUID) {
	for other := range t.w.VSW.Bridge.All() {
		if other.UUID == br.UUID || t.anothers(root, other.Name) {
			continue
		}
		var drop []ovsdb.UUID
		for _, id := range other.Ports {
			p := t.w.VSW.Port.Get(id)
			if p == nil || p.ExternalIDs[idKey] == "" || !strings.HasPrefix(p.Name, prefix) {
				continue
			}
			t.w.Log.Info(`Clearing old tunnel port "` + p.Name + `" (` + p.ExternalIDs[idKey] + `) from bridge "` + other.Name + `".`)
			drop = append(drop, id)
		}
		if len(drop) > 0 {
			tx.Mutate("Bridge", other.UUID, "ports", "delete", drop)
			all = append(all, drop...)
		}
	}
	return all
}

// anothers tells whether a bridge is the integration bridge of another chassis of this
// host by that chassis's own setting.
func (t *Tunnels) anothers(root *vsw.OpenVSwitch, bridge string) bool {
	const key = "ovn-bridge-"
	for k := range root.OtherConfig {
		name, ok := strings.CutPrefix(k, indexPrefix)
		if ok && name != t.w.Config.Chassis && root.ExternalIDs[key+name] == bridge {
			return true
		}
	}
	return false
}

// Remove adds the removal of all tunnel ports and of the index to tx, for a graceful exit.
func (t *Tunnels) Remove(tx *idl.Tx) {
	if root := t.root(); root != nil && t.w.Config != nil {
		if _, ok := root.OtherConfig[t.indexKey()]; ok {
			tx.Mutate("Open_vSwitch", root.UUID, "other_config", "delete", []string{t.indexKey()})
		}
	}
	br := t.w.Bridge()
	if br == nil {
		return
	}
	var drop []ovsdb.UUID
	for _, id := range br.Ports {
		if p := t.w.VSW.Port.Get(id); p != nil && p.ExternalIDs[idKey] != "" {
			drop = append(drop, id)
		}
	}
	if len(drop) > 0 {
		tx.Comment("ovn-controller: destroying tunnels")
		tx.Mutate("Bridge", br.UUID, "ports", "delete", drop)
	}
}
