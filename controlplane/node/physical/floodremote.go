package physical

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/encap"
	"github.com/sluice-gw/sluice/controlplane/sb"
)

// A transit router is in several availability zones (ovn-architecture(7), "OVN
// Deployment Models"), and a neighbour answers it in one of them. The others have no
// port there, so ovn-northd of 25.03 and later has answers to ARP requests and neighbour
// solicitations sent to every chassis of another zone (flood_remote). They have no
// outport: the receiver takes them through the router's ingress pipeline, where
// flags.tunnel_rx keeps them from being sent on.

// floodsRemote tells whether ovn-northd has them sent.
func (p *Physical) floodsRemote() bool { return p.World.NorthdSince(25, 3) }

// remote tells whether a chassis is of another availability zone.
func remote(c *sb.Chassis) bool { return c != nil && c.OtherConfig["is-remote"] == "true" }

// floodRemote makes the rules of both sides.
func (p *Physical) floodRemote(b *builder) {
	if !p.flooding {
		return
	}
	var ops []ir.Op
	last := encap.None
	for _, name := range slices.Sorted(maps.Keys(p.Tunnels.All())) {
		if !remote(p.World.SB.ChassisByName.One(name)) {
			continue
		}
		t, _ := p.Tunnels.Find(name, nil, "")
		if t.Type != last {
			ops, last = append(ops, floodOps(t.Type)...), t.Type
		}
		ops = append(ops, ir.ToPort{Port: t.Ofport})
		for _, t := range p.Tunnels.All()[name] { // the other side may choose another one
			fromZone(b, t)
		}
	}
	if len(ops) > 0 {
		b.add(ir.FloodRemote, 100, 0, match(flag(ir.FlagRxFromTunnel, false)), ops...)
	}
}

// floodOps write the tunnel key of a packet without an outport. VXLAN has room for one
// port only: the inport takes the place of the outport.
func floodOps(typ encap.Type) []ir.Op {
	switch typ {
	case encap.Geneve:
		return []ir.Op{copyBits(ir.TunID, 0, ir.Datapath, 0, 24), load(ir.TunOpt, 0), copyBits(ir.TunOpt, 16, ir.Inport, 0, 15)}
	case encap.STT:
		return []ir.Op{load(ir.TunID, 0), copyBits(ir.TunID, 0, ir.Datapath, 0, 24), copyBits(ir.TunID, 40, ir.Inport, 0, 15)}
	}
	return []ir.Op{copyBits(ir.TunID, 12, ir.Inport, 0, 12), copyBits(ir.TunID, 0, ir.Datapath, 0, 12)}
}

// fromZone takes answers from a tunnel to another zone. Of VXLAN it cannot be told
// whether they were flooded, so they are delivered as well; groups are left to the rule
// for them.
func fromZone(b *builder, t encap.Tunnel) {
	flooded := ir.Masked(ir.TunOpt, 0, 0xffff)
	switch t.Type {
	case encap.STT:
		flooded = ir.Masked(ir.TunID, 0, 0xffff<<24)
	case encap.VXLAN:
		flooded = ir.Masked(ir.TunID, 0, vxlanMulticast<<12)
	}
	ops := decapOps(t.Type)
	if t.Type == encap.VXLAN {
		ops = append(ops, ir.Clone{Ops: []ir.Op{call(ir.LocalOutput)}})
	}
	ops = append(ops, setFlag(ir.FlagRxFromTunnel), call(ir.Ingress(0)))
	in := ir.Exact(ir.InPort, uint64(t.Ofport))
	b.add(ir.PhyToLog, 120, 0, match(in, flooded, ir.Exact(ir.EthType, 0x0806), ir.Exact(ir.ARPOp, 2)), ops...)
	b.add(ir.PhyToLog, 120, 0, match(in, flooded, ir.Exact(ir.EthType, 0x86dd), ir.Exact(ir.IPProto, 58), ir.Exact(ir.ICMP6Type, 136), ir.Exact(ir.ICMP6Code, 0)), ops...)
}
