package physical

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/zones"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// portCtx is one port while its rules are made.
type portCtx struct {
	builder
	*Physical
	pb  *sb.PortBinding
	dp  uint32 // tunnel key of the datapath
	key uint32 // tunnel key of the port
	is  binding.Port

	refused []string // what cannot be done of it
}

// portRules are the rules of one Port_Binding row; none when it is gone or its
// datapath is not local.
func (p *Physical) portRules(id ovsdb.UUID) []ir.Rule {
	refusal := node.RefusalKey{Table: "Port_Binding", Row: id, Part: "tunnels"}
	pb := p.World.SB.PortBinding.Get(id)
	if pb == nil {
		p.World.Refuse(refusal)
		return nil
	}
	dp, local := p.Local.Key(pb.Datapath)
	if !local {
		p.World.Refuse(refusal)
		return nil
	}
	c := &portCtx{builder: builder{owner: ir.Owner{Kind: ir.OwnerPortBinding, UUID: id}}, Physical: p, pb: pb,
		dp: dp, key: uint32(pb.TunnelKey), is: p.Ports.Get(id)}
	c.make()
	p.World.Refuse(refusal, c.refused...)
	return c.rules
}

func (c *portCtx) make() {
	switch kind := binding.KindOf(c.pb); {
	case kind == binding.Patch || kind == binding.L3Gateway && c.is.Bound:
		c.patch()
		return
	case kind == binding.ChassisRedirect && c.is.Resident:
		c.redirectHere()
		return
	}
	if ofport, vid, parent, ok := c.port(); ok {
		c.local(ofport, vid, parent)
		return
	}
	// Where the physical network is plugged in, what is elsewhere is reached through it
	// or not at all; on a chassis without it, by tunnel. A network function, which packets
	// are led to that are not addressed to it, is always reached by tunnel.
	if c.plugged(c.pb.Datapath) != nil && len(c.pb.AdditionalChassis) == 0 && c.pb.Options["is-nf"] != "true" {
		localnet := c.localnet()
		if localnet == nil {
			return
		}
		if !c.tunnelAlways {
			c.viaLocalnet(localnet)
			return
		}
	}
	c.remote()
}

// alwaysTunnel tells whether switches with a physical network reach ports elsewhere by
// tunnel all the same: SB_Global options:always_tunnel, OVN 24.09 and later. Floods go
// through the physical network.
func (p *Physical) alwaysTunnel() bool {
	for g := range p.World.SB.SBGlobal.All() {
		return g.Options["always_tunnel"] == "true"
	}
	return false
}

// plugged is the first localnet port of a datapath whose network has a bridge on this
// chassis (ovn-bridge-mappings), nil when there is none.
func (p *Physical) plugged(dp ovsdb.UUID) *sb.PortBinding {
	for _, ln := range p.Local.Localnets(dp) {
		if bridge, ok := p.World.Config.BridgeOf(ln.Options["network_name"]); ok && p.World.VSW.BridgeByName.One(bridge) != nil {
			return ln
		}
	}
	return nil
}

// localnet is the first localnet port of the port's datapath whose patch port is
// there, nil when there is none.
func (c *portCtx) localnet() *sb.PortBinding {
	for _, ln := range c.Local.Localnets(c.pb.Datapath) {
		if c.Ifaces.PatchOfport(ln.LogicalPort) != 0 {
			return ln
		}
	}
	return nil
}

// port is the port number that a local port is reached by and its VLAN, 0 for
// none; parent is the port whose interface a container or a mirror port uses.
func (c *portCtx) port() (ofport uint32, vid uint16, parent *sb.PortBinding, ok bool) {
	switch binding.KindOf(c.pb) {
	case binding.Container:
		if c.is.Ofport == 0 || !c.pb.Tag.OK || c.pb.Tag.V == 0 {
			return 0, 0, nil, false
		}
		return c.is.Ofport, uint16(c.pb.Tag.V), c.World.SB.PortBindingByLogicalPort.One(binding.Parent(c.pb)), true
	case binding.Mirror:
		return c.is.Ofport, 0, c.World.SB.PortBindingByLogicalPort.One(binding.Parent(c.pb)), c.is.Ofport != 0
	case binding.Localnet, binding.L2Gateway:
		n := c.Ifaces.PatchOfport(c.pb.LogicalPort)
		if c.pb.Tag.OK {
			vid = uint16(c.pb.Tag.V)
		}
		return n, vid, nil, n != 0
	case binding.VIF, binding.Localport:
		return c.is.Ofport, 0, nil, c.is.Ofport != 0
	}
	return 0, 0, nil, false
}

// zoneOps load the conntrack zones of a port and its datapath.
func (p *Physical) zoneOps(pb *sb.PortBinding) []ir.Op {
	var ops []ir.Op
	if z := p.Zones.Get(pb.LogicalPort); z != 0 {
		ops = append(ops, p.loadZone(z))
	}
	if z := p.Zones.Get(zones.DNAT(pb.Datapath)); z != 0 {
		ops = append(ops, load(ir.DNATZone, uint64(z)))
	}
	if z := p.Zones.Get(zones.SNAT(pb.Datapath)); z != 0 {
		ops = append(ops, load(ir.SNATZone, uint64(z)))
	}
	return ops
}

