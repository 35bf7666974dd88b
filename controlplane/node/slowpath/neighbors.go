package slowpath

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
)

// neighbors are the MAC_Binding and Static_MAC_Binding rows of local datapaths, as
// the slow path knows them: by tunnel keys, one MAC for each.
type neighbors struct {
	w     *node.World
	local *datapath.Local

	rows   map[ovsdb.UUID]known
	byKey  map[punt.NeighborKey]map[ovsdb.UUID]bool
	byPort map[string]map[ovsdb.UUID]bool // rows of a logical port, whether it is known or not

	told    map[punt.NeighborKey]wire.MAC
	touched map[punt.NeighborKey]bool
}

// known is what a row says.
type known struct {
	lport string
	punt.Neighbor
	rank  rank
	valid bool // its port is on a local datapath
}

// rank orders the rows of one neighbor.
type rank uint8

const (
	static   rank = iota // Static_MAC_Binding that a learned one overrides
	learned              // MAC_Binding
	override             // Static_MAC_Binding that overrides
)

func newNeighbors(w *node.World, local *datapath.Local) *neighbors {
	return &neighbors{w: w, local: local, rows: map[ovsdb.UUID]known{}, byKey: map[punt.NeighborKey]map[ovsdb.UUID]bool{},
		byPort: map[string]map[ovsdb.UUID]bool{}, told: map[punt.NeighborKey]wire.MAC{}, touched: map[punt.NeighborKey]bool{}}
}

func (n *neighbors) onRows() {
	for _, c := range n.w.SBChanges.MACBinding {
		n.refresh(c.ID)
	}
	for _, c := range n.w.SBChanges.StaticMACBinding {
		n.refresh(c.ID)
	}
	for _, c := range n.w.SBChanges.PortBinding { // a binding can arrive before its port
		if c.Old != nil && c.New != nil && c.Old.LogicalPort == c.New.LogicalPort &&
			c.Old.TunnelKey == c.New.TunnelKey && c.Old.Datapath == c.New.Datapath {
			continue
		}
		for _, row := range []*sb.PortBinding{c.Old, c.New} {
			if row != nil {
				for id := range n.byPort[row.LogicalPort] {
					n.refresh(id)
				}
			}
		}
	}
}

func (n *neighbors) onDatapaths() {
	if len(n.local.Added)+len(n.local.Removed) == 0 {
		return
	}
	for _, dps := range []map[ovsdb.UUID]bool{n.local.Added, n.local.Removed} {
		for dp := range dps {
			for _, b := range n.w.SB.MACBindingByDatapath.Get(dp) {
				n.refresh(b.UUID)
			}
		}
	}
	for b := range n.w.SB.StaticMACBinding.All() {
		if n.local.Added[b.Datapath] || n.local.Removed[b.Datapath] {
			n.refresh(b.UUID)
		}
	}
}

func (n *neighbors) recompute() {
	for id := range n.rows {
		n.refresh(id)
	}
	for b := range n.w.SB.MACBinding.All() {
		n.refresh(b.UUID)
	}
	for b := range n.w.SB.StaticMACBinding.All() {
		n.refresh(b.UUID)
	}
}

// refresh files the present row in place of the one known.
func (n *neighbors) refresh(id ovsdb.UUID) {
	if old, ok := n.rows[id]; ok {
		delete(n.rows, id)
		unfile(n.byPort, old.lport, id)
		if old.valid {
			unfile(n.byKey, old.NeighborKey, id)
			n.touched[old.NeighborKey] = true
		}
	}
	var k known
	if b := n.w.SB.MACBinding.Get(id); b != nil {
		k = n.read(b.LogicalPort, b.IP, b.MAC, learned)
	} else if b := n.w.SB.StaticMACBinding.Get(id); b != nil {
		k = n.read(b.LogicalPort, b.IP, b.MAC, static)
		if b.OverrideDynamicMAC {
			k.rank = override
		}
	} else {
		return
	}
	n.rows[id] = k
	file(n.byPort, k.lport, id)
	if k.valid {
		file(n.byKey, k.NeighborKey, id)
		n.touched[k.NeighborKey] = true
	}
}

// read makes a neighbor of a row; node/macs names those that are broken.
func (n *neighbors) read(lport, ip, mac string, r rank) known {
	k := known{lport: lport, rank: r}
	pb := n.w.SB.PortBindingByLogicalPort.One(lport)
	if pb == nil {
		return k
	}
	dp, local := n.local.Key(pb.Datapath)
	a, errIP := netip.ParseAddr(ip)
	m, errMAC := wire.ParseMAC(mac)
	k.valid = local && errIP == nil && errMAC == nil
	k.Neighbor = punt.Neighbor{NeighborKey: punt.NeighborKey{Port: punt.Key{Datapath: dp, Port: uint32(pb.TunnelKey)}, IP: a}, MAC: m}
	return k
}

func (n *neighbors) pending() bool { return len(n.touched) > 0 }

// take is what is to be told.
func (n *neighbors) take() []punt.Neighbor {
	var out []punt.Neighbor
	for k := range n.touched {
		mac := n.best(k)
		if mac == n.told[k] {
			continue
		}
		if mac.IsZero() {
			delete(n.told, k)
		} else {
			n.told[k] = mac
		}
		out = append(out, punt.Neighbor{NeighborKey: k, MAC: mac})
	}
	clear(n.touched)
	return out
}

// best is the MAC of the row of the highest rank, zero when there is none.
func (n *neighbors) best(k punt.NeighborKey) (mac wire.MAC) {
	var top known
	for id := range n.byKey[k] {
		if row := n.rows[id]; !top.valid || row.rank > top.rank || row.rank == top.rank && row.MAC.String() < top.MAC.String() {
			top = row
		}
	}
	return top.MAC
}

func file[K comparable](m map[K]map[ovsdb.UUID]bool, k K, id ovsdb.UUID) {
	if m[k] == nil {
		m[k] = map[ovsdb.UUID]bool{}
	}
	m[k][id] = true
}

func unfile[K comparable](m map[K]map[ovsdb.UUID]bool, k K, id ovsdb.UUID) {
	if delete(m[k], id); len(m[k]) == 0 {
		delete(m, k)
	}
}
