package controller

import (
	"cmp"
	"net"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
)

// LocalDatapath is a logical datapath with a part on this chassis.
type LocalDatapath struct {
	Name   string // external_ids:name; "" when it has none
	Key    uint32 // tunnel key
	Switch bool   // else it is a router
	// Peers are its logical patch ports that lead to other local datapaths, by name.
	Peers []PeerPorts
}

// PeerPorts are the names of the two ends of a logical patch.
type PeerPorts struct{ Local, Remote string }

// LocalDatapaths are all of them, by name and key.
func (c *Controller) LocalDatapaths() []LocalDatapath {
	out := make([]LocalDatapath, 0, len(c.local.All()))
	for id, key := range c.local.All() {
		row := c.w.SB.DatapathBinding.Get(id)
		if row == nil {
			continue
		}
		d := LocalDatapath{Name: row.ExternalIDs["name"], Key: key, Switch: datapath.IsSwitch(row)}
		for _, p := range c.local.Peers(id) {
			if _, here := c.local.Key(p.Remote.Datapath); here {
				d.Peers = append(d.Peers, PeerPorts{p.Local.LogicalPort, p.Remote.LogicalPort})
			}
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b LocalDatapath) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key)) })
	return out
}

// MACBinding is a learned neighbor of a local datapath.
type MACBinding struct {
	Cookie   uint32 // that its flows have
	Datapath uint32 // tunnel key
	IP       netip.Addr
	MAC      net.HardwareAddr
}

// MACBindings are the MAC_Binding rows of local datapaths, by datapath and address.
// Rows with an address that is none are left out.
func (c *Controller) MACBindings() []MACBinding {
	var out []MACBinding
	for id, key := range c.local.All() {
		for _, row := range c.w.SB.MACBindingByDatapath.Get(id) {
			ip, err := netip.ParseAddr(row.IP)
			mac, badMAC := net.ParseMAC(row.MAC)
			if err != nil || badMAC != nil {
				continue
			}
			out = append(out, MACBinding{ir.Owner{UUID: row.UUID}.Cookie(), key, ip, mac})
		}
	}
	slices.SortFunc(out, func(a, b MACBinding) int {
		return cmp.Or(cmp.Compare(a.Datapath, b.Datapath), a.IP.Compare(b.IP), cmp.Compare(a.Cookie, b.Cookie))
	})
	return out
}
