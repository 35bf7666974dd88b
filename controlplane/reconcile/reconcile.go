// Package reconcile drives the targets of the offload: a Reconciler is the goroutine
// of one target (offload.Target). It takes the desired rules from the engine, has the
// planner (controlplane/plan) place their paths, tells the target the difference,
// hears what it refuses, reads its counters, and starts over when it was lost.
//
// It stands between the engine goroutine, from which a Mailbox brings rules and
// ports, and the target. Others ask it by Do. The fallback does not go through it:
// it is complete without.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Config is what a Reconciler works with.
type Config struct {
	Target  offload.Target
	Changes *Mailbox
	// Acked is told the newest revision of the rules that the target agrees with.
	Acked func(backend.Revision)
	// HandOver tells the fallback what it must be ready to take over. It answers by Reconciler.Taken. nil: it takes over nothing.
	HandOver func(offload.Handovers)
	// Advice says what can be done about reasons where it is not what is said of OVN; see plan.Planner.Advise.
	Advice map[plan.Code]string
	Log    *slog.Logger
}

// Times of a Reconciler.
const (
	// poll is how often counters are read. Nothing depends on their age but what people
	// see and who gets scarce room.
	poll = 2 * time.Second
	// auditEvery is how often all that a target holds is compared with what it shall hold.
	// What counters show it is looked at with the counters.
	auditEvery = time.Minute
	// firstPause and lastPause are between attempts to reach a target that was lost.
	firstPause = time.Second
	lastPause  = 30 * time.Second
)

// lookAgain is how often the target is asked what it can do, besides when devices come and
// go: somebody may have switched hw-tc-offload, of which nothing is heard.
const lookAgain = 30 * time.Second

// cut is where segments end so that what follows is shared (flatten.Config.Cut).
const cut = 24

// Reconciler drives one target.
type Reconciler struct {
	cfg   Config
	looks chan func(View) // who only looks
	acts  chan func()     // who changes something: never while the target is busy
	links chan string     // devices that came or went; anyDevice for all
	// takenOver is what the fallback has answered.
	takenOver chan Taken

	plan     *plan.Planner
	hand     *handover
	setting  device.Setting
	told     bool             // there was a setting
	revision backend.Revision // of the rules that were taken
	settled  backend.Revision // of those that are placed
	complete bool             // the rules are whole
	cleared  bool             // the target holds nothing of ours
	placed   bool             // it may hold something that was placed by this Reconciler
	looked   time.Time        // the target was asked what it can do; zero: to be asked now
	polled   time.Time
	usage    []offload.Usage // of devices, when it was polled
	pause    time.Duration
	retry    time.Time // nothing is asked of the target before
	placing  int       // entries of tables that the target is told now
	err      error     // why the target cannot be reached
	audit    Audit
}

// Audit is what looking for changes that others made in a target has found. Foreign are
// of the last time, the rest of all times since the start.
type Audit struct {
	Last time.Time // zero: there was none, or the target cannot tell
	offload.Drift
	// Repaired is when something had to be repaired last.
	Repaired time.Time
}

// New makes a Reconciler.
func New(cfg Config) *Reconciler {
	r := &Reconciler{cfg: cfg, looks: make(chan func(View)), acts: make(chan func()), links: make(chan string, linkQueue), takenOver: make(chan Taken, 1),
		hand: newHandover(), pause: firstPause}
	r.plan = r.planner()
	return r
}

// planner is one that knows nothing yet.
func (r *Reconciler) planner() *plan.Planner {
	p := NewPlanner()
	p.Advise(r.cfg.Advice)
	return p
}

// NewPlanner makes a planner as a Reconciler has it, for who wants to know what one would do.
func NewPlanner() *plan.Planner {
	return plan.New(flatten.Config{Cut: cut, Control: flatten.NeighbourTraffic()})
}

// linkQueue is how many devices may wait to be looked at; when more do, all are.
const linkQueue = 64

// anyDevice stands for all devices.
const anyDevice = ""

// Relink has the ports of a network device looked at again: it came, went, or is
// another one by now. "" stands for all devices. It never waits.
func (r *Reconciler) Relink(device string) {
	for {
		select {
		case r.links <- device:
			return
		default: // too many to tell apart
			device = anyDevice
		}
		select {
		case <-r.links:
		default:
		}
	}
}

