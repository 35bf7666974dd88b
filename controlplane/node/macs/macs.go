// Package macs makes the rules of what is known about MAC addresses: MAC_Binding
// and Static_MAC_Binding (get_arp, get_nd, lookup_arp, lookup_nd) and FDB
// (get_fdb, lookup_fdb), and those that only count the packets of neighbours whose
// MAC_Binding rows age (mac_cache_use; see node/aging). The registers that the rules use are in the table of
// controlplane/action's package comment.
package macs

import (
	"net"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/aging"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Priorities in the MACBinding and MACLookup stages.
const (
	prioStatic   = 50  // a static binding that a learned one overrides
	prioLearned  = 100 // MAC_Binding
	prioOverride = 150 // a static binding that overrides learned ones
)

// MACs is the node.
type MACs struct {
	w     *node.World
	local *datapath.Local
	set   *rules.Set

	refused map[ir.Owner]bool // rows that are not understood
}

// New makes the node; its rules go into set.
func New(w *node.World, local *datapath.Local, set *rules.Set) *MACs {
	return &MACs{w, local, set, map[ir.Owner]bool{}}
}

// OnRows follows changes of the three tables.
func (m *MACs) OnRows() bool {
	changed := false
	for _, c := range m.w.SBChanges.MACBinding {
		changed = m.binding(c.ID, c.New) || changed
	}
	for _, c := range m.w.SBChanges.StaticMACBinding {
		changed = m.static(c.ID, c.New) || changed
	}
	for _, c := range m.w.SBChanges.FDB {
		changed = m.fdb(c.ID, c.New) || changed
	}
	return changed
}

// OnPorts follows changes of Port_Binding rows: a binding can arrive before its port.
func (m *MACs) OnPorts() bool {
	changed := false
	for _, c := range m.w.SBChanges.PortBinding {
		changed = m.fdbOf(c.Old, c.New) || changed
		if c.Old != nil && c.New != nil && c.Old.TunnelKey == c.New.TunnelKey && c.Old.Datapath == c.New.Datapath {
			continue
		}
		for _, row := range []*sb.PortBinding{c.Old, c.New} {
			if row == nil {
				continue
			}
			for _, b := range m.w.SB.MACBindingByDatapath.Get(row.Datapath) {
				if b.LogicalPort == row.LogicalPort {
					changed = m.binding(b.UUID, b) || changed
				}
			}
		}
		for s := range m.w.SB.StaticMACBinding.All() {
			if c.New != nil && s.LogicalPort == c.New.LogicalPort || c.Old != nil && s.LogicalPort == c.Old.LogicalPort {
				changed = m.static(s.UUID, s) || changed
			}
		}
	}
	return changed
}

// OnDatapathRows follows changes of Datapath_Binding rows: use is counted where bindings age.
func (m *MACs) OnDatapathRows() bool {
	changed := false
	for _, c := range m.w.SBChanges.DatapathBinding {
		if c.New == nil || (aging.OfNeighbours(c.Old) > 0) == (aging.OfNeighbours(c.New) > 0) {
			continue
		}
		for _, b := range m.w.SB.MACBindingByDatapath.Get(c.ID) {
			changed = m.binding(b.UUID, b) || changed
		}
	}
	return changed
}

// OnDatapaths follows changes of the local datapaths.
func (m *MACs) OnDatapaths() bool {
	changed := false
	for _, dps := range []map[ovsdb.UUID]bool{m.local.Added, m.local.Removed} {
		for dp := range dps {
			for _, b := range m.w.SB.MACBindingByDatapath.Get(dp) {
				changed = m.binding(b.UUID, b) || changed
			}
			for s := range m.w.SB.StaticMACBinding.All() {
				if s.Datapath == dp {
					changed = m.static(s.UUID, s) || changed
				}
			}
			if row := m.w.SB.DatapathBinding.Get(dp); row != nil {
				for _, f := range m.w.SB.FDBByDPKey.Get(row.TunnelKey) {
					changed = m.fdb(f.UUID, f) || changed
				}
			}
		}
	}
	return changed
}

// Recompute makes all rules anew.
func (m *MACs) Recompute() bool {
	changed := false
	var gone []rules.Key
	m.set.Keys(func(k rules.Key) {
		switch k.Owner.Kind {
		case ir.OwnerMACBinding:
			if m.w.SB.MACBinding.Get(k.Owner.UUID) == nil {
				gone = append(gone, k)
			}
		case ir.OwnerStaticMACBinding:
			if m.w.SB.StaticMACBinding.Get(k.Owner.UUID) == nil {
				gone = append(gone, k)
			}
		case ir.OwnerFDB:
			if m.w.SB.FDB.Get(k.Owner.UUID) == nil {
				gone = append(gone, k)
			}
		}
	})
	for _, k := range gone {
		changed = m.set.Put(k, nil) || changed
	}
	for b := range m.w.SB.MACBinding.All() {
		changed = m.binding(b.UUID, b) || changed
	}
	for s := range m.w.SB.StaticMACBinding.All() {
		changed = m.static(s.UUID, s) || changed
	}
	for f := range m.w.SB.FDB.All() {
		changed = m.fdb(f.UUID, f) || changed
	}
	return changed
}

func (m *MACs) binding(id ovsdb.UUID, b *sb.MACBinding) bool {
	owner := ir.Owner{Kind: ir.OwnerMACBinding, UUID: id}
	if b == nil {
		return m.put(owner, nil, "")
	}
	n, bad := m.neighbor(owner, b.LogicalPort, b.IP, b.MAC)
	rs := n.rules(prioLearned)
	if aging.OfNeighbours(m.w.SB.DatapathBinding.Get(b.Datapath)) > 0 {
		rs = append(rs, n.use()...)
	}
	return m.put(owner, rs, bad)
}

func (m *MACs) static(id ovsdb.UUID, b *sb.StaticMACBinding) bool {
	owner := ir.Owner{Kind: ir.OwnerStaticMACBinding, UUID: id}
	if b == nil {
		return m.put(owner, nil, "")
	}
	priority := uint16(prioStatic)
	if b.OverrideDynamicMAC {
		priority = prioOverride
	}
	n, bad := m.neighbor(owner, b.LogicalPort, b.IP, b.MAC)
	return m.put(owner, n.rules(priority), bad)
}

// put states the rules of a row, and what is wrong with it: "" when nothing is.
func (m *MACs) put(owner ir.Owner, rs []ir.Rule, bad string) bool {
	if key := (node.RefusalKey{Table: owner.Kind.String(), Row: owner.UUID}); bad != "" {
		m.refused[owner] = true
		m.w.Refuse(key, bad)
	} else if m.refused[owner] {
		delete(m.refused, owner)
		m.w.Refuse(key)
	}
	return m.set.Put(rules.Key{Owner: owner}, rs)
}

func (m *MACs) fdb(id ovsdb.UUID, f *sb.FDB) bool {
	owner := ir.Owner{Kind: ir.OwnerFDB, UUID: id}
	if f == nil {
		return m.put(owner, nil, "")
	}
	row := m.w.SB.DatapathBindingByTunnelKey.One(f.DPKey)
	if row == nil {
		return m.put(owner, nil, "")
	}
	hw, err := net.ParseMAC(f.MAC)
	dp, local := m.local.Key(row.UUID)
	if !local {
		return m.put(owner, nil, "")
	}
	if err != nil || len(hw) != 6 {
		return m.put(owner, nil, "ignoring an FDB row: bad mac \""+f.MAC+"\"")
	}
	mac := ir.BytesValue(hw)
	known := ir.NewProgram(ir.Set{Dst: ir.Bits(ir.Flags, ir.FlagLookupFDB, 1), Value: ir.V(1)})
	rs := []ir.Rule{
		ir.NewRule(ir.GetFDB, 100, dp, ir.MustMatch(ir.Term{Field: ir.EthDst, Value: mac, Mask: ir.Ones(48)}), nil,
			ir.NewProgram(ir.Set{Dst: ir.All(ir.Outport), Value: ir.V(uint64(f.PortKey))}), owner),
		ir.NewRule(ir.LookupFDB, 100, dp,
			ir.MustMatch(ir.Term{Field: ir.EthSrc, Value: mac, Mask: ir.Ones(48)}, ir.Exact(ir.Inport, uint64(f.PortKey))), nil, known, owner),
	}
	if m.learnsFromLocalnet(row.UUID) && m.isVIF(row.UUID, f.PortKey) {
		rs = append(rs, ir.NewRule(ir.LookupFDB, 100, dp, ir.MustMatch(ir.Term{Field: ir.EthSrc, Value: mac, Mask: ir.Ones(48)},
			ir.Masked(ir.Flags, 1<<ir.FlagLocalnet, 1<<ir.FlagLocalnet)), nil, known, owner))
	}
	return m.put(owner, rs, "")
}

// learnOption of a localnet port makes its switch learn MAC addresses from the physical
// network. Those of a VIF that has moved there for a moment, because a flood came back,
// count as known: they must not be learned anew behind the localnet port.
const learnOption = "localnet_learn_fdb"

func (m *MACs) learnsFromLocalnet(dp ovsdb.UUID) bool {
	return slices.ContainsFunc(m.local.Localnets(dp), func(ln *sb.PortBinding) bool { return ln.Options[learnOption] == "true" })
}

// isVIF tells whether the port with a tunnel key is a VIF or a container.
func (m *MACs) isVIF(dp ovsdb.UUID, key int64) bool {
	return slices.ContainsFunc(m.w.SB.PortBindingByDatapath.Get(dp), func(pb *sb.PortBinding) bool { return pb.TunnelKey == key && pb.Type == "" })
}

// fdbOf makes the FDB rules of a port's datapath anew where a change of the port matters to them.
func (m *MACs) fdbOf(was, is *sb.PortBinding) bool {
	role := func(pb *sb.PortBinding) (r struct {
		dp    ovsdb.UUID
		key   int64
		typ   string
		learn bool
	}) {
		if pb != nil {
			r.dp, r.key, r.typ, r.learn = pb.Datapath, pb.TunnelKey, pb.Type, pb.Options[learnOption] == "true"
		}
		return r
	}
	if role(was) == role(is) {
		return false
	}
	changed := false
	for _, pb := range []*sb.PortBinding{was, is} {
		if pb == nil || pb.Type != "localnet" && !m.learnsFromLocalnet(pb.Datapath) {
			continue
		}
		if row := m.w.SB.DatapathBinding.Get(pb.Datapath); row != nil {
			for _, f := range m.w.SB.FDBByDPKey.Get(row.TunnelKey) {
				changed = m.fdb(f.UUID, f) || changed
			}
		}
	}
	return changed
}
