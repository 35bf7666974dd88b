// Package iface knows the interfaces of the integration bridge: which logical
// port each belongs to (external_ids:iface-id), which logical localnet or
// l2gateway port its patch port stands for, and which tunnel it is.
package iface

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Table is the datum: the interfaces on the integration bridge by their roles.
type Table struct {
	w      *node.World
	bridge string
	member map[ovsdb.UUID]ovsdb.UUID // interface -> port, of the integration bridge
	rows   map[ovsdb.UUID]*vsw.Interface
	byID   map[string][]*vsw.Interface // iface-id -> interfaces, newest first
	patch  map[string]*vsw.Interface   // logical port of a patch port's external_ids
	lport  map[ovsdb.UUID]string       // the inverse of patch
	unset  map[ovsdb.UUID]bool         // tunnel and patch ports without a port number
	// Changed are the logical ports whose interface changed in this run.
	Changed map[string]bool
	// Replugged are those of them that have another interface now, or one with another
	// port number or iface-id-ver. What this controller or anybody else notes in an
	// interface's row, such as ovn-installed, is no such change.
	Replugged map[string]bool
	// TunnelsChanged tells whether an interface with a remote address changed.
	TunnelsChanged bool
}

// New makes an empty table.
func New(w *node.World) *Table {
	return &Table{w: w, member: map[ovsdb.UUID]ovsdb.UUID{}, rows: map[ovsdb.UUID]*vsw.Interface{},
		byID: map[string][]*vsw.Interface{}, patch: map[string]*vsw.Interface{},
		lport: map[ovsdb.UUID]string{}, unset: map[ovsdb.UUID]bool{}, Changed: map[string]bool{}, Replugged: map[string]bool{}}
}

// Begin starts a run: it forgets the changes of the last one.
func (t *Table) Begin() {
	clear(t.Changed)
	clear(t.Replugged)
	t.TunnelsChanged = false
}

// Update brings the table up to date with the change sets.
func (t *Table) Update() bool {
	br := t.w.Bridge()
	dirty := map[ovsdb.UUID]bool{}
	if br == nil || br.Name != t.bridge || len(t.w.VSWChanges.Bridge) > 0 || len(t.w.VSWChanges.Port) > 0 {
		t.members(br, dirty)
	}
	for _, c := range t.w.VSWChanges.Port { // its external_ids say what its interface is for
		if c.New != nil {
			for _, id := range c.New.Interfaces {
				dirty[id] = true
			}
		}
	}
	for _, c := range t.w.VSWChanges.Interface {
		dirty[c.ID] = true
	}
	for id := range dirty {
		if _, ok := t.member[id]; ok || t.rows[id] != nil {
			t.refresh(id)
		}
	}
	return len(t.Changed) > 0 || t.TunnelsChanged
}

// Reset compares everything again.
func (t *Table) Reset() {
	t.bridge = ""
	t.Update()
	for id := range maps.Clone(t.rows) {
		t.refresh(id)
	}
}

func (t *Table) members(br *vsw.Bridge, dirty map[ovsdb.UUID]bool) {
	now := map[ovsdb.UUID]ovsdb.UUID{}
	t.bridge = ""
	if br != nil {
		t.bridge = br.Name
		for _, pid := range br.Ports {
			p := t.w.VSW.Port.Get(pid)
			if p == nil || p.Name == br.Name {
				continue
			}
			for _, iid := range p.Interfaces {
				now[iid] = pid
			}
		}
	}
	for id := range t.member {
		if _, ok := now[id]; !ok {
			dirty[id] = true
		}
	}
	for id, port := range now {
		if t.member[id] != port || t.rows[id] == nil {
			dirty[id] = true
		}
	}
	t.member = now
}

// refresh files the present row of an interface in place of the one known.
func (t *Table) refresh(id ovsdb.UUID) {
	old := t.rows[id]
	var row *vsw.Interface
	if _, ok := t.member[id]; ok {
		row = t.w.VSW.Interface.Get(id)
	}
	if old != nil {
		t.unfile(old)
		delete(t.rows, id)
		delete(t.unset, id)
	}
	if row != nil {
		t.rows[id] = row
		t.file(row)
	}
	t.replug(old, row)
}

// replug notes the logical ports to which a change of an interface is one of plugging.
func (t *Table) replug(old, row *vsw.Interface) {
	type plug struct {
		lport, ver string
		ofport     uint32
	}
	of := func(r *vsw.Interface) (p plug) {
		if r != nil {
			p = plug{r.ExternalIDs["iface-id"], r.ExternalIDs["iface-id-ver"], Ofport(r)}
		}
		return p
	}
	was, is := of(old), of(row)
	if was == is {
		return
	}
	for _, p := range []plug{was, is} {
		if p.lport != "" {
			t.Replugged[p.lport] = true
		}
	}
}

