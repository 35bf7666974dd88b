package reconcile

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/offload"
)

// TestLooksAgain: what a target can do is asked when ports and devices come, and now and then.
func TestLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t)
		asked := func(what string, want int) {
			t.Helper()
			synctest.Wait()
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.asked != want {
				t.Errorf("%s: asked %d times, want %d", what, x.asked, want)
			}
			x.asked = 0
		}
		x.mail.Send(backend.Delta{Revision: 1, Reset: true, Put: rules(t), Complete: true}, on)
		asked("on", 1)
		x.mail.Send(backend.Delta{Revision: 2, Del: []ir.RuleID{rules(t)[0].ID}}, on)
		asked("rules", 0)
		one := on
		one.Ports = on.Ports[:1]
		x.mail.Send(backend.Delta{Revision: 3}, one)
		asked("ports", 1)
		x.r.Relink("eth1")
		asked("a device", 1)
		time.Sleep(lookAgain - poll)
		asked("not yet", 0)
		time.Sleep(2 * poll)
		asked("after a while", 1)
	})
}

// target notes what it is told, under mu.
type target struct {
	mu     sync.Mutex
	told   []string
	tables map[string]int
	acked  backend.Revision
	err    error
	asked  int // what it can do
	room   int // for entries; 0: enough
}

func (x *target) fail(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.err = err
}

func (*target) Name() string { return "target" }

func (x *target) Caps(context.Context) (offload.Caps, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.asked++
	return offload.Caps{Target: "target", Outputs: offload.Amount{Max: 1},
		Match: offload.Fields{ir.EthType: offload.AllOf(ir.EthType, offload.Ternary)}}, x.err
}

func (x *target) Apply(_ context.Context, d offload.Delta) (offload.Report, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		return offload.Report{}, x.err
	}
	if d.Reset {
		clear(x.tables)
	}
	report := offload.Report{Revision: d.Revision}
	for _, t := range d.Put {
		name, taken := t.Segment.String(), 0
		delete(x.tables, name)
		for _, n := range x.tables {
			taken += n
		}
		x.tables[name] = 0
		for _, e := range t.Entries {
			if x.room > 0 && taken >= x.room {
				report.Failures = append(report.Failures, offload.Failure{Segment: t.Segment, Path: e.Path.ID, Kind: backend.Full, Detail: "full"})
				continue
			}
			taken++
			x.tables[name]++
		}
	}
	for _, id := range d.Del {
		delete(x.tables, id.String())
	}
	x.told = append(x.told, fmt.Sprintf("reset %v put %d del %d ports %d", d.Reset, len(d.Put), len(d.Del), len(d.Ports)))
	return report, nil
}

func (x *target) ack(r backend.Revision) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.acked = r
}

func (x *target) Counters(context.Context) iter.Seq2[offload.Counter, error] {
	return func(func(offload.Counter, error) bool) {}
}

func (x *target) Usage(context.Context) ([]offload.Usage, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return []offload.Usage{{Device: "eth1", Received: uint64(len(x.tables))}}, nil
}

// rig is a Reconciler at work.
type rig struct {
	*testing.T
	*target
	r    *Reconciler
	mail *Mailbox
}

func start(t *testing.T) *rig {
	x := &target{tables: map[string]int{}}
	return startWith(t, x, x)
}

// startWith has the Reconciler drive whole, which x is a part of.
func startWith(t *testing.T, x *target, whole offload.Target) *rig {
	r := &rig{T: t, target: x, mail: NewMailbox()}
	r.run(whole)
	return r
}

func (x *rig) run(whole offload.Target) { x.runWith(whole, nil) }