// Heat tells how many packets rules have matched in the fallback, since each was made there: room in a target that is
// full goes to paths that have many. Only where View.Planner is Crowded that is of use.
func (r *Reconciler) Heat(ctx context.Context, packets map[ir.RuleID]uint64) error {
	return r.act(ctx, func() {
		r.plan.Observe(time.Now(), func(func(offload.Counter) bool) {}, maps.All(packets))
	})
}

// Clear takes everything of ours from the target, for good: when the chassis leaves.
func (r *Reconciler) Clear(ctx context.Context) error {
	var err error
	done := r.act(ctx, func() {
		r.setting, r.told, r.cleared = device.Setting{Chassis: r.setting.Chassis}, true, false
		r.settle(ctx, time.Now())
		err = r.err
	})
	return errors.Join(done, err)
}

// Run drives the target until ctx ends. What is installed then stays.
func (r *Reconciler) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.take()
		now := time.Now()
		if !now.Before(r.retry) {
			r.settle(ctx, now)
		}
		if r.err != nil && !r.placed { // nobody waits for what is not there
			r.cfg.Acked(r.revision)
		}
		timer.Reset(max(time.Until(r.due(now)), 0))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.cfg.Changes.Ready():
		case device := <-r.links:
			r.relink(ctx, device)
		case t := <-r.takenOver:
			r.takeOver(t)
		case f := <-r.looks:
			f(r.view())
		case f := <-r.acts:
			f()
		case <-timer.C:
		}
	}
}

// take takes what the engine has sent.
func (r *Reconciler) take() {
	d, setting := r.cfg.Changes.Take()
	if setting == nil {
		return
	}
	before := r.setting
	r.setting, r.told = *setting, true
	r.revision = d.Revision
	if before.Chassis != setting.Chassis { // the target has its filters under the former name
		r.plan.Restart()
		r.cleared = false
	}
	if setting.Mode == offload.Off {
		if before.Mode != offload.Off { // rules will come anew
			r.plan, r.looked, r.complete, r.cleared, r.usage = r.planner(), time.Time{}, false, false, nil
			r.hand.waiting = nil
		}
		return
	}
	if d.Reset {
		r.complete = false
	}
	r.complete = r.complete || d.Complete
	r.cleared = false
	r.plan.SetOff(setting.Off)
	r.plan.Apply(d)
	if before.Mode == offload.Off {
		before.Ports = nil
	}
	if put, gone := difference(before.Ports, setting.Ports); len(put)+len(gone) > 0 {
		r.plan.SetPorts(put, gone)
		r.looked = time.Time{} // what is new may be able to do less
		r.hand.setPorts(setting.Ports)
	}
}

// difference is how ports changed: those that are new or others now, and the numbers of
// those that are gone.
func difference(before, now []offload.Port) (put []offload.Port, gone []uint32) {
	old := make(map[uint32]offload.Port, len(before))
	for _, p := range before {
		old[p.Ofport] = p
	}
	for _, p := range now {
		if q, had := old[p.Ofport]; !had || !reflect.DeepEqual(p, q) {
			put = append(put, p)
		}
		delete(old, p.Ofport)
	}
	return put, slices.Sorted(maps.Keys(old))
}

// settle makes the target agree.
func (r *Reconciler) settle(ctx context.Context, now time.Time) {
	var err error
	switch {
	case !r.told:
		return
	case r.setting.Mode == offload.Off && r.cleared:
		r.hand.expire(now)
		r.announce()
		return
	case r.setting.Mode == offload.Off:
		// What an earlier run has left must not outlive the pipeline that it was made of.
		clear := offload.Delta{Reset: true, Chassis: r.setting.Chassis}
		if _, err = r.apply(ctx, clear); err == nil {
			r.cleared, r.placed, r.audit.Foreign = true, false, nil
			r.hand.applied(&clear, now)
			r.announce()
		}
	case r.complete:
		if err = r.place(ctx, now); err == nil && now.Sub(r.polled) >= poll {
			r.polled = now
			if err = r.count(ctx, now); err == nil {
				err = r.check(ctx, now)
			}
		}
	default:
		return
	}
	if err != nil {
		r.lost(err, now)
		return
	}
	if r.err != nil {
		r.cfg.Log.Info(r.cfg.Target.Name() + ": reached again")
	}
	r.err, r.pause = nil, firstPause
	if r.hand.waiting == nil {
		r.settled = r.revision
		r.cfg.Acked(r.revision)
	}
}

