package physical

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/encap"
)

// decapRules take packets from the tunnels.
func (p *Physical) decapRules() []ir.Rule {
	b := &builder{owner: ir.Owner{Kind: ir.OwnerChassis}}
	for name, tunnels := range p.Tunnels.All() {
		for _, t := range tunnels {
			p.fromTunnel(b, name, t)
		}
	}
	p.floodRemote(b)
	return b.rules
}

func (p *Physical) fromTunnel(b *builder, chassis string, t encap.Tunnel) {
	in := ir.Exact(ir.InPort, uint64(t.Ofport))
	deliver := call(ir.LocalOutput)
	decap := append(decapOps(t.Type), deliver)
	b.add(ir.PhyToLog, 100, 0, match(in), decap...)
	p.tooBigFromTunnel(b, chassis, t, decap)
	if t.Type != encap.VXLAN {
		return
	}
	b.add(ir.PhyToLog, 105, 0, match(in, ir.Masked(ir.TunID, vxlanMulticast<<12, vxlanMulticast<<12)),
		loadBits(ir.Outport, 15, 1, 1), copyBits(ir.Outport, 0, ir.TunID, 12, 11), copyBits(ir.Datapath, 0, ir.TunID, 0, 12), deliver)
	p.fromVTEP(b, chassis, in)
}

// decapOps read the tunnel key of a packet to one logical port, or to a group where
// there is room for both.
func decapOps(typ encap.Type) []ir.Op {
	switch typ {
	case encap.Geneve:
		return []ir.Op{copyBits(ir.Datapath, 0, ir.TunID, 0, 24), copyBits(ir.Inport, 0, ir.TunOpt, 16, 15), copyBits(ir.Outport, 0, ir.TunOpt, 0, 16)}
	case encap.STT:
		return []ir.Op{copyBits(ir.Inport, 0, ir.TunID, 40, 15), copyBits(ir.Outport, 0, ir.TunID, 24, 16), copyBits(ir.Datapath, 0, ir.TunID, 0, 24)}
	}
	// VXLAN between hypervisors: 12 bits each, the top one of the port says "group"
	return []ir.Op{copyBits(ir.Outport, 0, ir.TunID, 12, 12), copyBits(ir.Datapath, 0, ir.TunID, 0, 12)}
}

// fromVTEP takes packets from a hardware VTEP. It sends the datapath's key only, so
// they go through the ingress pipeline here. The flag says that it has given a copy to each chassis itself.
func (p *Physical) fromVTEP(b *builder, chassis string, in ir.Term) {
	for _, pb := range p.World.SB.PortBindingByType.Get("vtep") {
		dp, local := p.Local.Key(pb.Datapath)
		if !local || p.World.ChassisName(pb.Chassis) != chassis {
			continue
		}
		ops := []ir.Op{copyBits(ir.Datapath, 0, ir.TunID, 0, 24), loadBits(ir.Inport, 0, 15, uint64(pb.TunnelKey))}
		if p.replicates(chassis) {
			p.noHairpin(b, dp, uint32(pb.TunnelKey))
		} else {
			ops = append(ops, setFlag(ir.FlagRcvFromRamp))
		}
		b.add(ir.PhyToLog, 110, 0, match(in, ir.Exact(ir.TunID, uint64(dp))), append(ops, call(ir.Ingress(0)))...)
	}
}
