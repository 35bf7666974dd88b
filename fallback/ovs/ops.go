package ovs

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

func (l *lowerer) ops(e *ofp.Encoder, ops []ir.Op) error {
	for _, op := range ops {
		if err := l.op(e, op); err != nil {
			return err
		}
	}
	return nil
}

func (l *lowerer) op(e *ofp.Encoder, op ir.Op) error {
	switch op := op.(type) {
	case ir.Set:
		return l.set(e, op)
	case ir.Copy:
		src, err := l.sub(op.Src)
		if err != nil {
			return err
		}
		dst, err := l.sub(op.Dst)
		ofp.Move{Src: src, Dst: dst}.Append(e)
		return err
	case ir.Push:
		s, err := l.sub(op.Src)
		ofp.Push{Src: s}.Append(e)
		return err
	case ir.Pop:
		s, err := l.sub(op.Dst)
		ofp.Pop{Dst: s}.Append(e)
		return err
	case ir.DecTTL:
		ofp.DecTTL{}.Append(e)
	case ir.Call:
		t, err := l.profile.Table(op.Stage)
		ofp.Resubmit{Table: t}.Append(e)
		return err
	case ir.ToPort:
		port := ofp.Port(op.Port)
		if op.Port == ir.InPortNumber {
			port = ofp.PortIn
		}
		ofp.Output{Port: port}.Append(e)
	case ir.FirstUp:
		b := ofp.Bundle{Fields: ofp.HashEthSrc, Algorithm: ofp.BundleActiveBackup}
		for _, p := range op.Ports {
			b.Members = append(b.Members, ofp.Port(p))
		}
		b.Append(e)
	case ir.PushVLAN:
		ofp.PushVLAN{EtherType: op.TPID}.Append(e)
	case ir.PopVLAN:
		ofp.PopVLAN{}.Append(e)
	case ir.CT:
		return l.ct(e, op)
	case ir.CTClear:
		ofp.CTClear{}.Append(e)
	case ir.Select:
		id, err := l.groups.lower(l, op)
		l.used = append(l.used, id)
		ofp.Group{ID: id}.Append(e)
		return err
	case ir.Clone:
		m := ofp.Clone{}.Open(e)
		err := l.ops(e, op.Ops)
		e.Close(m)
		return err
	case ir.Punt:
		return l.punt(e, op)
	case ir.CheckLarger:
		dst, err := l.sub(op.Dst)
		ofp.CheckPktLarger{Len: op.Len, Dst: dst}.Append(e)
		return err
	case ir.Learn:
		return l.learn(e, op)
	case ir.Sample:
		if op.ObsPointSub.Field != ir.FieldNone {
			return fmt.Errorf("sample with the observation point from %s: Open vSwitch 3.1 has no such action", op.ObsPointSub.Field)
		}
		ofp.Sample{Probability: op.Probability, CollectorSet: op.CollectorSet, ObsDomain: op.ObsDomain, ObsPoint: op.ObsPoint}.Append(e)
	case ir.SetQueue:
		ofp.SetQueue{ID: op.ID}.Append(e)
	case ir.Meter:
		id, err := l.meter(op)
		ofp.Meter{ID: id}.Append(e)
		return err
	default:
		return fmt.Errorf("operation %s is not known to the OpenFlow backend", op.AppendText(nil))
	}
	return nil
}

func (l *lowerer) set(e *ofp.Encoder, op ir.Set) error {
	if op.Dst.Field == ir.VLANTCI {
		switch {
		case op.Dst.Ofs == 0 && op.Dst.N == 13: // with the bit that says that there is a header
			ofp.Load(ofp.Bits(ofp.VLANVID, 0, int(op.Dst.N)), value(op.Value)).Append(e)
			return nil
		case op.Dst.Ofs == 13:
			ofp.Load(ofp.Bits(ofp.VLANPCP, 0, int(op.Dst.N)), value(op.Value)).Append(e)
			return nil
		}
	}
	if op.Dst.Field == ir.InPort && op.Value.IsZero() {
		op.Value = ir.V(uint64(ofp.PortAny & 0xffff)) // no port: OVS drops frozen packets with in_port 0
	}
	if op.Dst == ir.All(ir.TunOpt) && l.tunOpt != ofp.FieldNone {
		// Open vSwitch gives an option's value back without leading zero bytes.
		f := ofp.TunMetadata(l.tunIndex, max(1, (op.Value.Len()+7)/8))
		ofp.Set(f, value(op.Value)).Append(e)
		return nil
	}
	s, err := l.sub(op.Dst)
	ofp.Load(s, value(op.Value)).Append(e)
	return err
}