func (r *Reconciler) place(ctx context.Context, now time.Time) error {
	if now.Sub(r.looked) >= lookAgain {
		var caps offload.Caps
		var err error
		r.ask(func() { caps, err = r.cfg.Target.Caps(ctx) })
		if err != nil {
			return err
		}
		if r.cfg.HandOver == nil {
			caps.Handover = offload.No("the fallback does not take over in the middle", "")
		}
		r.plan.SetCaps(caps)
		r.looked = now
	}
	r.hand.expire(now)
	for {
		d := r.hand.waiting
		if d == nil {
			next, ok := r.plan.Delta(now)
			if !ok {
				break
			}
			d = &next
			r.hand.prepare(d)
		}
		r.announce()
		if r.hand.waiting = nil; !r.hand.ready() {
			r.hand.waiting = d
			return nil
		}
		d.Chassis = r.setting.Chassis
		report, err := r.apply(ctx, *d)
		if err != nil {
			return err
		}
		r.placed = true
		r.hand.applied(d, now)
		r.plan.Report(now, report)
	}
	r.announce()
	return nil
}

// relink has the target look again at the ports of a device.
func (r *Reconciler) relink(ctx context.Context, device string) {
	if !r.placed || r.err != nil { // they are looked at anyway
		return
	}
	var ports []offload.Port
	for _, p := range r.setting.Ports {
		if device == anyDevice || p.Device == device {
			ports = append(ports, p)
		}
	}
	if len(ports) == 0 {
		return
	}
	now := time.Now()
	r.looked = time.Time{}
	report, err := r.apply(ctx, offload.Delta{Ports: ports, Chassis: r.setting.Chassis})
	if err != nil {
		r.lost(err, now)
		return
	}
	r.plan.Hurry(now)
	r.plan.Report(now, report)
}

// count reads the counters.
func (r *Reconciler) count(ctx context.Context, now time.Time) (err error) {
	var list []offload.Counter
	var usage []offload.Usage
	r.ask(func() {
		var c offload.Counter
		for c, err = range r.cfg.Target.Counters(ctx) {
			if err != nil {
				return
			}
			list = append(list, c)
		}
		usage, err = r.cfg.Target.Usage(ctx)
	})
	if err != nil {
		return err
	}
	r.usage = usage
	r.plan.Observe(now, slices.Values(list), func(func(ir.RuleID, uint64) bool) {}) // what matched in the fallback comes by Heat
	return nil
}

// check looks for changes that others made, when it is time or the counters told of some.
func (r *Reconciler) check(ctx context.Context, now time.Time) error {
	a, can := r.cfg.Target.(offload.Auditor)
	if !can || !a.Suspect() && now.Sub(r.audit.Last) < auditEvery {
		return nil
	}
	var drift offload.Drift
	var report offload.Report
	var err error
	r.ask(func() { drift, report, err = a.Audit(ctx) })
	r.audit.Missing += drift.Missing
	r.audit.Changed += drift.Changed
	r.audit.Extra += drift.Extra
	if drift.Any() {
		r.audit.Repaired = now
		r.cfg.Log.Warn(fmt.Sprintf("%s: somebody else has changed what is placed there: %d gone, %d changed, %d too much; it is put right",
			r.cfg.Target.Name(), drift.Missing, drift.Changed, drift.Extra))
	}
	if err != nil {
		return err
	}
	r.audit.Last, r.audit.Foreign = now, drift.Foreign
	r.plan.Report(now, report)
	return nil
}

// lost notes that the target cannot be reached: it is adopted again later.
func (r *Reconciler) lost(err error, now time.Time) {
	if r.err == nil || r.err.Error() != err.Error() {
		level := slog.LevelWarn
		if r.setting.Mode == offload.Off { // nobody asked for it
			level = slog.LevelDebug
		}
		r.cfg.Log.Log(context.Background(), level, r.cfg.Target.Name()+": "+err.Error()+"; trying again")
	}
	r.plan.Restart()
	r.looked = time.Time{}
	r.hand.waiting = nil
	r.err, r.retry = err, now.Add(r.pause)
	r.pause = min(2*r.pause, lastPause)
}

// due is when there is something to do though nothing has come in.
func (r *Reconciler) due(now time.Time) time.Time {
	idle := now.Add(time.Hour)
	if r.retry.After(now) {
		return r.retry
	}
	if r.setting.Mode == offload.Off && len(r.hand.gone) > 0 {
		return now.Add(linger)
	}
	if r.setting.Mode == offload.Off || !r.complete || r.hand.waiting != nil {
		return idle
	}
	due := r.polled.Add(poll)
	if at, ok := r.plan.Next(); ok && at.Before(due) {
		due = at
	}
	if due.Before(now) { // there was more than one round can do
		due = now
	}
	return due
}