// ingressOps make a packet one that entered the logical datapath by pb.
func (p *Physical) ingressOps(pb *sb.PortBinding, dp uint32) []ir.Op {
	ops := p.zoneOps(pb)
	if n := p.encapNumber(pb); n != 0 {
		ops = append(ops, loadBits(ir.CTZone, encapOffset, encapBits, uint64(n)))
	}
	return append(ops, load(ir.Datapath, uint64(dp)), load(ir.Inport, uint64(pb.TunnelKey)))
}

// common are the rules of every port that packets are delivered to on this chassis.
func (c *portCtx) common(parent *sb.PortBinding) {
	c.add(ir.LocalOutput, 100, c.dp, match(outport(c.key)), append(c.zoneOps(c.pb), call(ir.CheckLoopback))...)
	c.add(ir.CheckLoopback, 100, c.dp, match(flag(ir.FlagAllowLoopback, false), inport(c.key), outport(c.key)))

	// A packet that may leave by the port that it came in by: with the loopback
	// flag, or between a parent and its containers, which share a port.
	hairpin := []ir.Op{ir.Push{Src: ir.Bits(ir.InPort, 0, 16)}, loadBits(ir.InPort, 0, 16, none), call(ir.LogToPhy), ir.Pop{Dst: ir.Bits(ir.InPort, 0, 16)}}
	if parent == nil {
		c.add(ir.SaveInport, 100, c.dp, match(outport(c.key), flag(ir.FlagAllowLoopback, true)), hairpin...)
		return
	}
	c.add(ir.SaveInport, 100, c.dp, match(outport(c.key)), hairpin...)
	if parent.Datapath == c.pb.Datapath {
		c.add(ir.SaveInport, 100, c.dp, match(outport(uint32(parent.TunnelKey)), flag(ir.FlagNestedContainer, true)), hairpin...)
	} else if dp, ok := c.Local.Key(parent.Datapath); ok {
		c.add(ir.SaveInport, 100, dp, match(outport(uint32(parent.TunnelKey)), flag(ir.FlagNestedContainer, true)), hairpin...)
	}
}

// patch connects two logical datapaths: the packet enters the ingress pipeline of
// the peer, without what it carries of this one.
func (c *portCtx) patch() {
	peer := c.Local.PeerOf(c.pb)
	if peer == nil || !canBePeers(c.pb, peer) || peer.Options["peer"] != c.pb.LogicalPort {
		return
	}
	dpRow := c.World.SB.DatapathBinding.Get(peer.Datapath)
	if dpRow == nil {
		return
	}
	c.common(nil)
	ops := []ir.Op{ir.CTClear{}, load(ir.DNATZone, 0), load(ir.SNATZone, 0), c.loadZone(0)}
	ops = append(ops, c.ingressOps(peer, uint32(dpRow.TunnelKey))...)
	ops = append(ops, load(ir.Flags, 0), load(ir.Outport, 0))
	ops = append(ops, clearRegs()...)
	ops = append(ops, call(ir.Ingress(0)))
	c.add(ir.LogToPhy, 100, c.dp, match(outport(c.key)), ir.Clone{Ops: ops})
}

// canBePeers tells whether two ports may be the ends of one patch: a distributed
// router may be connected to a gateway router without a switch between.
func canBePeers(a, b *sb.PortBinding) bool {
	patches := func(pb *sb.PortBinding) bool {
		k := binding.KindOf(pb)
		return k == binding.Patch || k == binding.L3Gateway
	}
	return a.Type == b.Type || patches(a) && patches(b)
}

// redirectHere delivers what was sent to the chassisredirect port to the
// distributed port that it stands for. It does so just where the port is resident, because
// there only are the rules for NAT: what still comes to a gateway that has seen a better
// one come up, but has the port until that claims it, would leave untranslated.
func (c *portCtx) redirectHere() {
	port := c.distributed(c.pb)
	if port == nil {
		c.add(ir.LocalOutput, 100, c.dp, match(outport(c.key)))
		return
	}
	ops := append([]ir.Op{load(ir.Outport, uint64(port.TunnelKey))}, c.zoneOps(port)...)
	// What came by a tunnel may have to go back by it: to a port of the chassis that sent it here to be routed.
	ops = append(ops, loadBits(ir.InPort, 0, 16, none), call(ir.CheckLoopback))
	c.add(ir.LocalOutput, 100, c.dp, match(outport(c.key)), ops...)
}

// distributed is the port that a chassisredirect port stands for.
func (p *Physical) distributed(cr *sb.PortBinding) *sb.PortBinding {
	port := p.World.SB.PortBindingByLogicalPort.One(cr.Options["distributed-port"])
	if port == nil || port.Datapath != cr.Datapath {
		return nil
	}
	return port
}

// viaLocalnet sends to a port of another chassis through the physical network.
func (c *portCtx) viaLocalnet(localnet *sb.PortBinding) {
	c.add(ir.LocalOutput, 100, c.dp, match(outport(c.key)), load(ir.Outport, uint64(localnet.TunnelKey)), call(ir.LocalOutput))
	c.fromMultichassis()
}