func (l *lowerer) ct(e *ofp.Encoder, op ir.CT) error {
	ct := ofp.CT{Commit: op.Commit, Force: op.Force, Table: ofp.CTNoTable, Zone: op.Zone.Const, ALG: op.ALG}
	if op.Zone.Sub.Field != ir.FieldNone {
		s, err := l.sub(op.Zone.Sub)
		if err != nil {
			return err
		}
		ct.ZoneSrc = s
	}
	if op.Next != ir.NoStage {
		t, err := l.profile.Table(op.Next)
		if err != nil {
			return err
		}
		ct.Table = t
	}
	m := ct.Open(e)
	if n := op.NAT; n != nil {
		ofp.NAT{Src: n.SNAT, Dst: n.DNAT, Persistent: n.Keep, Hash: n.Hash, Random: n.Random,
			AddrMin: n.AddrMin, AddrMax: n.AddrMax, PortMin: n.PortMin, PortMax: n.PortMax}.Append(e)
	}
	err := l.ops(e, op.Exec)
	e.Close(m)
	return err
}

func (l *lowerer) punt(e *ofp.Encoder, op ir.Punt) error {
	c := ofp.Controller{MaxLen: 0xffff, Pause: op.Pause}
	if op.Meter != "" {
		id, err := l.meter(ir.Meter{Name: op.Meter})
		if err != nil {
			return err
		}
		c.Meter = id
	}
	if len(op.Args) > 0xffff-puntHeader-resultHeader {
		return fmt.Errorf("punt %s: %d bytes of arguments do not fit into one action", op.Opcode, len(op.Args))
	}
	// Nested in user data the inner actions are encoded on their own: lengths and
	// padding must not depend on what is in front of them.
	var inner ofp.Encoder
	if err := l.ops(&inner, op.Inner); err != nil {
		return err
	}
	a, err := inner.Actions()
	if err != nil {
		return err
	}
	c.UserData = append(appendPuntHeader(nil, op), a...)
	c.Append(e)
	return nil
}

func (l *lowerer) learn(e *ofp.Encoder, op ir.Learn) error {
	t, err := l.profile.Table(op.Stage)
	if err != nil {
		return err
	}
	out := ofp.Learn{Table: t, Priority: op.Priority, IdleTimeout: op.Idle, HardTimeout: op.Hard,
		Cookie: uint64(l.cookie), DeleteLearned: op.DeleteOnDel}
	add := func(kind ofp.LearnKind, dst, src ir.Sub, v ir.Value) error {
		d, err := l.sub(dst)
		if err != nil {
			return err
		}
		spec := ofp.LearnSpec{Kind: kind, Dst: d, Value: value(v)}
		if src.Field != ir.FieldNone {
			if spec.Src, err = l.sub(src); err != nil {
				return err
			}
		}
		out.Specs = append(out.Specs, spec)
		return nil
	}
	for _, m := range op.Matches {
		if err := add(ofp.LearnMatch, m.Dst, m.Src, m.Value); err != nil {
			return err
		}
	}
	for _, x := range op.Loads {
		if err := add(ofp.LearnLoad, x.Dst, x.Src, x.Value); err != nil {
			return err
		}
	}
	out.Append(e)
	return nil
}

func (l *lowerer) meter(op ir.Meter) (uint32, error) {
	name := op.Name
	if name == "" {
		name = rateName(op.Rate, op.Burst, l.cookie)
		l.meters.defineUnnamed(rateMeter(op.Rate, op.Burst), name)
	}
	l.named = append(l.named, name)
	return l.meters.id(name)
}
