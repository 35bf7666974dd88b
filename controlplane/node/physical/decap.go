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
	return b.rules
}

func (p *Physical) fromTunnel(b *builder, chassis string, t encap.Tunnel) {
	in := ir.Exact(ir.InPort, uint64(t.Ofport))
	deliver := call(ir.LocalOutput)
	var decap []ir.Op
	switch t.Type {
	case encap.Geneve:
		decap = []ir.Op{copyBits(ir.Datapath, 0, ir.TunID, 0, 24), copyBits(ir.Inport, 0, ir.TunOpt, 16, 15),
			copyBits(ir.Outport, 0, ir.TunOpt, 0, 16), deliver}
	case encap.STT:
		decap = []ir.Op{copyBits(ir.Inport, 0, ir.TunID, 40, 15), copyBits(ir.Outport, 0, ir.TunID, 24, 16),
			copyBits(ir.Datapath, 0, ir.TunID, 0, 24), deliver}
	default: // VXLAN between hypervisors: 12 bits each, the top one of the port says "group"
		decap = []ir.Op{copyBits(ir.Outport, 0, ir.TunID, 12, 12), copyBits(ir.Datapath, 0, ir.TunID, 0, 12), deliver}
	}
	b.add(ir.PhyToLog, 100, 0, match(in), decap...)
	p.tooBigFromTunnel(b, chassis, t, decap)
	if t.Type != encap.VXLAN {
		return
	}
	b.add(ir.PhyToLog, 105, 0, match(in, ir.Masked(ir.TunID, vxlanMulticast<<12, vxlanMulticast<<12)),
		loadBits(ir.Outport, 15, 1, 1), copyBits(ir.Outport, 0, ir.TunID, 12, 11), copyBits(ir.Datapath, 0, ir.TunID, 0, 12), deliver)
	p.fromVTEP(b, chassis, in)
}

// fromVTEP takes packets from a hardware VTEP. It sends the datapath's key only, so
// they go through the ingress pipeline here.
func (p *Physical) fromVTEP(b *builder, chassis string, in ir.Term) {
	for _, pb := range p.World.SB.PortBindingByType.Get("vtep") {
		dp, local := p.Local.Key(pb.Datapath)
		if !local || p.World.ChassisName(pb.Chassis) != chassis {
			continue
		}
		b.add(ir.PhyToLog, 110, 0, match(in, ir.Exact(ir.TunID, uint64(dp))), copyBits(ir.Datapath, 0, ir.TunID, 0, 24),
			loadBits(ir.Inport, 0, 15, uint64(pb.TunnelKey)), setFlag(ir.FlagRcvFromRamp), call(ir.Ingress(0)))
	}
}
