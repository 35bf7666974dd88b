// Package bridge keeps the integration bridge right, and the patch ports between
// it and the bridges of physical networks (ovn-bridge-mappings): one pair for each
// localnet port of a local datapath and each l2gateway port of this chassis.
package bridge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// Keys in external_ids of the patch ports, by the kind of logical port.
const (
	localnetKey  = "ovn-localnet-port"
	l2gatewayKey = "ovn-l2gateway-port"
)

// Bridge is the writer.
type Bridge struct {
	w     *node.World
	ports *binding.Ports
	local *datapath.Local
	dirty bool
	// Unmapped are physical networks that a port asks for and no bridge is mapped to.
	Unmapped map[string]string // network -> logical port
	// MaxPrefixes is how many fields' prefixes a table of the switch can track; 0 while
	// that is unknown.
	MaxPrefixes func() int
}

// New makes the writer.
func New(w *node.World, ports *binding.Ports, local *datapath.Local) *Bridge {
	return &Bridge{w: w, ports: ports, local: local, dirty: true, Unmapped: map[string]string{}, MaxPrefixes: func() int { return 0 }}
}

// Invalidate makes the next Write compare what is there with what is wanted.
func (b *Bridge) Invalidate() { b.dirty = true }

// OnPorts follows changes of what ports are to this chassis.
func (b *Bridge) OnPorts() {
	for id := range b.ports.Changed {
		pb := b.w.SB.PortBinding.Get(id)
		b.dirty = b.dirty || pb == nil || binding.KindOf(pb) == binding.L2Gateway
	}
}

// OnRows follows changes of the ports that have patch ports.
func (b *Bridge) OnRows() {
	has := func(row *sb.PortBinding) bool {
		return row != nil && (binding.KindOf(row) == binding.L2Gateway || binding.KindOf(row) == binding.Localnet)
	}
	for _, c := range b.w.SBChanges.PortBinding {
		b.dirty = b.dirty || has(c.Old) || has(c.New)
	}
}

// OnVSW follows changes of bridges and of patch ports.
func (b *Bridge) OnVSW() {
	ch := b.w.VSWChanges
	for _, c := range ch.Port {
		b.dirty = b.dirty || marked(c.Old) != "" || marked(c.New) != ""
	}
	for _, c := range ch.Interface {
		b.dirty = b.dirty || c.Old != nil && c.Old.Type == "patch" || c.New != nil && c.New.Type == "patch"
	}
	for _, c := range ch.OpenVSwitch {
		b.dirty = b.dirty || c.Old == nil || c.New == nil || c.Old.OtherConfig[vlanLimit] != c.New.OtherConfig[vlanLimit] ||
			!maps.Equal(c.Old.Datapaths, c.New.Datapaths)
	}
	b.dirty = b.dirty || len(ch.FlowTable) > 0
	for _, c := range ch.Bridge {
		b.dirty = b.dirty || c.Old == nil || c.New == nil || c.Old.DatapathType != c.New.DatapathType || c.Old.FailMode != c.New.FailMode ||
			!maps.Equal(c.Old.FlowTables, c.New.FlowTables)
	}
}

// Pending tells whether Write has something to look at.
func (b *Bridge) Pending() bool { return b.dirty }

// Write adds to tx what the bridges lack. Nothing is removed before complete says
// that the local datapaths are known: what looks superfluous may only not have
// been asked for yet.
func (b *Bridge) Write(tx *idl.Tx, complete bool) {
	root := b.root()
	if root == nil || b.w.Config == nil {
		return
	}
	before := tx.Len()
	br := b.w.Bridge()
	if br == nil {
		b.create(tx, root)
		return
	}
	b.correct(tx, root, br)
	b.prefixes(tx, br)
	b.patch(tx, br, complete)
	if tx.Len() == before && complete {
		b.dirty = false
	}
}

func (b *Bridge) root() *vsw.OpenVSwitch {
	for row := range b.w.VSW.OpenVSwitch.All() {
		return row
	}
	return nil
}

func (b *Bridge) create(tx *idl.Tx, root *vsw.OpenVSwitch) {
	name := b.w.Config.Bridge
	b.w.Log.Info("creating integration bridge " + name)
	in := tx.Insert("Interface", map[string]any{"name": name, "type": "internal"})
	port := tx.Insert("Port", map[string]any{"name": name, "interfaces": []any{in}})
	row := map[string]any{"name": name, "ports": []any{port}, "fail_mode": "secure",
		"other_config": map[string]string{"disable-in-band": "true"}}
	row["datapath_type"] = b.datapathType("")
	tx.Comment("ovn-controller: creating integration bridge '" + name + "'")
	tx.Mutate("Open_vSwitch", root.UUID, "bridges", "insert", []any{tx.Insert("Bridge", row)})
}

// vlanLimit in the Open_vSwitch row's other_config is how many VLAN tags the switch
// looks behind. 0 is as many as it can: else ACLs do not see what a frame with two
// tags carries, and ovn-controller sets it too.
const vlanLimit = "vlan-limit"

