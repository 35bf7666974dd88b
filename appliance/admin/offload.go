package admin

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/offload"
)

// OffloadState says whether packets are offloaded, and to what. Every answer about
// the offload begins with it.
type OffloadState struct {
	Target string       `json:"target,omitempty"`
	Mode   offload.Mode `json:"mode"`
	// Obstacle says why nothing is offloaded; "" when the rest of the answer is there.
	Obstacle string `json:"obstacle,omitempty"`
	// Error says why the target cannot be reached: what it holds is not known then.
	Error string `json:"error,omitempty"`
	// Revision of the rules that are placed.
	Revision backend.Revision `json:"revision"`
	// Placing is how many entries the target is told at this moment: they are counted as if they were there.
	Placing int `json:"placing,omitempty"`
}

const switchedOff = "it is switched off: Open_vSwitch external_ids:sluice-offload is off or not set (software, hardware or hardware-only switch it on)"

func offloadState(v reconcile.View) OffloadState {
	s := OffloadState{Target: v.Target, Mode: v.Setting.Mode, Revision: v.Revision, Placing: v.Placing}
	if v.Err != nil {
		s.Error = v.Err.Error()
	}
	switch {
	case s.Mode == offload.Off && v.Setting.Why != "":
		s.Obstacle = v.Setting.Why
	case s.Mode == offload.Off:
		s.Obstacle = switchedOff
	case !v.Complete:
		s.Obstacle = "the rules are not whole yet: nothing is placed before all rows have arrived (sluice status)"
	case v.Planner.Caps().Target == "":
		s.Obstacle = "the target has not told yet what it can do"
	}
	return s
}

func (s OffloadState) text(p *page) {
	switch {
	case s.Target == "":
		p.line("offload", "none: %s", s.Obstacle)
		return
	case s.Obstacle != "":
		p.line("offload", "none: %s", s.Obstacle)
		p.line("target", "%s, mode %s", s.Target, s.Mode)
	default:
		p.line("target", "%s, mode %s, revision %d", s.Target, s.Mode, s.Revision)
	}
	if s.Placing > 0 {
		p.item("being placed: %d entries, which count below as if they were there", s.Placing)
	}
	if s.Error != "" {
		p.item("NOT reached: %s; what it holds is not known, it is tried again", s.Error)
	}
}

// Offloading is a program with an offload that is no controller of OVN.
type Offloading struct {
	Reconciler *reconcile.Reconciler
	// Datapaths are what people call those of rules. It is called on the Executor.
	Datapaths func() map[uint32]string
	On        unixctl.Executor
}

// Commands are those about the offload but offload/devices.
func (o *Offloading) Commands() []unixctl.Command {
	t := o.table()
	t.answerOffload()
	return t.list
}

// Status is the answer to offload/status.
func (o *Offloading) Status(ctx context.Context) (OffloadStatus, error) {
	return o.table().offloadStatus(ctx)
}

func (o *Offloading) table() *table { return &table{on: o.On, other: o} }

// reconciler is nil until there is one, controller also for another program.
func (t *table) reconciler() *reconcile.Reconciler {
	if t.other != nil {
		return t.other.Reconciler
	}
	return t.chassis.Offload()
}

func (t *table) controller() *controller.Controller {
	if t.other != nil {
		return nil
	}
	return t.chassis.Controller()
}

// offload are the commands about it. They ask the goroutine of the offload, also while
// its target is busy; the engine goroutine does not wait for it.
func (t *table) offload() {
	t.answerOffload()
	t.answer("offload/devices", "[DEVICE|INTERFACE|PORT|ADDRESS]", 0, 1, func(ctx context.Context, args []string) (answer, error) {
		return t.offloadDevices(ctx, strings.Join(args, ""))
	})
}

func (t *table) answerOffload() {
	t.answer("offload/caps", "", 0, 0, func(ctx context.Context, _ []string) (answer, error) { return t.offloadCaps(ctx) })
	t.answer("offload/status", "", 0, 0, func(ctx context.Context, _ []string) (answer, error) { return t.offloadStatus(ctx) })
	t.answer("offload/explain", "FLOW|PORT|MICROFLOW [CT_STATE]...", 1, unixctl.Unlimited, func(ctx context.Context, args []string) (answer, error) {
		return t.offloadExplain(ctx, args[0], args[1:])
	})
}

// answer is what can be shown as a page and, as it is, as JSON.
type answer interface{ Text() string }

// answer registers a command with an answer in both forms, which is found on the
// goroutine of the connection.
func (t *table) answer(name, usage string, min, max int, f func(context.Context, []string) (answer, error)) {
	t.list = append(t.list, unixctl.Command{Name: name, Usage: usage, MinArgs: min, MaxArgs: max,
		Run: func(ctx context.Context, args []string) (string, error) {
			a, err := f(ctx, args)
			if err != nil {
				return "", err
			}
			return a.Text(), nil
		},
		JSON: func(ctx context.Context, args []string) (any, error) {
			a, err := f(ctx, args)
			if err != nil {
				return nil, err
			}
			return a, nil
		}})
}

// look calls first on the engine goroutine (with nil until the local database is
// read) and then, unless there is an obstacle, see on that of the offload.
func (t *table) look(ctx context.Context, first func(*controller.Controller), see func(reconcile.View)) (s OffloadState, err error) {
	var r *reconcile.Reconciler
	if done := t.on.Do(ctx, func() {
		if r = t.reconciler(); r != nil && first != nil {
			first(t.controller())
		}
	}); done != nil {
		return s, done
	}
	if r == nil {
		return OffloadState{Obstacle: errStarting.Error()}, nil
	}
	err = r.Do(ctx, func(v reconcile.View) {
		if s = offloadState(v); s.Obstacle == "" {
			see(v)
		}
	})
	if err != nil {
		err = fmt.Errorf("the offload does not answer: %w", err)
	}
	return s, err
}
