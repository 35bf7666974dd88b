package physical

import (
	"github.com/sluice-gw/sluice/controlplane/ha"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/encap"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// vxlanMulticast is the bit of a 12-bit port key that marks a multicast group.
const vxlanMulticast = 1 << 11

// encapOps write the tunnel key for a packet to a logical port or group. ramp is a
// hardware VTEP, which knows the datapath only.
func encapOps(typ encap.Type, dp, out uint32, ramp bool) []ir.Op {
	switch typ {
	case encap.Geneve:
		return []ir.Op{loadBits(ir.TunID, 0, 24, uint64(dp)), load(ir.TunOpt, uint64(out)),
			copyBits(ir.TunOpt, 16, ir.Inport, 0, 15)}
	case encap.STT:
		return []ir.Op{load(ir.TunID, uint64(dp)|uint64(out)<<24), copyBits(ir.TunID, 40, ir.Inport, 0, 15)}
	}
	vni := dp
	if !ramp {
		if out >= 1<<15 {
			out = vxlanMulticast | out&(vxlanMulticast-1)
		}
		vni |= out << 12
	}
	return []ir.Op{loadBits(ir.TunID, 0, 24, uint64(vni))}
}

// tunnelsTo are the tunnels from our address local to the chassis that a port is bound
// to, this one left out.
func (p *Physical) tunnelsTo(pb *sb.PortBinding, local string) []encap.Tunnel {
	self := p.World.SelfID()
	var out []encap.Tunnel
	add := func(id ovsdb.UUID, want *sb.Encap) {
		if id.IsZero() || id == self {
			return
		}
		if t, ok := p.Tunnels.Find(p.World.ChassisName(id), want, local); ok {
			out = append(out, t)
		}
	}
	add(pb.Chassis, p.World.SB.Encap.Get(pb.Encap))
	for _, id := range pb.AdditionalChassis {
		var want *sb.Encap
		for _, e := range pb.AdditionalEncap {
			if row := p.World.SB.Encap.Get(e); row != nil && row.ChassisName == p.World.ChassisName(id) {
				want = row
			}
		}
		add(id, want)
	}
	return out
}

// remote sends to a port of another chassis.
func (c *portCtx) remote() {
	if c.pb.Options["redirect-type"] == "bridged" {
		c.bridged()
		return
	}
	if members := c.Tunnels.Group(c.pb.HAChassisGroup).Ordered(); len(members) >= 2 && c.is.Ofport == 0 {
		for n, local := range c.locals {
			if !c.toGroup(members, n, local) {
				return
			}
		}
		return
	}
	for n, local := range c.locals {
		tunnels := c.tunnelsTo(c.pb, local)
		if len(tunnels) == 0 {
			return
		}
		c.add(ir.RemoteOutput, 100, c.dp, c.leaving(n, outport(c.key)), append(c.tunnelOps(tunnels), call(ir.LocalOutput))...)
	}
	c.fromMultichassis()
}

// toGroup sends from our address local, at place n, to the first chassis of a gateway
// group that is alive. It tells whether that can be.
func (c *portCtx) toGroup(members []ha.Member, n int, local string) bool {
	var ports []uint32
	typ := encap.None
	for _, m := range members {
		t, ok := c.Tunnels.Find(m.Chassis, nil, local)
		if !ok {
			continue
		}
		if typ != encap.None && typ != t.Type {
			c.refused = append(c.refused, "the chassis of port "+c.pb.LogicalPort+" have different tunnel types: a gateway group "+
				"needs one type that all its chassis and this one have; packets to it are dropped")
			return false
		}
		typ = t.Type
		ports = append(ports, t.Ofport)
	}
	if len(ports) > 0 {
		c.add(ir.RemoteOutput, 100, c.dp, c.leaving(n, outport(c.key)),
			append(encapOps(typ, c.dp, c.key, c.ramp()), ir.FirstUp{Ports: ports})...)
	}
	return true
}

func (c *portCtx) ramp() bool { return binding.KindOf(c.pb) == binding.VTEP }

func (c *portCtx) tunnelOps(tunnels []encap.Tunnel) []ir.Op {
	var ops []ir.Op
	if c.ramp() { // answers of the router go back by the tunnel that the question came by
		ops = append(ops, loadBits(ir.InPort, 0, 16, none))
	}
	for _, t := range tunnels {
		ops = append(ops, encapOps(t.Type, c.dp, c.key, c.ramp())...)
		ops = append(ops, ir.ToPort{Port: t.Ofport})
	}
	return ops
}

// fromMultichassis sends what comes from a port that is on two chassis at once
// (live migration) by tunnel even where a physical network would do: the switches
// there would learn its MAC address on the wrong side.
func (c *portCtx) fromMultichassis() {
	for n, local := range c.locals {
		tunnels := c.tunnelsTo(c.pb, local)
		if len(tunnels) == 0 {
			return
		}
		for _, mc := range c.Local.Multichassis(c.pb.Datapath) {
			if mc.UUID == c.pb.UUID {
				continue
			}
			ops := c.tunnelOps(tunnels)
			if c.is.Ofport != 0 { // it is on two chassis itself, and this is one
				ops = append(ops, call(ir.LocalOutput))
			}
			c.add(ir.RemoteOutput, 110, c.dp, c.leaving(n, outport(c.key), inport(uint32(mc.TunnelKey))), ops...)
			if n == 0 {
				c.tooBig(mc, tunnels)
			}
		}
	}
}

// etherOverhead is an Ethernet header with a VLAN tag, which the length of a
// packet includes and an MTU does not.
const etherOverhead = 18

// tooBig answers IP packets of a multichassis port that do not fit into the
// tunnel with ICMP errors: they would have fitted into the physical network.
func (c *portCtx) tooBig(mc *sb.PortBinding, tunnels []encap.Tunnel) {
	row := c.World.VSW.Interface.Get(c.Ports.Get(mc.UUID).Iface)
	if row == nil || !row.MTU.OK {
		return
	}
	overhead := 0
	for _, t := range tunnels {
		overhead = max(overhead, t.Overhead())
	}
	mtu := int(row.MTU.V) - overhead
	if mtu <= etherOverhead {
		return
	}
	for _, v6 := range []bool{false, true} {
		for _, side := range []ir.Field{ir.Inport, ir.Outport} {
			c.tooBigRules(side, uint32(mc.TunnelKey), uint16(mtu), v6)
		}
	}
}
