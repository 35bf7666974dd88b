// Package zones assigns conntrack zones: one for each logical port on this
// chassis, and a DNAT and an SNAT zone for each local logical datapath. The
// assignment is kept in the integration bridge's external_ids (ct-zone-NAME), so
// that connections survive a restart of the controller. A zone that gets a new
// owner is flushed first.
package zones

import (
	"maps"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

const prefix = "ct-zone-"

// Zones is the datum.
type Zones struct {
	w     *node.World
	ports *binding.Ports
	local *datapath.Local

	byName map[string]uint16
	used   map[uint16]string
	next   uint16
	loaded bool

	// Changed are the names that got, lost or changed their zone in this run.
	Changed map[string]bool
	flush   []uint16 // to be emptied before their new owner uses them
	dirty   bool
}

// New makes the datum.
func New(w *node.World, ports *binding.Ports, local *datapath.Local) *Zones {
	return &Zones{w: w, ports: ports, local: local, byName: map[string]uint16{}, used: map[uint16]string{}, Changed: map[string]bool{}}
}

// DNAT, SNAT are the names of a datapath's zones.
func DNAT(dp ovsdb.UUID) string { return dp.String() + "_dnat" }

// SNAT is the name of a datapath's zone for source NAT.
func SNAT(dp ovsdb.UUID) string { return dp.String() + "_snat" }

// Get is the zone of a logical port or of DNAT or SNAT of a datapath, 0 for none.
func (z *Zones) Get(name string) uint16 { return z.byName[name] }

// All are all assignments by name.
func (z *Zones) All() map[string]uint16 { return z.byName }

// Begin starts a run.
func (z *Zones) Begin() {
	clear(z.Changed)
}

// Loaded tells whether the integration bridge's memory has been read.
func (z *Zones) Loaded() bool { return z.loaded }

// TakeFlush gives the zones that have a new owner since the last call: they must be
// emptied before the rules of the new owner are in force.
func (z *Zones) TakeFlush() []uint16 {
	f := z.flush
	z.flush = nil
	return f
}

// load adopts what the integration bridge remembers, once.
func (z *Zones) load() bool {
	br := z.w.Bridge()
	if z.loaded || br == nil {
		return z.loaded
	}
	for k, v := range br.ExternalIDs {
		name, ok := strings.CutPrefix(k, prefix)
		n, err := strconv.ParseUint(v, 10, 16)
		if !ok || err != nil || n == 0 || z.used[uint16(n)] != "" {
			continue
		}
		z.byName[name], z.used[uint16(n)] = uint16(n), name
		z.Changed[name] = true
	}
	z.loaded = true
	return true
}

// Update assigns zones to what is local now and frees the others. Only ports and
// datapaths that changed are looked at.
func (z *Zones) Update() bool {
	if !z.load() {
		return false
	}
	for id := range z.ports.Changed {
		if pb := z.w.SB.PortBinding.Get(id); pb != nil {
			z.want(pb.LogicalPort, z.ports.Get(id))
		}
	}
	for _, c := range z.w.SBChanges.PortBinding {
		if c.New == nil || c.Old != nil && c.Old.LogicalPort != c.New.LogicalPort {
			z.free(c.Old.LogicalPort)
		}
	}
	for dp := range z.local.Added {
		z.datapath(dp)
	}
	for dp := range z.local.Removed {
		z.free(DNAT(dp))
		z.free(SNAT(dp))
	}
	for _, c := range z.w.SBChanges.DatapathBinding {
		if _, ok := z.local.Key(c.ID); ok {
			z.datapath(c.ID)
		}
	}
	return len(z.Changed) > 0
}

// Recompute looks at everything. complete says that the local datapaths are
// known, so that assignments which nobody uses may be freed; before that they
// are kept, because their owner may only not have arrived yet.
func (z *Zones) Recompute(complete bool) bool {
	if !z.load() {
		return false
	}
	needed := map[string]bool{}
	for pb := range z.w.SB.PortBinding.All() {
		if port := z.ports.Get(pb.UUID); wants(port) {
			needed[pb.LogicalPort] = true
			z.want(pb.LogicalPort, port)
		}
	}
	for dp := range z.local.All() {
		needed[DNAT(dp)], needed[SNAT(dp)] = true, true
		z.datapath(dp)
	}
	if complete {
		for name := range maps.Clone(z.byName) {
			if !needed[name] {
				z.free(name)
			}
		}
	}
	return len(z.Changed) > 0
}

// wants tells whether a port needs a zone of its own.
func wants(p binding.Port) bool {
	switch p.Kind {
	case binding.Localnet:
		return true
	case binding.VIF, binding.Container, binding.Virtual, binding.L2Gateway, binding.L3Gateway,
		binding.ChassisRedirect, binding.External:
		return p.Place != binding.Nowhere
	case binding.Localport:
		return p.Ofport != 0
	}
	return false
}

func (z *Zones) want(name string, p binding.Port) {
	if wants(p) {
		z.assign(name, 0)
	} else {
		z.free(name)
	}
}

func (z *Zones) datapath(dp ovsdb.UUID) {
	z.assign(DNAT(dp), 0)
	var fixed uint16
	if row := z.w.SB.DatapathBinding.Get(dp); row != nil {
		if n, err := strconv.ParseUint(row.ExternalIDs["snat-ct-zone"], 10, 16); err == nil {
			fixed = uint16(n)
		}
	}
	z.assign(SNAT(dp), fixed)
}

// assign gives name a zone: fixed, or when that is 0 any free one, if it has none.
func (z *Zones) assign(name string, fixed uint16) {
	have := z.byName[name]
	if have != 0 && (fixed == 0 || fixed == have) {
		return
	}
	n := fixed
	if n == 0 {
		if n = z.pick(); n == 0 {
			z.w.Log.Warn("no conntrack zone is left for " + name + ": all 65535 are in use")
			return
		}
	}
	if other := z.used[n]; other != "" && other != name { // a fixed zone takes it over
		delete(z.byName, other)
		z.Changed[other] = true
		defer z.assign(other, 0)
	}
	if have != 0 {
		delete(z.used, have)
	}
	z.byName[name], z.used[n] = n, name
	z.Changed[name], z.dirty = true, true
	z.flush = append(z.flush, n)
}

func (z *Zones) pick() uint16 {
	for range 1<<16 - 1 {
		if z.next++; z.next == 0 {
			z.next = 1
		}
		if z.used[z.next] == "" {
			return z.next
		}
	}
	return 0
}

func (z *Zones) free(name string) {
	n, ok := z.byName[name]
	if !ok {
		return
	}
	delete(z.byName, name)
	delete(z.used, n)
	z.Changed[name], z.dirty = true, true
}

// Write adds what the bridge's external_ids lack to tx.
func (z *Zones) Write(tx *idl.Tx) {
	br := z.w.Bridge()
	if br == nil || !z.loaded {
		return
	}
	var gone []string
	add := map[string]string{}
	for k, v := range br.ExternalIDs {
		name, ok := strings.CutPrefix(k, prefix)
		if ok && strconv.Itoa(int(z.byName[name])) != v {
			gone = append(gone, k)
		}
	}
	for name, n := range z.byName {
		if br.ExternalIDs[prefix+name] != strconv.Itoa(int(n)) {
			add[prefix+name] = strconv.Itoa(int(n))
		}
	}
	if len(gone) > 0 {
		tx.Mutate("Bridge", br.UUID, "external_ids", "delete", gone)
	}
	if len(add) > 0 {
		tx.Mutate("Bridge", br.UUID, "external_ids", "insert", add)
	}
	if len(gone)+len(add) == 0 {
		z.dirty = false
	}
}

// Pending tells whether the bridge's external_ids lag behind.
func (z *Zones) Pending() bool { return z.dirty }
