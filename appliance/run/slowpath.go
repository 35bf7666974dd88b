package run

import (
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/fallback/ovs"
)

// packetIn takes a punted packet from the switch to the slow path.
func (r *chassisRun) packetIn(p ovs.PacketIn) {
	r.punts.Inc()
	r.slow.Handle(punt.PacketIn{Opcode: p.Opcode, Args: p.Args, Inner: p.Inner, Stage: p.Stage, Meta: p.Meta, Packet: p.Packet,
		Paused: p.Paused, Result: p.Result, Continuation: p.Continuation})
}

// sw is the switch as the slow path sees it.
type sw struct{ b *ovs.Backend }

// PacketOut implements punt.Switch.
func (s sw) PacketOut(o punt.PacketOut) {
	s.b.PacketOut(ovs.PacketOut{Meta: o.Meta, Packet: o.Packet, Inner: o.Inner, Ops: o.Ops})
}

// Resume implements punt.Switch.
func (s sw) Resume(p punt.PacketIn, v punt.Verdict) {
	s.b.Resume(ovs.PacketIn{Result: p.Result, Continuation: p.Continuation}, v.Packet, v.Result)
}
