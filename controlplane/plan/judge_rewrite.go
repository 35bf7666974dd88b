package plan

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// isTunnel tells the fields that only packets put out by a tunnel take along.
func isTunnel(f ir.Field) bool { return f >= ir.TunID && f <= ir.TunDst6 }

// rewrite is what the target lacks to change a packet; outer says that fields of
// tunnels are not looked at.
func (j *judge) rewrite(r *flatten.Rewrite, outer bool) *Reason {
	c := j.caps
	switch {
	case int(r.PopVLAN) > c.PopVLAN.Max:
		return j.amount(Rewrite, fmt.Sprintf("%d VLAN headers taken off", r.PopVLAN), c.PopVLAN, isA[ir.PopVLAN])
	case len(r.PushVLAN) > c.Push.Max:
		return j.amount(Rewrite, fmt.Sprintf("%d VLAN headers put on", len(r.PushVLAN)), c.Push, isA[ir.PushVLAN])
	case int(r.DecTTL) > c.DecTTL.Max:
		return j.amount(Rewrite, fmt.Sprintf("TTL decremented by %d", r.DecTTL), c.DecTTL, isA[ir.DecTTL])
	}
	for _, s := range r.Set {
		f := s.Dst.Field
		if outer && isTunnel(f) {
			continue
		}
		mask := ir.Ones(int(s.Dst.N)).Shl(int(s.Dst.Ofs))
		if a := c.Set[f]; !a.Holds(mask) {
			return &Reason{Code: Rewrite, Detail: with(bits(f, mask), a.Why), Fix: a.Fix, Rule: blame(j.path, does(writes(f)))}
		}
	}
	for _, x := range r.Copy {
		if outer && isTunnel(x.Dst.Field) {
			continue
		}
		if why := j.able(Rewrite, fmt.Sprintf("%s from %s", x.Dst, x.Src), c.Copy, writes(x.Dst.Field)); why != nil {
			return why
		}
	}
	return nil
}

// output is what the target lacks to put a packet out by a port.
func (j *judge) output(a *flatten.Action, number uint32) *Reason {
	to := func(op ir.Op) bool {
		switch o := op.(type) {
		case ir.ToPort:
			return o.Port == number || o.Port == ir.InPortNumber
		case ir.FirstUp:
			return true
		}
		return false
	}
	port, known := j.ports[number]
	if why := j.unusable(number, port, known); why != nil {
		why.Rule = blame(j.path, does(to))
		return why
	}
	if why := j.rewrite(&a.Rewrite, true); why != nil || port.Tunnel == nil {
		return why
	}
	return j.encapsulate(&a.Rewrite, port.Tunnel, to)
}

// unusable says why packets of a port cannot be seen to, or put out by it.
func (j *judge) unusable(number uint32, port offload.Port, known bool) *Reason {
	name := port.Name
	if name == "" {
		name = fmt.Sprintf("port %d", number)
	}
	switch {
	case known && port.Device == "":
		return &Reason{Code: NoDevice, Detail: with(name, port.Lack.Why), Fix: port.Lack.Fix}
	case !known:
		return &Reason{Code: NoDevice, Detail: name}
	case port.Mode == offload.Off:
		return &Reason{Code: PortOff, Detail: with(name, port.Barred.Why), Fix: port.Barred.Fix}
	}
	if lack, bad := j.caps.Unusable(port.Device, port.Mode); bad {
		return &Reason{Code: NoDevice, Detail: with(name+" has device "+port.Device, lack.Why), Fix: lack.Fix}
	}
	return nil
}

// Bits that a tunnel needs to know: the network identifier, and of the Geneve option
// of OVN the ports.
const (
	vniBits    = 24
	optionBits = 31
)

// encapsulate is what the target lacks to put a packet out by a tunnel. The headers
// of tunnels are made of constants.
func (j *judge) encapsulate(r *flatten.Rewrite, t *offload.Tunnel, to func(ir.Op) bool) *Reason {
	if why := j.able(Tunnel, t.Type, j.caps.Tunnels[t.Type], to); why != nil {
		return why
	}
	needs := []ir.Sub{ir.Bits(ir.TunID, 0, vniBits)}
	if t.Type == "geneve" {
		needs = append(needs, ir.Bits(ir.TunOpt, 0, optionBits))
	}
	if !t.Remote.IsValid() {
		if t.Local.Is6() {
			needs = append(needs, ir.All(ir.TunDst6))
		} else {
			needs = append(needs, ir.All(ir.TunDst))
		}
	}
	for _, s := range needs {
		if !j.isConstant(r, s) {
			return &Reason{Code: Tunnel, Detail: s.Field.String() + " is not known in advance", Rule: blame(j.path, does(writes(s.Field)))}
		}
		if a := j.caps.Set[s.Field]; s.Field != ir.TunID && a.Mask.IsZero() {
			return &Reason{Code: Tunnel, Detail: with(s.Field.String(), a.Why), Fix: a.Fix, Rule: blame(j.path, does(writes(s.Field)))}
		}
	}
	return nil
}

// isConstant tells whether it is known what s is behind r: it was written, the match
// asks for it, or the packets come from where there is no such header.
func (j *judge) isConstant(r *flatten.Rewrite, s ir.Sub) bool {
	mask := func(s ir.Sub) ir.Value { return ir.Ones(int(s.N)).Shl(int(s.Ofs)) }
	known := ir.Value{}
	if in, root := j.seg.ID.Ingress(); root && j.ports[in].Tunnel == nil {
		known = mask(ir.All(s.Field))
	} else if t, ok := j.path.Match.Term(s.Field); ok {
		known = t.Mask
	}
	for _, c := range r.Copy {
		if c.Dst.Field == s.Field {
			known = known.And(mask(c.Dst).Not())
		}
	}
	for _, x := range r.Set {
		if x.Dst.Field == s.Field {
			known = known.Or(mask(x.Dst))
		}
	}
	return mask(s).And(known.Not()).IsZero()
}
