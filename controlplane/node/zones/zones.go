// Package zones assigns conntrack zones: one for each logical port on this
// chassis, and a DNAT and an SNAT zone for each local logical datapath. The
// assignment is kept in the integration bridge's external_ids (ct-zone-NAME), so
// that connections survive a restart of the controller. A zone that gets a new
// owner is flushed first. Zones are chosen from external_ids:ct-zone-range; what is
// outside of it is given another, unless a router asks for it.
package zones

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Zones is the datum.
type Zones struct {
	w     *node.World
	ports *binding.Ports
	local *datapath.Local

	byName map[string]uint16
	// auto has the one owner of each zone that was chosen here; zones that a
	// router asks for (options:snat-ct-zone) may have several owners.
	auto      map[uint16]string
	fixed     map[string]bool
	requested map[uint16]int // owners in fixed
	min, max  uint16         // of the zones chosen here
	next      uint16         // the zone chosen last

	named    bool                  // datapaths are known by name outside
	labels   map[ovsdb.UUID]string // of local datapaths that are
	labelled map[string]ovsdb.UUID // the inverse

	limits limits

	loaded ovsdb.UUID // the bridge whose memory was adopted; zero for none yet
	known  bool
	dirty  bool
	flush  []uint16 // to be emptied before their new owner uses them

	// Changed are the names that got, lost or changed their zone in this run.
	Changed map[string]bool
}

// New makes the datum.
func New(w *node.World, ports *binding.Ports, local *datapath.Local) *Zones {
	z := &Zones{w: w, ports: ports, local: local, byName: map[string]uint16{}, auto: map[uint16]string{},
		fixed: map[string]bool{}, requested: map[uint16]int{}, min: 1, max: math.MaxUint16,
		labels: map[ovsdb.UUID]string{}, labelled: map[string]ovsdb.UUID{}, Changed: map[string]bool{}}
	z.limits = limits{z: z, dirty: true, ours: map[uint16]bool{}, can: func() bool { return false }}
	return z
}

// SetLimitable says how to learn whether Open vSwitch can limit zones, which needs its
// database's schema.
func (z *Zones) SetLimitable(can func() bool) { z.limits.can = can }

// Relimit makes the next Write compare the limits: can may answer otherwise now.
func (z *Zones) Relimit() { z.limits.dirty = true }

// DNAT is the name of a datapath's zone for destination NAT.
func DNAT(dp ovsdb.UUID) string { return dp.String() + dnat }

// SNAT is the name of a datapath's zone for source NAT.
func SNAT(dp ovsdb.UUID) string { return dp.String() + snat }

// Get is the zone of a logical port or of DNAT or SNAT of a datapath. Zone 0 is
// the host's own: what has no zone and what asks for 0 use that.
func (z *Zones) Get(name string) uint16 { return z.byName[name] }

// All are all assignments by name, as for Get.
func (z *Zones) All() map[string]uint16 { return z.byName }

// Begin starts a run.
func (z *Zones) Begin() { clear(z.Changed) }

// Loaded tells whether the integration bridge's memory has been read.
func (z *Zones) Loaded() bool { return !z.loaded.IsZero() }

// TakeFlush gives the zones that have a new owner since the last call: they must be
// emptied before the rules of the new owner are in force.
func (z *Zones) TakeFlush() []uint16 {
	f := z.flush
	z.flush = nil
	return f
}

// Known says that the local datapaths and their ports are known from now on.
// Before that assignments that nobody seems to use are kept: their owner may only
// not have arrived yet.
func (z *Zones) Known() {
	if !z.known {
		z.known = true
		z.Recompute()
	}
}

