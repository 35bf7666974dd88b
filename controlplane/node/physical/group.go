package physical

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/node/encap"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// groupRules are the rules of one multicast group: copies to the local members,
// and one copy to each chassis that has others.
func (p *Physical) groupRules(id ovsdb.UUID) []ir.Rule {
	mc := p.World.SB.MulticastGroup.Get(id)
	p.file(id, mc)
	if mc == nil {
		return nil
	}
	dp, local := p.Local.Key(mc.Datapath)
	if !local {
		return nil
	}
	g := &group{Physical: p, mc: mc, dp: dp, chassis: map[string]bool{}, vtep: map[string]bool{}}
	if row := p.World.SB.DatapathBinding.Get(mc.Datapath); row != nil {
		g.transit = datapath.IsTransit(row)
	}
	g.hasLocalnet = p.plugged(mc.Datapath) != nil
	g.hasVTEP = slices.ContainsFunc(p.World.SB.PortBindingByType.Get("vtep"), func(pb *sb.PortBinding) bool { return pb.Datapath == mc.Datapath })
	members := make([]*sb.PortBinding, 0, len(mc.Ports))
	for _, m := range mc.Ports {
		if pb := p.World.SB.PortBinding.Get(m); pb != nil && pb.Datapath == mc.Datapath {
			members = append(members, pb)
		}
	}
	slices.SortFunc(members, func(a, b *sb.PortBinding) int { return cmp.Compare(a.TunnelKey, b.TunnelKey) })
	for _, pb := range members {
		g.member(pb)
	}
	b := &builder{owner: ir.Owner{Kind: ir.OwnerMulticastGroup, UUID: id}}
	g.finish(b)
	return b.rules
}

// file remembers which ports are in which group.
func (p *Physical) file(id ovsdb.UUID, mc *sb.MulticastGroup) {
	var now []ovsdb.UUID
	if mc != nil {
		now = mc.Ports
	}
	if slices.Equal(now, p.members[id]) {
		return
	}
	for _, m := range p.members[id] {
		groups := slices.DeleteFunc(p.memberOf[m], func(g ovsdb.UUID) bool { return g == id })
		if p.memberOf[m] = groups; len(groups) == 0 {
			delete(p.memberOf, m)
		}
	}
	for _, m := range now {
		if !slices.Contains(p.memberOf[m], id) {
			p.memberOf[m] = append(p.memberOf[m], id)
		}
	}
	if p.members[id] = now; mc == nil {
		delete(p.members, id)
	}
}

type group struct {
	*Physical
	mc            *sb.MulticastGroup
	dp            uint32
	transit       bool
	hasLocalnet   bool
	hasVTEP       bool
	here          []ir.Op // delivery on this chassis, wherever the packet came from
	origin        []ir.Op // done only where the packet entered the pipeline
	routers       []ir.Op // the part of origin that goes to patch ports
	chassis, vtep map[string]bool
}

// deliver gives a copy to pb, in its conntrack zone.
func (g *group) deliver(pb *sb.PortBinding) []ir.Op {
	var ops []ir.Op
	if z := g.Zones.Get(pb.LogicalPort); z != 0 {
		ops = append(ops, g.loadZone(z))
	}
	return append(ops, load(ir.Outport, uint64(pb.TunnelKey)), call(ir.CheckLoopback))
}

func (g *group) member(pb *sb.PortBinding) {
	kind, is := binding.KindOf(pb), g.Ports.Get(pb.UUID)
	switch {
	case kind == binding.Patch && g.transit:
		g.here = append(g.here, g.deliver(pb)...)
	case kind == binding.Patch, kind == binding.Localport:
		// Every chassis has these: a router's copy must be made once only.
		g.origin = append(g.origin, g.deliver(pb)...)
		if kind == binding.Patch {
			g.routers = append(g.routers, g.deliver(pb)...)
		}
	case kind == binding.Remote:
		if t, ok := g.Tunnels.Find(g.World.ChassisName(pb.Chassis), nil, g.locals[0]); ok {
			g.origin = append(g.origin, load(ir.Outport, uint64(pb.TunnelKey)))
			g.origin = append(g.origin, encapOps(t.Type, g.dp, uint32(pb.TunnelKey), false)...)
			g.origin = append(g.origin, ir.ToPort{Port: t.Ofport})
		}
	case is.Bound && (is.Ofport != 0 || kind == binding.L3Gateway):
		g.here = append(g.here, g.deliver(pb)...)
		g.others(pb)
	case (kind == binding.Localnet || kind == binding.L2Gateway) && is.Ofport != 0:
		g.here = append(g.here, g.deliver(pb)...)
	case kind == binding.ChassisRedirect && is.Resident:
		if port := g.distributed(pb); port != nil {
			g.here = append(g.here, g.deliver(port)...)
		}
	default:
		g.others(pb)
	}
}

// others adds the other chassis that a member is on. Where the physical network is
// plugged in they get their copy through it.
func (g *group) others(pb *sb.PortBinding) {
	if g.hasLocalnet {
		return
	}
	self := g.World.SelfID()
	for _, id := range append([]ovsdb.UUID{pb.Chassis}, pb.AdditionalChassis...) {
		c := g.World.SB.Chassis.Get(id)
		switch {
		case c == nil || id == self:
		case c.OtherConfig["is-vtep"] == "true":
			g.vtep[c.Name] = true
		default:
			g.chassis[c.Name] = true
		}
	}
}

func (g *group) finish(b *builder) {
	key := uint64(g.mc.TunnelKey)
	m := match(outport(uint32(key)))
	deliverHere := slices.ContainsFunc(g.here, func(op ir.Op) bool { _, ok := op.(ir.Call); return ok })
	if deliverHere {
		b.add(ir.LocalOutput, 100, g.dp, m, append(g.here, load(ir.Outport, key))...)
	}
	if len(g.origin) > 0 {
		g.origin = append(g.origin, load(ir.Outport, key))
	}
	ops := g.fanout(g.fanout(g.origin, g.chassis, false), g.vtep, true)
	if len(ops) == 0 {
		return
	}
	if deliverHere {
		ops = append(ops, call(ir.LocalOutput))
	}
	if !g.hasVTEP {
		b.add(ir.RemoteOutput, 100, g.dp, m, ops...)
		return
	}
	// A hardware VTEP gives a copy to each chassis itself. What a router makes of
	// its packet, with the loopback flag, goes to routers and stays here too.
	b.add(ir.RemoteOutput, 100, g.dp, match(outport(uint32(key)), flag(ir.FlagRcvFromRamp, false)), ops...)
	if len(g.routers) > 0 {
		b.add(ir.RemoteOutput, 120, g.dp, match(outport(uint32(key)), ir.Masked(ir.Flags, rampLoopback, rampLoopback)),
			append(g.routers, load(ir.Outport, key), call(ir.LocalOutput))...)
	}
}

// rampLoopback are the flags of what came from a hardware VTEP and was turned round.
const rampLoopback = 1<<ir.FlagRcvFromRamp | 1<<ir.FlagAllowLoopback

// fanout appends a copy to each chassis.
func (g *group) fanout(ops []ir.Op, chassis map[string]bool, ramp bool) []ir.Op {
	last := encap.None
	for _, name := range slices.Sorted(maps.Keys(chassis)) {
		t, ok := g.Tunnels.Find(name, nil, g.locals[0])
		if !ok {
			continue
		}
		if t.Type != last {
			ops = append(ops, encapOps(t.Type, g.dp, uint32(g.mc.TunnelKey), ramp)...)
			last = t.Type
		}
		ops = append(ops, ir.ToPort{Port: t.Ofport})
	}
	return ops
}
