package plan

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// readRemotes finds the tunnel addresses that the controller has stations or groups at.
func (p *Plan) readRemotes() {
	p.remotes = map[string]bool{}
	add := func(locator ovsdb.UUID) {
		if row := p.db.PhysicalLocator.Get(locator); row != nil {
			if ip, err := netip.ParseAddr(row.DstIP); err == nil && ip.Is4() && ip != p.cfg.TunnelIP {
				p.remotes[row.DstIP] = true
			}
		}
	}
	for locator := range p.uses {
		add(locator)
	}
	for row := range p.db.McastMacsRemote.All() {
		if set := p.db.PhysicalLocatorSet.Get(row.LocatorSet); set != nil {
			for _, l := range set.Locators {
				add(l)
			}
		}
	}
}

// readTunnels reads the switch's rows of table Tunnel, and what BFD says of their ports. When it is another thing than before a service node may have to be
// chosen anew; readTunnels is part of a Settle that looks at everything.
func (p *Plan) readTunnels() {
	p.tunnels = map[string]*switchrows.Tunnel{}
	p.down = map[string]bool{}
	if p.self == nil {
		return
	}
	for _, id := range p.self.Tunnels {
		row := p.db.Tunnel.Get(id)
		if row == nil {
			continue
		}
		remote := p.db.PhysicalLocator.Get(row.Remote)
		if remote == nil || p.tunnels[remote.DstIP] != nil {
			continue
		}
		p.tunnels[remote.DstIP] = row
		if status := p.bfdStatus(row, remote.DstIP); status["state"] != "" && status["forwarding"] != "true" {
			p.down[remote.DstIP] = true
		}
	}
}

// BFD's addresses where nobody has set others (vtep(5)).
const (
	bfdMAC      = "00:23:20:00:00:01"
	bfdLocalIP  = "169.254.1.0"
	bfdRemoteIP = "169.254.1.1"
)

// bfdLocal is Tunnel.bfd_config_local: what we expect as the destination of BFD messages.
func bfdLocal() map[string]string {
	return map[string]string{"bfd_dst_mac": bfdMAC, "bfd_dst_ip": bfdLocalIP}
}

// bfdParams are the settings of Tunnel.bfd_params that Open vSwitch knows by the same names (ovs-vswitchd.conf.db(5), Interface.bfd).
var bfdParams = []string{"min_rx", "min_tx", "decay_min_rx", "forwarding_if_rx", "cpath_down", "check_tnl_key"}

// bfd is how Open vSwitch is told to run BFD in a tunnel; nil: not at all. Its bfd_local_dst_mac is where messages are sent to, bfd_remote_dst_mac where they are
// expected. The address that they are expected at is left alone (bfd_src_ip): Open vSwitch then takes any, while with one set, its cache of flows has a message to another
// address keep out those to the right one.
func bfd(row *switchrows.Tunnel) map[string]string {
	if row == nil || row.BFDParams["enable"] != "true" {
		return nil
	}
	set := map[string]string{"enable": "true", "bfd_remote_dst_mac": bfdMAC,
		"bfd_local_dst_mac": cmp.Or(row.BFDConfigRemote["bfd_dst_mac"], bfdMAC),
		"bfd_dst_ip":        cmp.Or(row.BFDConfigRemote["bfd_dst_ip"], bfdRemoteIP)}
	for _, k := range bfdParams {
		if v := row.BFDParams[k]; v != "" {
			set[k] = v
		}
	}
	return set
}

// bfdStatus is Tunnel.bfd_status: nothing while BFD is not enabled, else what Open vSwitch says.
func (p *Plan) bfdStatus(row *switchrows.Tunnel, remote string) map[string]string {
	if bfd(row) == nil {
		return nil
	}
	u, there := p.uplinks[remote]
	if !there {
		return nil // its port is being made
	}
	if u.row.Error.OK {
		return map[string]string{"enabled": "false", "info": u.row.Error.V}
	}
	status := map[string]string{"enabled": "true"}
	for _, k := range []string{"state", "forwarding", "diagnostic", "remote_state", "remote_diagnostic"} {
		if v := u.row.BFDStatus[k]; v != "" {
			status[k] = v
		}
	}
	return status
}

// wantedPort is a tunnel port as it is to be.
type wantedPort struct {
	name         string
	options, bfd map[string]string
}

// wantedPorts are the tunnel ports by the address that they lead to: one for all, which data goes through, and one more for each address that BFD runs
// with. Open vSwitch gives what comes from there to the latter, as its address is the more specific one.
func (p *Plan) wantedPorts() map[string]wantedPort {
	local := p.cfg.TunnelIP.String()
	port := func(prefix string, at netip.Addr, remote string, bfd map[string]string) wantedPort {
		return wantedPort{portName(prefix, at), map[string]string{"remote_ip": remote, "key": "flow", "local_ip": local}, bfd}
	}
	wanted := map[string]wantedPort{toAll: port("vxlan", p.cfg.TunnelIP, "flow", nil)}
	for _, ip := range slices.Sorted(maps.Keys(p.tunnels)) {
		if set := bfd(p.tunnels[ip]); set != nil && p.remotes[ip] {
			if at, err := netip.ParseAddr(ip); err == nil {
				wanted[ip] = port("vxbfd", at, ip, set)
			}
		}
	}
	return wanted
}

const hexDigits = "0123456789abcdef"

// portName is the name of a tunnel port: a prefix and the address in hexadecimal digits, as names have 15 bytes at most.
func portName(prefix string, ip netip.Addr) string {
	name := []byte(prefix)
	for _, b := range ip.As4() {
		name = append(name, hexDigits[b>>4], hexDigits[b&15])
	}
	return string(name)
}
