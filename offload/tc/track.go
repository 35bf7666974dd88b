package tc

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// forget is what a packet's connection is forgotten by.
func forget(then flower.Control) flower.Action {
	return flower.Action{Op: flower.CT{Clear: true}, Control: then}
}

// trackBy is the action for a trip through connection tracking. The error says what act_ct cannot do.
func trackBy(o *ir.CT, t *terms, then flower.Control) (flower.Action, error) {
	if peditIP(t) == flower.PeditNetwork {
		return flower.Action{}, fmt.Errorf("connection tracking of packets that may not be IP: act_ct drops them")
	}
	ct := flower.CT{Zone: o.Zone.Const, Commit: o.Commit, Force: o.Force}
	if o.ALG != 0 {
		return flower.Action{}, fmt.Errorf("connection tracking helper %d: there is no attribute for it before Linux 6.3", o.ALG)
	}
	if o.Zone.Sub.Field != ir.FieldNone {
		return flower.Action{}, fmt.Errorf("conntrack zone from %s: act_ct takes a constant", o.Zone.Sub)
	}
	var mark, all bits
	for _, op := range o.Exec {
		set, ok := op.(ir.Set)
		if !ok {
			return flower.Action{}, fmt.Errorf("%s on commit: act_ct writes constants only", op.AppendText(nil))
		}
		switch set.Dst.Field {
		case ir.CTMark:
			mark = mark.with(set.Dst, set.Value)
		case ir.CTLabel:
			all = all.with(set.Dst, set.Value)
		default:
			return flower.Action{}, fmt.Errorf("writing %s on commit: act_ct writes mark and label only", set.Dst)
		}
	}
	if o.Commit { // without, the connection would not keep them
		ct.Mark = flower.Masked[uint32]{Value: uint32(mark.val.Lo), Mask: uint32(mark.mask.Lo)}
		ct.Label = flower.Masked[flower.Label]{Value: label(all.val), Mask: label(all.mask)}
	}
	if o.NAT != nil {
		var err error
		if ct.NAT, err = translation(o.NAT, t); err != nil {
			return flower.Action{}, err
		}
	}
	return flower.Action{Op: ct, Control: then}, nil
}

func translation(n *ir.NAT, t *terms) (flower.NAT, error) {
	switch {
	case n.SNAT && n.DNAT:
		return flower.NAT{}, fmt.Errorf("translating source and destination at once: act_ct does one")
	case n.Hash || n.Random || n.Keep:
		return flower.NAT{}, fmt.Errorf("nat with hash, random or persistent: act_ct has no such choice")
	case !n.SNAT && !n.DNAT:
		return flower.NAT{Kind: flower.NATKnown}, nil
	}
	r := flower.NAT{Kind: flower.NATSrc, MinAddr: n.AddrMin, MaxAddr: n.AddrMax, MinPort: n.PortMin, MaxPort: n.PortMax}
	if n.DNAT {
		r.Kind = flower.NATDst
	}
	if !r.MaxAddr.IsValid() {
		r.MaxAddr = r.MinAddr
	}
	if r.MaxPort == 0 {
		r.MaxPort = r.MinPort
	}
	if r.MinAddr.IsValid() && r.MinAddr.Is4() != (peditIP(t) == flower.PeditIPv4) {
		return flower.NAT{}, fmt.Errorf("translation to %s of packets of the other family", r.MinAddr)
	}
	return r, nil
}