func (b *Bridge) correct(tx *idl.Tx, root *vsw.OpenVSwitch, br *vsw.Bridge) {
	if root.OtherConfig[vlanLimit] != "0" {
		tx.Mutate("Open_vSwitch", root.UUID, "other_config", "delete", []string{vlanLimit})
		tx.Mutate("Open_vSwitch", root.UUID, "other_config", "insert", map[string]string{vlanLimit: "0"})
	}
	row := map[string]any{}
	t := b.datapathType(br.DatapathType)
	if br.DatapathType != t {
		row["datapath_type"] = t
	}
	// Open vSwitch tells in this row what the datapath can do.
	if root.Datapaths[t].IsZero() {
		tx.Comment("ovn-controller: creating bridge datapath '" + t + "'")
		tx.Mutate("Open_vSwitch", root.UUID, "datapaths", "insert",
			map[string]ovsdb.NamedUUID{t: tx.Insert("Datapath", map[string]any{})})
	}
	// Any other fail mode makes Open vSwitch forward by itself without a controller.
	if br.FailMode.Or("") != "secure" {
		row["fail_mode"] = "secure"
		b.w.Log.Info("integration bridge fail-mode set to secure")
	}
	if len(row) > 0 {
		tx.Update("Bridge", br.UUID, row)
	}
}

// datapathType is the one configured, or else the one that the bridge has, or
// else the one that Open vSwitch takes when it is not told.
func (b *Bridge) datapathType(has string) string {
	return cmp.Or(b.w.Config.DatapathType, has, "system")
}

// end is one side of a pair of patch ports.
type end struct {
	bridge     string
	name, peer string
	key, lport string
}

func (b *Bridge) wanted(br *vsw.Bridge) map[string]end {
	out := map[string]end{}
	before := b.Unmapped
	b.Unmapped = map[string]string{}
	add := func(pb *sb.PortBinding, key string) {
		network := pb.Options["network_name"]
		target, ok := b.w.Config.BridgeOf(network)
		if !ok || b.w.VSW.BridgeByName.One(target) == nil {
			if _, said := before[network]; !said && b.Unmapped[network] == "" {
				b.w.Log.Info(fmt.Sprintf("port %s asks for the physical network %q, which external_ids:ovn-bridge-mappings leads to no bridge "+
					"of this host: a switch with it is reached by tunnel from here, an l2gateway port not at all", pb.LogicalPort, network))
			}
			b.Unmapped[network] = pb.LogicalPort
			return
		}
		here, there := here(br, pb.LogicalPort), "patch-"+pb.LogicalPort+"-to-"+br.Name
		out[here] = end{br.Name, here, there, key, pb.LogicalPort}
		out[there] = end{target, there, here, key, pb.LogicalPort}
	}
	for dp := range b.local.All() {
		for _, pb := range b.local.Localnets(dp) {
			add(pb, localnetKey)
		}
	}
	for _, pb := range b.w.SB.PortBindingByType.Get("l2gateway") {
		if b.ports.Get(pb.UUID).Place == binding.Main {
			add(pb, l2gatewayKey)
		}
	}
	return out
}

func (b *Bridge) patch(tx *idl.Tx, br *vsw.Bridge, complete bool) {
	wanted := b.wanted(br)
	drop := map[ovsdb.UUID][]ovsdb.UUID{}
	for bridge := range b.w.VSW.Bridge.All() {
		for _, id := range bridge.Ports {
			p := b.w.VSW.Port.Get(id)
			if p == nil {
				continue
			}
			e, ok := wanted[p.Name]
			ours := b.ours(br, bridge, p)
			if ok && e.bridge == bridge.Name && b.right(p, e, ours) {
				delete(wanted, p.Name)
				continue
			}
			if !ours {
				continue
			}
			if !complete {
				delete(wanted, p.Name) // its name is taken
				continue
			}
			drop[bridge.UUID] = append(drop[bridge.UUID], id)
		}
	}
	for bridge, ids := range drop {
		tx.Mutate("Bridge", bridge, "ports", "delete", ids)
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		e := wanted[name]
		in := tx.Insert("Interface", map[string]any{"name": name, "type": "patch", "options": map[string]string{"peer": e.peer}})
		port := tx.Insert("Port", map[string]any{"name": name, "interfaces": []any{in}, "external_ids": map[string]string{e.key: e.lport}})
		tx.Comment("ovn-controller: creating patch port '" + name + "'")
		tx.Mutate("Bridge", b.w.VSW.BridgeByName.One(e.bridge).UUID, "ports", "insert", []any{port})
	}
}

// marked is the logical port that a patch port of a controller is for, "" for another port.
func marked(p *vsw.Port) string {
	if p == nil {
		return ""
	}
	return cmp.Or(p.ExternalIDs[localnetKey], p.ExternalIDs[l2gatewayKey])
}

// ours tells whether a patch port is an end of a pair of the integration bridge br.
// Other controllers on this host have pairs to integration bridges of their own.
func (b *Bridge) ours(br, on *vsw.Bridge, p *vsw.Port) bool {
	lport := marked(p)
	if lport == "" || on.UUID == br.UUID {
		return lport != ""
	}
	for _, id := range p.Interfaces {
		in := b.w.VSW.Interface.Get(id)
		if in == nil || in.Type != "patch" {
			continue
		}
		if in.Options["peer"] == here(br, lport) {
			return true
		}
		if peer := b.w.VSW.PortByName.One(in.Options["peer"]); peer != nil && slices.Contains(br.Ports, peer.UUID) {
			return true
		}
	}
	return false
}

// here names the end on the integration bridge of the pair for a logical port.
func here(br *vsw.Bridge, lport string) string { return "patch-" + br.Name + "-to-" + lport }

// right tells whether a port does as an end. One that somebody else made does too,
// and stays his.
func (b *Bridge) right(p *vsw.Port, e end, ours bool) bool {
	if ours && p.ExternalIDs[e.key] != e.lport || len(p.Interfaces) != 1 {
		return false
	}
	in := b.w.VSW.Interface.Get(p.Interfaces[0])
	return in != nil && in.Type == "patch" && in.Options["peer"] == e.peer
}
