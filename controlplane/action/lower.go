package action

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Lower turns the actions into operations for one logical flow. deps tells what
// the result depends on, also when there is an error. An error is a *LowerError.
func (a *Actions) Lower(env *Env) (ops []ir.Op, deps Deps, err error) {
	l := lowering{env: env, ops: make([]ir.Op, 0, len(a.nodes)+1)}
	l.list(a.list)
	if l.err != nil {
		return nil, l.deps, l.err
	}
	return l.ops, l.deps, nil
}

// lowering collects the operations of one list of actions. Its methods remember
// the first error and are safe to call after it.
type lowering struct {
	env  *Env
	ops  []ir.Op
	deps Deps
	err  error

	rest   int       // actions that follow in the list being lowered
	column int       // of the action being lowered; 0 for none
	icmp   *ICMPArgs // the ICMP error whose inner actions are being lowered, else nil
}

func (l *lowering) list(actions list) {
	outer := l.column
	for i, n := range actions.nodes {
		l.rest = len(actions.nodes) - 1 - i
		if actions.columns != nil {
			l.column = actions.columns[i]
		}
		n.lower(l)
	}
	l.column = outer
}

// nested lowers an inner list into operations of its own.
func (l *lowering) nested(actions list) []ir.Op {
	outer := l.ops
	l.ops = make([]ir.Op, 0, len(actions.nodes))
	l.list(actions)
	inner := l.ops
	l.ops = outer
	return inner
}

func (l *lowering) emit(ops ...ir.Op) { l.ops = append(l.ops, ops...) }

func (l *lowering) fail(action, format string, args ...any) {
	if l.err == nil {
		l.err = &LowerError{action, fmt.Sprintf(format, args...), l.column}
	}
}

// port is the key of a logical port or multicast group, and whether there is one.
func (l *lowering) port(name string) (key uint32, ok bool) {
	if name == "" || name == "none" {
		return 0, true
	}
	l.deps.Ports = append(l.deps.Ports, name)
	if l.env.Port != nil {
		if key, ok = l.env.Port(name); ok {
			return key, true
		}
	}
	l.deps.Missing = append(l.deps.Missing, name)
	return 0, false
}

// stage is table n of a pipeline.
func (l *lowering) stage(action string, ingress bool, n int) ir.Stage {
	if most := l.env.length(ingress); n < 0 || n >= most {
		l.fail(action, "cannot advance to table %d: the pipeline ends before table %d", n, most)
		return ir.NoStage
	}
	if ingress {
		return ir.Ingress(n)
	}
	return ir.Egress(n)
}

// next is the stage behind the logical flow's.
func (l *lowering) next(action string) ir.Stage {
	return l.stage(action, l.env.Ingress, l.env.Table+1)
}

// output is where "output" goes.
func (l *lowering) output() ir.Stage {
	if l.env.Ingress {
		return ir.Output
	}
	return ir.SaveInport
}

// zone is the conntrack zone of the datapath: of the logical port on a switch,
// for DNAT or SNAT on a router.
func (l *lowering) zone(snat bool) ir.ZoneRef {
	switch {
	case l.env.Switch:
		return zoneIn(ir.CTZone)
	case snat:
		return zoneIn(ir.SNATZone)
	}
	return zoneIn(ir.DNATZone)
}

func zoneIn(f ir.Field) ir.ZoneRef { return ir.ZoneRef{Sub: ir.Bits(f, 0, 16)} }

// punt emits a punt with the meter of the logical flow.
func (l *lowering) punt(p ir.Punt) {
	p.Meter = l.env.Meter
	l.meter(p.Meter)
	l.emit(p)
}

func (l *lowering) meter(name string) {
	if name != "" {
		l.deps.Meters = append(l.deps.Meters, name)
	}
}

// arg is an argument of a side table or of the controller: a field whose value
// goes into a register while it is called.
type arg struct {
	src ir.Sub
	dst ir.Field
}

// withArgs emits body with every argument in its register. What was in the
// registers, and in the extra ones, is back afterwards. All sources are read
// before any register is written, since one may be the other's source.
func (l *lowering) withArgs(args []arg, extra []ir.Sub, body func()) {
	moved := slices.DeleteFunc(slices.Clone(args), func(a arg) bool { return a.src == ir.All(a.dst) })
	for _, a := range moved {
		l.emit(ir.Push{Src: ir.All(a.dst)})
	}
	if len(moved) == 1 {
		l.emit(ir.Copy{Dst: ir.All(moved[0].dst), Src: moved[0].src})
	} else {
		for _, a := range slices.Backward(moved) {
			l.emit(ir.Push{Src: a.src})
		}
		for _, a := range moved {
			l.emit(ir.Pop{Dst: ir.All(a.dst)})
		}
	}
	for _, s := range extra {
		l.emit(ir.Push{Src: s})
	}
	body()
	for _, s := range slices.Backward(extra) {
		l.emit(ir.Pop{Dst: s})
	}
	for _, a := range slices.Backward(moved) {
		l.emit(ir.Pop{Dst: ir.All(a.dst)})
	}
}

// ask emits the question to a side table whose answer is one bit of the flags.
func (l *lowering) ask(stage ir.Stage, flag int) {
	l.emit(ir.Set{Dst: ir.Bits(ir.Flags, flag, 1)}, ir.Call{Stage: stage})
}

// answer emits the copy of that bit into the field that the action assigns.
func (l *lowering) answer(dst ir.Sub, flag int) {
	l.emit(ir.Copy{Dst: dst, Src: ir.Bits(ir.Flags, flag, 1)})
}
