package plan

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// judge finds out what a target lacks for one path, by itself.
type judge struct {
	caps   *offload.Caps
	ports  map[uint32]offload.Port
	meters map[string]backend.Meter
	seg    *flatten.Segment
	path   *flatten.Path
}

// lacks is what the target lacks for the path; nil for nothing.
func (j *judge) lacks() *Reason {
	for t := range j.path.Match.Terms() {
		if a := j.caps.Match[t.Field]; !a.Holds(t.Mask) {
			return &Reason{Code: Match, Detail: with(bits(t.Field, t.Mask), a.Why), Fix: a.Fix, Rule: blame(j.path, asksFor(t.Field))}
		}
	}
	for _, c := range j.path.If {
		if why := j.condition(c); why != nil {
			return why
		}
	}
	outputs := 0
	for i := range j.path.Actions {
		a := &j.path.Actions[i]
		switch a.Do.(type) {
		case ir.ToPort, ir.FirstUp:
			outputs++
		}
		if why := j.action(a); why != nil {
			return why
		}
	}
	if max := j.caps.Outputs; outputs > max.Max {
		return j.amount(Operation, fmt.Sprintf("%d outputs of one packet", outputs), max, isA[ir.ToPort])
	}
	return j.jump()
}

// with is what, with why when that is known.
func with(what, why string) string {
	if why == "" {
		return what
	}
	return what + " (" + why + ")"
}

// bits names bits of a field.
func bits(f ir.Field, mask ir.Value) string {
	if mask == ir.Ones(f.Width()) {
		return f.String()
	}
	return f.String() + "/" + mask.String()
}

func (j *judge) condition(c flatten.Condition) *Reason {
	able := map[flatten.ConditionKind]offload.Ability{flatten.Longer: j.caps.Length, flatten.MoreTags: j.caps.Tags, flatten.Bucket: j.caps.Hash}[c.Kind]
	if able.Can {
		return nil
	}
	return &Reason{Code: Match, Detail: with(c.String(), able.Why), Fix: able.Fix, Rule: c.Rule}
}

// able is nil if a is had, else the reason with what was to be done and the guilty operation.
func (j *judge) able(code Code, what string, a offload.Ability, guilty func(ir.Op) bool) *Reason {
	if a.Can {
		return nil
	}
	return &Reason{Code: code, Detail: with(what, a.Why), Fix: a.Fix, Rule: blame(j.path, does(guilty))}
}

func (j *judge) amount(code Code, what string, a offload.Amount, guilty func(ir.Op) bool) *Reason {
	return j.able(code, fmt.Sprintf("%s, at most %d", what, a.Max), offload.Ability{Lack: a.Lack}, guilty)
}

func (j *judge) action(a *flatten.Action) *Reason {
	if a.Queue != 0 {
		if why := j.able(Operation, fmt.Sprintf("queue %d", a.Queue), j.caps.Queue, isA[ir.SetQueue]); why != nil {
			return why
		}
	}
	switch do := a.Do.(type) {
	case ir.ToPort:
		return j.output(a, do.Port)
	case ir.FirstUp:
		if why := j.able(Operation, "the first port that is up", j.caps.FirstUp, isA[ir.FirstUp]); why != nil {
			return why
		}
		for _, port := range do.Ports {
			if why := j.output(a, port); why != nil {
				return why
			}
		}
		return nil
	case ir.Meter:
		return j.meter(do)
	case ir.Sample:
		if why := j.able(Operation, "sample", j.caps.Sample, isA[ir.Sample]); why != nil {
			return why
		}
	case ir.CTClear:
		return j.able(Conntrack, "ct_clear", j.caps.Conntrack.Clear, isA[ir.CTClear])
	case ir.CT:
		if why := j.track(&do); why != nil {
			return why
		}
	default:
		return &Reason{Code: Operation, Detail: string(do.AppendText(nil))}
	}
	return j.rewrite(&a.Rewrite, false)
}

func (j *judge) meter(m ir.Meter) *Reason {
	if why := j.able(Operation, "meter", j.caps.Meter, isA[ir.Meter]); why != nil || m.Name == "" {
		return why
	}
	meter, known := j.meters[m.Name]
	switch {
	case !known:
		return &Reason{Code: Operation, Detail: "meter " + m.Name + " is not defined", Fix: "add the row to table Meter", Rule: blame(j.path, does(isA[ir.Meter]))}
	case meter.PacketRate:
		return j.able(Operation, "meter "+m.Name+" of packets per second", j.caps.Packets, isA[ir.Meter])
	}
	return nil
}

func (j *judge) jump() *Reason {
	to := j.path.Jump
	if to == nil {
		return nil
	}
	if why := j.able(Operation, "go on in another table", j.caps.Jump, isA[ir.CT]); why != nil {
		return why
	}
	if why := j.rewrite(&to.Rewrite, false); why != nil || to.CT == nil {
		return why
	}
	return j.track(to.CT)
}

func (j *judge) track(ct *ir.CT) *Reason {
	able := &j.caps.Conntrack
	is := func(what string, a offload.Ability) *Reason { return j.able(Conntrack, what, a, isA[ir.CT]) }
	if why := is("ct", able.Shared); why != nil {
		return why
	}
	if ct.Commit {
		if why := is("commit", able.Commit); why != nil {
			return why
		}
	}
	if ct.Force {
		if why := is("commit in the other direction", able.Force); why != nil {
			return why
		}
	}
	if n := ct.NAT; n != nil {
		if why := is("nat", able.NAT); why != nil {
			return why
		}
		if n.Hash || n.Random || n.Keep {
			if why := is("nat with hash, random or persistent", able.Flags); why != nil {
				return why
			}
		}
	}
	for _, op := range ct.Exec {
		dst := ir.Sub{}
		switch o := op.(type) {
		case ir.Set:
			dst = o.Dst
		case ir.Copy:
			if why := is("a header in the label or mark of a connection", j.caps.Copy); why != nil {
				return why
			}
			dst = o.Dst
		}
		switch dst.Field {
		case ir.CTMark:
			if why := is("ct_mark", able.Mark); why != nil {
				return why
			}
		case ir.CTLabel:
			if why := is("ct_label", able.Label); why != nil {
				return why
			}
		default:
			return &Reason{Code: Conntrack, Detail: string(op.AppendText(nil))}
		}
	}
	return nil
}