func (x *rig) runWith(whole offload.Target, handOver func(offload.Handovers)) {
	t := x.T
	x.r = New(Config{Target: whole, Changes: x.mail, Acked: x.ack, HandOver: handOver, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); x.r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// wants waits until nothing more is to be done at once.
func (x *rig) wants(what string, tables int, acked backend.Revision, told ...string) {
	x.Helper()
	synctest.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.tables) != tables || x.acked != acked || !slices.Equal(x.told, told) {
		x.Errorf("%s: %d tables, acknowledged %d, told %q; want %d, %d, %q", what, len(x.tables), x.acked, x.told, tables, acked, told)
	}
	x.told = nil
}

func rules(t *testing.T) []ir.Rule {
	var rs []ir.Rule
	for _, text := range []string{
		"phy_to_log 100 match(in_port=1) { to_port 2; }",
		"phy_to_log 100 match(in_port=2) { to_port 1; }",
	} {
		r, err := ir.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

var (
	on = device.Setting{Mode: offload.Software, Ports: []offload.Port{
		{Ofport: 1, Name: "vif1", Device: "eth1", Ifindex: 11, Mode: offload.Software},
		{Ofport: 2, Name: "vif2", Device: "eth2", Ifindex: 12, Mode: offload.Software}}}
	off = device.Setting{}
)

func TestWholeRulesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t)
		x.wants("nothing was said: what an earlier process left stays", 0, 0)
		x.mail.Send(backend.Delta{Revision: 1, Reset: true, Put: rules(t)[:1]}, on)
		x.wants("the rules are not whole", 0, 0)
		x.mail.Send(backend.Delta{Revision: 2, Put: rules(t)[1:], Complete: true}, on)
		x.wants("whole", 2, 2, "reset true put 2 del 0 ports 2")
		x.mail.Send(backend.Delta{Revision: 3, Del: []ir.RuleID{rules(t)[0].ID}}, on)
		x.wants("less", 1, 3, "reset false put 0 del 1 ports 0")
		time.Sleep(poll)
		synctest.Wait()
		if err := x.r.Do(t.Context(), func(v View) {
			if len(v.Usage) != 1 || v.Usage[0] != (offload.Usage{Device: "eth1", Received: 1}) {
				t.Errorf("usage is %+v", v.Usage)
			}
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t)
		x.tables["left by an earlier process"] = 1
		x.mail.Send(backend.Delta{Revision: 1}, off)
		x.wants("off from the start", 0, 1, "reset true put 0 del 0 ports 0")
		x.mail.Send(backend.Delta{Revision: 2, Reset: true, Put: rules(t), Complete: true}, on)
		x.wants("on", 2, 2, "reset true put 2 del 0 ports 2")
		x.mail.Send(backend.Delta{Revision: 3}, off)
		x.wants("off", 0, 3, "reset true put 0 del 0 ports 0")
		x.mail.Send(backend.Delta{Revision: 4}, off)
		x.wants("off still", 0, 3)
	})
}

func TestLostTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t)
		x.fail(errors.New("no such protocol"))
		x.mail.Send(backend.Delta{Revision: 1, Reset: true, Put: rules(t), Complete: true}, on)
		x.wants("it holds nothing: nobody waits for it", 0, 1)
		x.fail(nil)
		time.Sleep(firstPause)
		x.wants("reached", 2, 1, "reset true put 2 del 0 ports 2")
		x.fail(errors.New("broken pipe"))
		time.Sleep(poll)
		x.mail.Send(backend.Delta{Revision: 2, Del: []ir.RuleID{rules(t)[0].ID}}, on)
		x.wants("what it holds is old", 2, 1)
		if err := x.r.Do(t.Context(), func(v View) {
			if v.Err == nil || v.Revision != 1 {
				t.Errorf("shows %v at %d", v.Err, v.Revision)
			}
		}); err != nil {
			t.Error(err)
		}
		x.fail(nil)
		time.Sleep(2 * firstPause)
		x.wants("adopted again", 1, 2, "reset true put 1 del 0 ports 2")
	})
}

func TestDevicesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t)
		x.mail.Send(backend.Delta{Revision: 1, Reset: true, Put: rules(t), Complete: true}, on)
		x.wants("on", 2, 1, "reset true put 2 del 0 ports 2")
		x.r.Relink("eth2")
		x.wants("one device", 2, 1, "reset false put 0 del 0 ports 1")
		x.r.Relink("eth9")
		x.wants("nobody's device", 2, 1)
		for range 3 * linkQueue { // more than can be told apart
			x.r.Relink("eth1")
		}
		x.r.Relink("")
		synctest.Wait()
		x.mu.Lock()
		defer x.mu.Unlock()
		if last := x.told[len(x.told)-1]; last != "reset false put 0 del 0 ports 2" {
			t.Errorf("all devices: %s", last)
		}
	})
}

func TestClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t)
		x.mail.Send(backend.Delta{Revision: 1, Reset: true, Put: rules(t), Complete: true}, on)
		x.wants("on", 2, 1, "reset true put 2 del 0 ports 2")
		if err := x.r.Clear(t.Context()); err != nil {
			t.Error(err)
		}
		x.wants("cleared", 0, 1, "reset true put 0 del 0 ports 0")
	})
}