// Update assigns zones to what is local now and frees the others. Only ports and
// datapaths that changed are looked at.
func (z *Zones) Update() bool {
	if !z.load() {
		return false
	}
	names := map[string]bool{}
	for id := range z.ports.Changed {
		if pb := z.w.SB.PortBinding.Get(id); pb != nil {
			names[pb.LogicalPort] = true
		}
	}
	for _, c := range z.w.SBChanges.PortBinding {
		if c.New == nil || c.Old != nil && c.Old.LogicalPort != c.New.LogicalPort {
			names[c.Old.LogicalPort] = true
		}
	}
	dps := maps.Clone(z.local.Added)
	if len(z.local.Added)+len(z.local.Removed) > 0 {
		for _, pb := range z.w.SB.PortBindingByType.Get("localnet") {
			if z.local.Added[pb.Datapath] || z.local.Removed[pb.Datapath] {
				names[pb.LogicalPort] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		z.port(name)
	}
	for dp := range z.local.Added {
		z.adopt(dp)
	}
	for dp := range z.local.Removed {
		z.free(DNAT(dp))
		z.free(SNAT(dp))
		if z.known {
			z.unlabel(dp)
		}
	}
	for _, c := range z.w.SBChanges.DatapathBinding {
		dps[c.ID] = true
	}
	z.datapaths(dps)
	z.limits.onRows(z.w)
	z.limits.dirty = z.limits.dirty || z.limits.used && len(z.Changed) > 0
	return len(z.Changed) > 0
}

// OnVSW follows changes of the local database.
func (z *Zones) OnVSW() { z.limits.onVSW(z.w) }

// Stale says why everything must be looked at; "" when it need not.
func (z *Zones) Stale() string {
	if c := z.w.Config; c.ZoneMin != z.min || c.ZoneMax != z.max {
		return "external_ids:ct-zone-range changed"
	}
	if z.w.NorthdSince(namesSince.major, namesSince.minor) != z.named {
		return "ovn-northd is of another release, which names conntrack zones differently"
	}
	return ""
}

// Recompute looks at everything.
func (z *Zones) Recompute() bool {
	z.named = z.w.NorthdSince(namesSince.major, namesSince.minor)
	if !z.load() {
		return false
	}
	z.min, z.max = z.w.Config.ZoneMin, z.w.Config.ZoneMax
	names := map[string]bool{}
	for pb := range z.w.SB.PortBinding.All() {
		if z.wants(pb) {
			names[pb.LogicalPort] = true
		}
	}
	dps := map[ovsdb.UUID]bool{}
	needed := maps.Clone(names)
	for dp := range z.local.All() {
		dps[dp] = true
		z.adopt(dp)
		needed[DNAT(dp)], needed[SNAT(dp)] = true, true
	}
	for name := range maps.Clone(z.byName) {
		if !needed[name] {
			z.free(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		z.assign(name)
	}
	z.datapaths(dps)
	z.limits.dirty = true
	return len(z.Changed) > 0
}

// wants tells whether a port needs a zone of its own.
func (z *Zones) wants(pb *sb.PortBinding) bool {
	p := z.ports.Get(pb.UUID)
	switch p.Kind {
	case binding.Localnet:
		_, local := z.local.Key(pb.Datapath)
		return local
	case binding.VIF, binding.Container, binding.Mirror, binding.Virtual, binding.L2Gateway, binding.L3Gateway,
		binding.ChassisRedirect, binding.External:
		return p.Place != binding.Nowhere
	case binding.Localport:
		return p.Ofport != 0
	}
	return false
}

// port gives a zone to the port of that name or takes it away. A port that is
// deleted and made anew has two rows for a moment, so it is the name that counts.
func (z *Zones) port(name string) {
	for _, pb := range z.w.SB.PortBindingByLogicalPort.Get(name) {
		if z.wants(pb) {
			z.assign(name)
			return
		}
	}
	z.free(name)
}

// datapaths brings the zones of those dps that are local up to date, in the order
// of their keys: the numbers do not depend on chance.
func (z *Zones) datapaths(dps map[ovsdb.UUID]bool) {
	var local []ovsdb.UUID
	for dp := range dps {
		if _, ok := z.local.Key(dp); ok {
			local = append(local, dp)
		}
	}
	all := z.local.All()
	slices.SortFunc(local, func(a, b ovsdb.UUID) int { return cmp.Or(cmp.Compare(all[a], all[b]), a.Compare(b)) })
	for _, dp := range local {
		z.adopt(dp)
		z.label(dp)
		z.assign(DNAT(dp))
		row := z.w.SB.DatapathBinding.Get(dp)
		if row == nil {
			continue
		}
		if n, err := strconv.ParseUint(row.ExternalIDs["snat-ct-zone"], 10, 16); err == nil {
			z.fix(SNAT(dp), uint16(n))
		} else {
			z.assign(SNAT(dp))
		}
	}
}
