package physical

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/encap"
	"github.com/sluice-gw/sluice/controlplane/sb"
)

// When a packet is too big for the path of its tunnel, the sending host's network
// stack answers with an ICMP error "too big" that comes out of the tunnel port with
// the metadata of the packet: its logical inport and outport. ovn-northd of 24.03 and
// later turns such an error round at the start of the ingress pipeline, where it
// knows it by flags.tunnel_rx, and drops all others that come that way. An older one
// knows nothing of it: it would deliver errors twice.

// pmtud tells whether ovn-northd knows flags.tunnel_rx.
func (p *Physical) pmtud() bool { return p.World.NorthdSince(24, 3) }

// Stale says why all rules must be made anew; "" when they need not.
func (p *Physical) Stale() string {
	if p.pmtud() != p.tooBigBack || p.floodsRemote() != p.flooding {
		return "ovn-northd's conventions changed"
	}
	if p.alwaysTunnel() != p.tunnelAlways {
		return "options:always_tunnel changed"
	}
	return ""
}

// vtep tells whether a chassis is a hardware VTEP.
func vtep(c *sb.Chassis) bool { return c != nil && c.OtherConfig["is-vtep"] == "true" }

// tooBigFromTunnel offers ICMP errors from a tunnel to the ingress pipeline as well.
// decap is what all packets from it get, with their delivery at the end.
func (p *Physical) tooBigFromTunnel(b *builder, chassis string, t encap.Tunnel, decap []ir.Op) {
	if !p.tooBigBack || vtep(p.World.SB.ChassisByName.One(chassis)) { // a VTEP does not send the ports' keys
		return
	}
	in := ir.Exact(ir.InPort, uint64(t.Ofport))
	ops := append(decap[:len(decap):len(decap)], setFlag(ir.FlagRxFromTunnel), call(ir.CTZoneLookup))
	b.add(ir.PhyToLog, 120, 0, match(in, ir.Exact(ir.EthType, 0x0800), ir.Exact(ir.IPProto, 1), ir.Exact(ir.ICMP4Type, 3), ir.Exact(ir.ICMP4Code, 4)), ops...)
	b.add(ir.PhyToLog, 120, 0, match(in, ir.Exact(ir.EthType, 0x86dd), ir.Exact(ir.IPProto, 58), ir.Exact(ir.ICMP6Type, 2), ir.Exact(ir.ICMP6Code, 0)), ops...)
}

// tooBigZones gives an ICMP error from a tunnel the conntrack zones of the machine
// that sent what was too big.
func (c *portCtx) tooBigZones() {
	if c.tooBigBack && binding.KindOf(c.pb) == binding.VIF {
		c.add(ir.CTZoneLookup, 100, c.dp, match(inport(c.key)), append(c.zoneOps(c.pb), call(ir.Ingress(0)))...)
	}
}

// tooBigFixed are the rules for this that depend on nothing else.
func (p *Physical) tooBigFixed(b *builder) {
	if p.tooBigBack {
		b.add(ir.CTZoneLookup, 0, 0, ir.Match{}, call(ir.Ingress(0)))
	}
}
