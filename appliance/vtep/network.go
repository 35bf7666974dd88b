package vtep

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb"
)

const (
	isVTEP      = "is-vtep"         // in Chassis.other_config
	identityKey = "sluice-identity" // there, too
	crPrefix    = "cr-"             // of chassisredirect ports (ovn-northd)
)

// network tells a planner what is in the Southbound database.
type network struct {
	db   *sb.DB
	plan *vtepdb.Planner
	// What has changed since somebody looked: rows of chassis, and router ports or their peers.
	chassisRows, peers bool
}

// onRows takes a change set, which the tables have already.
func (n *network) onRows(c *sb.Changes) {
	for range c.SBGlobal {
		for g := range n.db.SBGlobal.All() {
			n.plan.SetOwner(g.UUID.String())
		}
	}
	for _, ch := range c.DatapathBinding {
		key := int64(0)
		if ch.New != nil {
			key = ch.New.TunnelKey
		}
		n.plan.SetDatapath(ch.ID, key)
	}
	n.chassisRows = n.chassisRows || len(c.Chassis)+len(c.Encap) > 0
	for _, ch := range c.Chassis {
		n.chassis(ch.ID, ch.New)
	}
	for _, ch := range c.Encap {
		for _, row := range []*sb.Encap{ch.Old, ch.New} {
			if row == nil {
				continue
			}
			if owner := n.db.ChassisByName.One(row.ChassisName); owner != nil {
				n.chassis(owner.UUID, owner)
			}
		}
	}
	for _, ch := range c.PortBinding {
		n.port(ch.ID, ch.New)
		for _, row := range []*sb.PortBinding{ch.Old, ch.New} {
			if row != nil {
				n.peers = n.peers || row.Options["peer"] != ""
				n.redirects(row)
			}
		}
	}
	for _, ch := range c.IGMPGroup {
		n.group(ch.ID, ch.New)
	}
	for _, ch := range c.FDB {
		n.learned(ch.ID, ch.New)
	}
}

// chassis tells of a chassis with the address of its VXLAN encapsulation, over IPv4, as switches know no other: of several the
// default one, else the first.
func (n *network) chassis(id ovsdb.UUID, row *sb.Chassis) {
	if row == nil {
		n.plan.SetChassis(id, nil)
		return
	}
	c := vtepdb.Chassis{Name: row.Name, VTEP: row.OtherConfig[isVTEP] == "true", Identity: row.OtherConfig[identityKey],
		BFD: row.OtherConfig[vtepdb.BFDKey] == "true", ServiceNode: row.OtherConfig[vtepdb.ServiceNodeKey] == "true"}
	var encaps []*sb.Encap
	for _, e := range row.Encaps {
		if encap := n.db.Encap.Get(e); encap != nil && encap.Type == "vxlan" && isIPv4(encap.IP) {
			encaps = append(encaps, encap)
		}
	}
	if len(encaps) > 0 {
		slices.SortFunc(encaps, func(a, b *sb.Encap) int {
			return cmp.Or(strings.Compare(b.Options["is_default"], a.Options["is_default"]), strings.Compare(a.IP, b.IP))
		})
		c.IP = encaps[0].IP
	}
	if c.VTEP {
		c.Members = members(c, row, encaps)
	}
	n.plan.SetChassis(id, &c)
}

// members are what databases of switches have of a chassis.
func members(c vtepdb.Chassis, row *sb.Chassis, encaps []*sb.Encap) []vtepdb.Member {
	members := vtepdb.ReadMembers(row.OtherConfig)
	if members != nil || c.Identity == "" {
		return members
	}
	m := vtepdb.Member{Identity: c.Identity, Switches: []string{row.Name}, Bound: slices.Sorted(slices.Values(row.VTEPLogicalSwitches)),
		ServiceNode: row.OtherConfig[vtepdb.ReplicationKey] == vtepdb.ServiceNode, BFD: c.BFD}
	for _, e := range encaps {
		m.IPs = append(m.IPs, e.IP)
	}
	return []vtepdb.Member{m}
}

func isIPv4(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return err == nil && a.Is4()
}

// redirects tells again of the chassisredirect ports whose segment depends on a port: on that of the router, or on its peer.
func (n *network) redirects(row *sb.PortBinding) {
	for _, router := range []string{row.LogicalPort, row.Options["peer"]} {
		for _, cr := range n.db.PortBindingByLogicalPort.Get(crPrefix + router) {
			n.port(cr.UUID, cr)
		}
	}
}

// port tells of a port.
func (n *network) port(id ovsdb.UUID, row *sb.PortBinding) {
	if row == nil {
		n.plan.SetPort(id, nil)
		return
	}
	p := vtepdb.Port{Name: row.LogicalPort, Datapath: row.Datapath, Key: row.TunnelKey, Chassis: row.Chassis, Additional: row.AdditionalChassis, Up: row.Up.V}
	switch row.Type {
	case "vtep":
		p.Kind, p.Switch, p.LogicalSwitch = vtepdb.VTEP, row.Options["vtep-physical-switch"], row.Options["vtep-logical-switch"]
		p.Bindings = row.Options[vtepdb.BindingsOption]
	case "external":
		p.Kind = vtepdb.Elsewhere
	case "chassisredirect":
		p.Gateway = true
		// The router's address is reached in the logical switch that the router's port leads to.
		router := n.db.PortBindingByLogicalPort.One(row.Options["distributed-port"])
		if router == nil {
			break
		}
		if peer := n.db.PortBindingByLogicalPort.One(router.Options["peer"]); peer != nil {
			p.Datapath = peer.Datapath
		}
	}
	p.EveryGroup = row.Options["mcast_flood"] == "true"
	if p.Kind == vtepdb.Station {
		for _, text := range row.MAC {
			if a, ok := vtepdb.ParseAddress(text); ok && !slices.ContainsFunc(p.MACs, func(o vtepdb.Address) bool { return o.MAC == a.MAC }) {
				p.MACs = append(p.MACs, a)
			}
		}
	}
	n.plan.SetPort(id, &p)
}

// routers is IGMP_Group.address of a row that says that there are multicast routers (ovn-northd).
const routers = "mrouters"

// group tells of members of a multicast group. A row of a chassis that has gone is about to go.
func (n *network) group(id ovsdb.UUID, row *sb.IGMPGroup) {
	if row == nil || row.Chassis.IsZero() {
		n.plan.SetGroup(id, nil)
		return
	}
	g := &vtepdb.Group{Datapath: row.Datapath, Chassis: row.Chassis}
	if row.Address != routers {
		ip, err := netip.ParseAddr(row.Address)
		mac, ok := vtepdb.GroupMAC(ip)
		if err != nil || !ok {
			n.plan.SetGroup(id, nil) // for everybody, or malformed, which is nothing to a switch
			return
		}
		g.MAC = mac
	}
	n.plan.SetGroup(id, g)
}

// learned tells of an FDB row. One that is malformed is nothing to a switch.
func (n *network) learned(id ovsdb.UUID, row *sb.FDB) {
	if row == nil {
		n.plan.SetLearned(id, nil)
		return
	}
	mac, err := wire.ParseMAC(strings.ToLower(row.MAC))
	if err != nil || mac.IsMulticast() || mac.IsZero() {
		n.plan.SetLearned(id, nil)
		return
	}
	n.plan.SetLearned(id, &vtepdb.Learned{Place: vtepdb.Place{Datapath: row.DPKey, MAC: mac}, Port: row.PortKey})
}
