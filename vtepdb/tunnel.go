package vtepdb

import (
	"fmt"
	"maps"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// bfdRemote is Tunnel.bfd_config_remote: what hypervisors expect in BFD messages, which are Open vSwitch's defaults (vtep(5),
// ovs-vswitchd.conf.db(5)).
var bfdRemote = map[string]string{"bfd_dst_mac": "00:23:20:00:00:01", "bfd_dst_ip": "169.254.1.1"}

// markTunnels marks all Tunnel rows.
func (p *Planner) markTunnels() {
	for row := range p.db.Tunnel.All() {
		p.tunnels[row.UUID] = true
	}
}

// markTunnelsTo marks those to an address.
func (p *Planner) markTunnelsTo(ip string) {
	for row := range p.db.Tunnel.All() {
		if p.endOf(row) == ip {
			p.tunnels[row.UUID] = true
		}
	}
}

func (p *Planner) configuresBFD() bool { return p.settings.bfd != nil && !p.withdrawn }

// endOf is the address that a tunnel leads to, "" if it is not known.
func (p *Planner) endOf(row *rows.Tunnel) string {
	if l := p.db.PhysicalLocator.Get(row.Remote); l != nil {
		return l.DstIP
	}
	return ""
}

// watchTunnels looks whether the tunnels that have changed are down. Nothing else follows from that: what goes there has no other way,
// and of several service nodes a switch takes one that it reaches.
func (p *Planner) watchTunnels() {
	for id := range p.tunnels {
		row, text := p.db.Tunnel.Get(id), ""
		if row != nil && p.tunnelOf[id] != "" && row.BFDStatus["enabled"] == "true" && row.BFDStatus["state"] != "up" {
			text = fmt.Sprintf("switch %s reports that its tunnel to %s is %s by BFD (%s), so that neither reaches the other; look at the network between them",
				p.tunnelOf[id], p.endOf(row), row.BFDStatus["state"], row.BFDStatus["diagnostic"])
			if mac := row.BFDConfigLocal["bfd_dst_mac"]; mac != "" && mac != bfdRemote["bfd_dst_mac"] {
				text += fmt.Sprintf(", and at the MAC address that the switch wants in BFD messages (bfd_config_local:bfd_dst_mac), which is %s and not Open vSwitch's", mac)
			}
		}
		p.problems.set(tunnelDown, id.String(), text)
	}
}

// writeTunnel keeps the controller's part of a tunnel: BFD, where the other end runs it, too. Switches make the rows.
func (w *writer) writeTunnel(id ovsdb.UUID) bool {
	row := w.db.Tunnel.Get(id)
	if row == nil || w.tunnelOf[id] == "" {
		return false
	}
	var params, remote map[string]string
	ip := w.endOf(row)
	if w.configuresBFD() && w.bfd[ip] > 0 {
		params, remote = w.settings.bfd, bfdRemote
	} else if !w.recordedBFD || !w.known(ip) {
		return false // it is not from here
	}
	if maps.Equal(row.BFDParams, params) && maps.Equal(row.BFDConfigRemote, remote) {
		return false
	}
	name := fmt.Sprintf("BFD on the tunnel of switch %s to %s", w.tunnelOf[id], ip)
	if w.tx.Part(idl.Part{Kind: "tunnel", Table: "Tunnel", Row: id, Name: name}) {
		w.wrote(id, name)
		w.tx.Update("Tunnel", id, map[string]any{"bfd_params": params, "bfd_config_remote": remote})
	}
	return true
}