// changeable is a target in which others change something.
type changeable struct {
	*target
	drift   offload.Drift
	suspect bool
	audits  int
}

func (x *changeable) Audit(ctx context.Context) (offload.Drift, offload.Report, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	drift := x.drift
	x.audits++
	x.suspect, x.drift = false, offload.Drift{Foreign: drift.Foreign}
	return drift, offload.Report{}, x.err
}

func (x *changeable) Suspect() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.suspect
}

func TestAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := []offload.Foreign{{Device: "eth1", Entries: 3}}
		c := &changeable{target: &target{tables: map[string]int{}}, drift: offload.Drift{Foreign: others}}
		x := startWith(t, c.target, c)
		x.mail.Send(backend.Delta{Revision: 1, Reset: true, Put: rules(t), Complete: true}, on)
		x.wants("on", 2, 1, "reset true put 2 del 0 ports 2")
		expect := func(what string, audits int, repaired bool, want offload.Drift) {
			t.Helper()
			synctest.Wait()
			c.mu.Lock()
			if c.audits != audits {
				t.Errorf("%s: %d audits, want %d", what, c.audits, audits)
			}
			c.mu.Unlock()
			if err := x.r.Do(t.Context(), func(v View) {
				if !reflect.DeepEqual(v.Audit.Drift, want) || v.Audit.Repaired.IsZero() == repaired {
					t.Errorf("%s: %+v", what, v.Audit)
				}
			}); err != nil {
				t.Error(err)
			}
		}
		expect("at the start", 1, false, offload.Drift{Foreign: others})
		time.Sleep(auditEvery - poll)
		expect("before it is time", 1, false, offload.Drift{Foreign: others})
		c.mu.Lock()
		c.drift.Changed = 2
		c.mu.Unlock()
		time.Sleep(2 * poll)
		expect("when it is time", 2, true, offload.Drift{Changed: 2, Foreign: others})
		c.mu.Lock()
		c.suspect, c.drift = true, offload.Drift{Missing: 5}
		c.mu.Unlock()
		time.Sleep(poll)
		expect("when counters show it", 3, true, offload.Drift{Missing: 5, Changed: 2})
	})
}

func TestRenamedChassis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t)
		x.mail.Send(backend.Delta{Revision: 1, Reset: true, Put: rules(t), Complete: true}, on)
		x.wants("on", 2, 1, "reset true put 2 del 0 ports 2")
		renamed := on
		renamed.Chassis = "hv2"
		x.mail.Send(backend.Delta{Revision: 2}, renamed)
		x.wants("under another name all is told anew", 2, 2, "reset true put 2 del 0 ports 2")
	})
}

// What matches in the fallback decides who gets the room of a target that is full.
func TestHeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t)
		x.room = 2
		var list []ir.Rule
		for typ := 0x88b5; typ < 0x88b8; typ++ {
			r, err := ir.ParseRule(fmt.Sprintf("phy_to_log 100 match(in_port=1, eth.type=%d) { to_port 2; }", typ))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, r)
		}
		x.mail.Send(backend.Delta{Revision: 1, Reset: true, Put: list, Complete: true}, on)
		synctest.Wait()
		// out are the rules whose paths are not in.
		out := func() (rules []ir.RuleID) {
			t.Helper()
			if err := x.r.Do(t.Context(), func(v View) {
				for s := range v.Planner.Paths() {
					if s.Reason != nil && s.Reason.Code == plan.Room {
						for r := range s.Path.Lineage() {
							rules = append(rules, r.ID)
						}
					}
				}
				if len(rules) > 0 && !v.Planner.Crowded() {
					t.Error("paths have no room, and it is not crowded")
				}
			}); err != nil {
				t.Fatal(err)
			}
			return rules
		}
		cold := out()
		if len(cold) == 0 || len(cold) == len(list) {
			t.Fatalf("%d of %d are out", len(cold), len(list))
		}
		hot := cold[0]
		for n := range uint64(5) {
			time.Sleep(3 * time.Second)
			if err := x.r.Heat(t.Context(), map[ir.RuleID]uint64{hot: 1000 * n}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * poll)
		if slices.Contains(out(), hot) {
			t.Error("the path with the packets is out still")
		}
	})
}
