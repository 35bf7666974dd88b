package physical

import (
	"net"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/controlplane/sb"
)

// localnetRules are the rules that only a port to a physical network has.
func (c *portCtx) localnetRules(ofport uint32, vid uint16) {
	drop := func(flags ...ir.Term) {
		c.add(ir.CheckLoopback, 160, c.dp, match(append(flags, outport(c.key))...))
	}
	drop(flag(ir.FlagLocalport, true)) // traffic of a localport does not leave the chassis
	// Nor does what each chassis makes for itself, but for the gateway's.
	drop(ir.Masked(ir.Flags, 1<<ir.FlagLocalOnly, 1<<ir.FlagLocalOnly|1<<ir.FlagOverrideLocalOnly))
	c.localportToExternal()
	c.chassisMACs(ofport, vid)
}

// localportToExternal lets answers of a localport (metadata, DHCP) out to ports
// behind the physical network that this chassis serves (type external).
func (c *portCtx) localportToExternal() {
	for _, ext := range c.Local.Externals(c.pb.Datapath) {
		if ext.Chassis != c.World.SelfID() {
			continue
		}
		for _, addr := range ext.MAC {
			if mac, ok := firstMAC(addr); ok {
				c.add(ir.CheckLoopback, 170, c.dp,
					match(outport(c.key), flag(ir.FlagLocalport, true), ir.Exact(ir.EthDst, mac)),
					append(clearRegs(), call(ir.Egress(0)))...)
			}
		}
	}
}

// chassisMACs keep a router port's MAC address, which is on every chassis, from
// moving about in the physical switches: on the way out it is replaced by the
// chassis's own (ovn-chassis-mac-mappings), on the way in it is put back.
func (c *portCtx) chassisMACs(ofport uint32, vid uint16) {
	network := c.pb.Options["network_name"]
	var routers []*sb.PortBinding
	for _, peer := range c.Local.Peers(c.pb.Datapath) {
		routers = append(routers, peer.Remote)
	}
	own, ownOK := firstMAC(c.World.Config.ChassisMACs[network])
	for _, r := range routers {
		mac, ok := portMAC(r)
		if !ok || !ownOK || c.Ports.Resident("cr-"+r.LogicalPort) {
			continue
		}
		ops := []ir.Op{load(ir.EthSrc, own)}
		if vid != 0 {
			ops = append(ops, pushVLAN(vid, c.ethtype())...)
		}
		ops = append(ops, ir.ToPort{Port: ofport}, load(ir.EthSrc, mac))
		if vid != 0 {
			ops = append(ops, ir.PopVLAN{})
		}
		c.add(ir.LogToPhy, 150, c.dp, match(outport(c.key), ir.Exact(ir.EthSrc, mac)), ops...)
	}
	if len(routers) == 0 {
		return
	}
	mac, ok := portMAC(routers[0])
	if !ok {
		return
	}
	var seen []uint64
	for ch := range c.World.SB.Chassis.All() {
		if ch.Name == c.World.Config.Chassis {
			continue
		}
		for _, text := range config.ChassisMACs(ch.OtherConfig["ovn-chassis-mac-mappings"]) {
			remote, ok := firstMAC(text)
			if !ok || slices.Contains(seen, remote) {
				continue
			}
			seen = append(seen, remote)
			terms := []ir.Term{ir.Exact(ir.InPort, uint64(ofport)), ir.Exact(ir.EthSrc, remote)}
			var ops []ir.Op
			if vid != 0 {
				terms = append(terms, vlan(vid))
				ops = append(ops, ir.PopVLAN{})
			} else {
				terms = append(terms, untagged())
			}
			ops = append(ops, c.ingressOps(c.pb, c.dp)...)
			ops = append(ops, load(ir.EthSrc, mac), call(ir.Ingress(0)))
			c.add(ir.PhyToLog, 180, 0, match(terms...), ops...)
		}
	}
}

// bridged sends what is meant for a chassisredirect port elsewhere through the
// physical network instead of a tunnel (options:redirect-type=bridged).
func (c *portCtx) bridged() {
	mac, ok := portMAC(c.pb)
	if binding.KindOf(c.pb) != binding.ChassisRedirect || !ok {
		return
	}
	for _, peer := range c.Local.Peers(c.pb.Datapath) {
		if peer.Local.LogicalPort != c.pb.Options["distributed-port"] {
			continue
		}
		dp, local := c.Local.Key(peer.Remote.Datapath)
		if ln := c.plugged(peer.Remote.Datapath); local && ln != nil {
			c.add(ir.LocalOutput, 100, c.dp, match(outport(c.key)), load(ir.EthSrc, mac), load(ir.Datapath, uint64(dp)),
				load(ir.Outport, uint64(ln.TunnelKey)), call(ir.LogToPhy))
		}
		return
	}
}

// portMAC is the first MAC address of a port.
func portMAC(pb *sb.PortBinding) (uint64, bool) {
	if len(pb.MAC) == 0 {
		return 0, false
	}
	return firstMAC(pb.MAC[0])
}

// firstMAC reads the MAC address at the start of an addresses string.
func firstMAC(s string) (uint64, bool) {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	mac, err := net.ParseMAC(word)
	if err != nil || len(mac) != 6 {
		return 0, false
	}
	return ir.BytesValue(mac).Lo, true
}
