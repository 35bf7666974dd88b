package tc

import (
	"encoding/binary"
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// outerTTL is the TTL of outer headers where the tunnel gives none: that of Open vSwitch. tc's own is 0, which Geneve devices put on
// the wire as it is.
const outerTTL = 64

// encapsulate is the outer headers of packets that leave by a tunnel.
func (b *builder) encapsulate(port *outlet) (flower.TunnelSet, error) {
	u := port.Tunnel
	if u.Type != geneve && u.Type != vxlan {
		return flower.TunnelSet{}, fmt.Errorf("output to port %d: tunnels of type %s are not known to tc", port.Ofport, u.Type)
	}
	if !u.Local.IsValid() || !u.Remote.IsValid() {
		return flower.TunnelSet{}, fmt.Errorf("output to port %d: tc needs both ends of the tunnel, and has %q and %q", port.Ofport, u.Local, u.Remote)
	}
	for _, f := range []ir.Field{ir.TunSrc, ir.TunDst, ir.TunSrc6, ir.TunDst6} {
		if !b.now.tunnel[f].mask.IsZero() {
			return flower.TunnelSet{}, fmt.Errorf("output to port %d with %s written: the tunnel's ends are fixed", port.Ofport, f)
		}
	}
	id, err := b.outerField(ir.TunID, vniBits)
	if err != nil {
		return flower.TunnelSet{}, err
	}
	set := flower.TunnelSet{
		ID: flower.Some(uint32(id)), Src: u.Local, Dst: u.Remote, DstPort: u.DstPort, TOS: u.TOS, TTL: u.TTL, NoCsum: !u.Csum, NoFrag: u.DF,
	}
	if set.TTL == 0 {
		set.TTL = outerTTL
	}
	if u.Type == geneve {
		option, err := b.outerField(ir.TunOpt, 32)
		if err != nil {
			return flower.TunnelSet{}, err
		}
		set.Geneve = []flower.GeneveOption{{Class: ovnClass, Type: ovnType, Data: binary.BigEndian.AppendUint32(nil, uint32(option))}}
	}
	return set, nil
}

// outerField is what n bits of an outer field are now: what was written, else what the packet came with, which is 0 if it came by
// no tunnel.
func (b *builder) outerField(f ir.Field, n int) (uint64, error) {
	w := b.now.tunnel[f]
	known := w.mask.Or(b.mask[f])
	if b.tunnel == "" || f == ir.TunOpt && b.tunnel != geneve {
		known = ir.Ones(f.Width())
	}
	if !ir.Ones(n).And(known.Not()).IsZero() {
		return 0, fmt.Errorf("output to a tunnel with bits of %s that are not known: tc writes constants only", f)
	}
	return w.val.Or(b.val[f].And(w.mask.Not())).And(ir.Ones(n)).Lo, nil
}