func (t *Table) file(row *vsw.Interface) {
	if lport := row.ExternalIDs["iface-id"]; lport != "" {
		l := append(t.byID[lport], row)
		slices.SortFunc(l, func(a, b *vsw.Interface) int {
			return cmp.Or(cmp.Compare(Ofport(b), Ofport(a)), cmp.Compare(a.Name, b.Name))
		})
		t.byID[lport] = l
		t.Changed[lport] = true
	}
	if lport := t.patchOf(row); lport != "" {
		t.patch[lport], t.lport[row.UUID] = row, lport
		t.Changed[lport] = true
	}
	tunnel := row.Options["remote_ip"] != ""
	t.TunnelsChanged = t.TunnelsChanged || tunnel
	if !row.OFPort.OK && (tunnel || row.Type == "patch") {
		t.unset[row.UUID] = true
	}
}

func (t *Table) unfile(row *vsw.Interface) {
	if lport := row.ExternalIDs["iface-id"]; lport != "" {
		l := slices.DeleteFunc(t.byID[lport], func(r *vsw.Interface) bool { return r.UUID == row.UUID })
		if len(l) == 0 {
			delete(t.byID, lport)
		} else {
			t.byID[lport] = l
		}
		t.Changed[lport] = true
	}
	if lport, ok := t.lport[row.UUID]; ok {
		delete(t.lport, row.UUID)
		if t.patch[lport].UUID == row.UUID {
			delete(t.patch, lport)
		}
		t.Changed[lport] = true
	}
	if row.Options["remote_ip"] != "" {
		t.TunnelsChanged = true
	}
}

// patchKeys are the keys in a patch port's external_ids that name the logical
// port; on the integration bridge's side of the pair only.
var patchKeys = []string{"ovn-localnet-port", "ovn-l2gateway-port", "ovn-l3gateway-port"}

func (t *Table) patchOf(row *vsw.Interface) string {
	if row.Type != "patch" {
		return ""
	}
	p := t.w.VSW.Port.Get(t.member[row.UUID])
	if p == nil {
		return ""
	}
	for _, key := range patchKeys {
		if lport := p.ExternalIDs[key]; lport != "" {
			return lport
		}
	}
	return ""
}

// VIF is the interface of a logical port, nil for none. Of several interfaces that
// claim the same iface-id the newest counts, that is the one with the greatest port
// number: a replacement is plugged before the old one goes. others are the rest of
// those that have a port number.
func (t *Table) VIF(lport string) (row *vsw.Interface, others []*vsw.Interface) {
	l := t.byID[lport]
	n := slices.IndexFunc(l, func(r *vsw.Interface) bool { return Ofport(r) == 0 })
	if n >= 0 {
		l = l[:n]
	}
	if len(l) == 0 {
		return nil, nil
	}
	return l[0], l[1:]
}

// PatchOfport is the port number of the patch port that stands for a localnet or
// l2gateway port, 0 for none.
func (t *Table) PatchOfport(lport string) uint32 {
	if r := t.patch[lport]; r != nil {
		return Ofport(r)
	}
	return 0
}

// Patched is the logical port that a patch port stands for; "" for none.
func (t *Table) Patched(iface ovsdb.UUID) string { return t.lport[iface] }

// Named tells whether the integration bridge has an interface of that name.
func (t *Table) Named(name string) bool {
	row := t.w.VSW.InterfaceByName.One(name)
	return row != nil && t.rows[row.UUID] != nil
}

// All are the interfaces on the integration bridge.
func (t *Table) All() map[ovsdb.UUID]*vsw.Interface { return t.rows }

// Port is the port row of an interface on the integration bridge.
func (t *Table) Port(iface ovsdb.UUID) *vsw.Port { return t.w.VSW.Port.Get(t.member[iface]) }

// Unassigned tells whether a tunnel or patch port has no port number yet, not even
// the one that says that it failed: what is sent there is still missing.
func (t *Table) Unassigned() bool { return len(t.unset) > 0 }

// LocalIDs are the iface-ids on the integration bridge.
func (t *Table) LocalIDs() []string {
	ids := make([]string, 0, len(t.byID))
	for id := range t.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Ofport is an interface's number on the bridge, 0 while it has none.
func Ofport(r *vsw.Interface) uint32 {
	if r == nil || !r.OFPort.OK || r.OFPort.V <= 0 {
		return 0
	}
	return uint32(r.OFPort.V)
}
