package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Network is the logical network of a Southbound database as it was when it was
// loaded. Logical flows are parsed when a packet first meets them.
type Network struct {
	symbols, aclSymbols *expr.Symtab
	actions             *action.Parser
	datapaths           []*datapath // by tunnel key
	byUUID              map[ovsdb.UUID]*datapath
	ports               map[string]*port
	sets                map[string]*expr.Set
	groups              map[string][]string
	vips                []vip
	warnings            []string
}

// Extra are the columns that Load wants beside those that a replica has by
// default (idl.Config.Extra).
func Extra() map[string][]string {
	return map[string][]string{"Logical_Flow": {"external_ids"}, "Port_Binding": {"external_ids"}}
}

// Load reads a network. What is not understood is left out and becomes a warning of
// every trace; an error means that nothing can be traced.
func Load(db *sb.DB) (*Network, error) {
	n := &Network{
		symbols: expr.NewSymtab(), aclSymbols: expr.NewACLConntrackSymtab(),
		byUUID: map[ovsdb.UUID]*datapath{}, ports: map[string]*port{},
		sets: map[string]*expr.Set{}, groups: map[string][]string{},
	}
	v4, v6 := action.OptionTable{}, action.OptionTable{}
	for r := range db.DHCPOptions.All() {
		v4[r.Name] = action.Option{Name: r.Name, Code: uint16(r.Code), Type: r.Type}
	}
	for r := range db.DHCPv6Options.All() {
		v6[r.Name] = action.Option{Name: r.Name, Code: uint16(r.Code), Type: r.Type}
	}
	var err error
	if n.actions, err = action.NewParser(n.symbols, v4, v6); err != nil {
		return nil, err
	}
	n.loadDatapaths(db)
	n.loadPorts(db)
	n.loadMulticast(db)
	n.loadAddresses(db)
	n.loadFlows(db)
	return n, nil
}

func (n *Network) warn(format string, args ...any) {
	n.warnings = append(n.warnings, fmt.Sprintf(format, args...))
}

func (n *Network) loadDatapaths(db *sb.DB) {
	for r := range db.DatapathBinding.All() {
		d := newDatapath(r)
		n.datapaths = append(n.datapaths, d)
		n.byUUID[r.UUID] = d
	}
	slices.SortFunc(n.datapaths, func(a, b *datapath) int { return cmp.Compare(a.key, b.key) })
}

func (n *Network) loadPorts(db *sb.DB) {
	for r := range db.PortBinding.All() {
		d := n.byUUID[r.Datapath]
		if d == nil {
			n.warn("logical port %s is in no datapath", r.LogicalPort)
			continue
		}
		p := &port{dp: d, row: r, key: uint32(r.TunnelKey), alias: r.ExternalIDs["name"]}
		for _, text := range r.PortSecurity {
			if a, ok := parsePortAddresses(text); ok {
				p.security = append(p.security, a)
			} else {
				n.warn("logical port %s: port security %q has no MAC address", r.LogicalPort, text)
			}
		}
		n.ports[r.LogicalPort] = p
		d.ports[p.key] = p
	}
	for _, p := range n.ports {
		switch p.row.Type {
		case "patch", "l3gateway":
			if peer := n.ports[p.row.Options["peer"]]; peer != nil {
				// One of the two may not know of the other.
				p.peer, peer.peer = peer, p
			}
		case "chassisredirect":
			if d := n.ports[p.row.Options["distributed-port"]]; d != nil && d.dp == p.dp {
				p.distributed = d
			}
		}
	}
}

func (n *Network) loadMulticast(db *sb.DB) {
	for r := range db.MulticastGroup.All() {
		d := n.byUUID[r.Datapath]
		if d == nil {
			n.warn("multicast group %s is in no datapath", r.Name)
			continue
		}
		g := &group{name: r.Name, key: uint32(r.TunnelKey)}
		for _, id := range r.Ports {
			if b := db.PortBinding.Get(id); b != nil && b.Datapath == r.Datapath {
				g.ports = append(g.ports, n.ports[b.LogicalPort])
			} else {
				n.warn("multicast group %s of datapath %s has a port outside of it", r.Name, d.name)
			}
		}
		slices.SortFunc(g.ports, func(a, b *port) int { return strings.Compare(a.row.LogicalPort, b.row.LogicalPort) })
		d.groups[g.key] = g
	}
}

func (n *Network) loadAddresses(db *sb.DB) {
	for r := range db.AddressSet.All() {
		set, bad := expr.ParseSet(r.Addresses)
		for _, text := range bad {
			n.warn("address set %s: %q is no address", r.Name, text)
		}
		n.sets[r.Name] = set
	}
	for r := range db.PortGroup.All() {
		n.groups[r.Name] = r.Ports
	}
	for r := range db.MACBinding.All() {
		p := n.ports[r.LogicalPort]
		if p == nil || p.dp != n.byUUID[r.Datapath] {
			n.warn("MAC binding of %s: no logical port %s in its datapath", r.IP, r.LogicalPort)
			continue
		}
		n.learn(p, r.IP, r.MAC, false)
	}
	for r := range db.StaticMACBinding.All() {
		if p := n.ports[r.LogicalPort]; p != nil {
			n.learn(p, r.IP, r.MAC, r.OverrideDynamicMAC)
		}
	}
	for r := range db.FDB.All() {
		mac, ok := parseMAC(r.MAC)
		if d := n.byKey(uint32(r.DPKey)); ok && d != nil {
			d.fdb[mac] = uint32(r.PortKey)
		}
	}
	for r := range db.LoadBalancer.All() {
		for text := range r.VIPs {
			if v, ok := parseVIP(text); ok {
				v.snat = hairpinSNAT(v, r.Options["hairpin_snat_ip"])
				n.vips = append(n.vips, v)
			}
		}
	}
	slices.SortFunc(n.vips, func(a, b vip) int { return a.AddrPort.Compare(b.AddrPort) })
}

// learn adds a MAC binding; a binding that is there stays unless replace is set.
func (n *Network) learn(p *port, ip, mac string, replace bool) {
	addr, okIP := parseIP(ip)
	m, okMAC := parseMAC(mac)
	if !okIP || !okMAC {
		n.warn("MAC binding of port %s: bad address %q or %q", p.row.LogicalPort, ip, mac)
		return
	}
	k := bindingKey{p.key, addr}
	if _, known := p.dp.macs[k]; !known || replace {
		p.dp.macs[k] = m
	}
}

func (n *Network) byKey(key uint32) *datapath {
	i, ok := slices.BinarySearchFunc(n.datapaths, key, func(d *datapath, k uint32) int { return cmp.Compare(d.key, k) })
	if !ok {
		return nil
	}
	return n.datapaths[i]
}
