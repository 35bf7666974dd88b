package ovs

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
)

// part sends rules that are not all there will be, and waits until the backend has them.
func (r *rig) part(d backend.Delta) {
	r.t.Helper()
	r.rev++
	d.Revision, d.Release = r.rev, northd
	r.mail.Send(d)
	r.await("the backend to take a part", func() bool { return !r.mail.Waiting() })
}

func (r *rig) await(what string, done func() bool) {
	r.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(end) {
			r.t.Fatalf("no end of waiting for %s\n%s", what, r.log)
		}
	}
}

// TestFillsAnEmptyBridge: what comes in parts before the rules are complete is in
// force when they are, as a whole and not before.
func TestFillsAnEmptyBridge(t *testing.T) {
	r := newRig(t)
	r.start()
	all := rules(t, good+`
		ingress.0 5 match(reg0=5) { call ingress.1; }
		ingress.0 6 match(any) { select bucket(weight=1 {call ingress.2;}) bucket(weight=1 {call ingress.3;}); }`)
	r.part(backend.Delta{Reset: true, Put: all[:1]})
	r.part(backend.Delta{Put: all[2:]})
	r.part(backend.Delta{Del: ids(all[2:3])})
	if got := r.flows(); len(got) != 0 {
		t.Errorf("before the rules are complete the bridge has\n%s", strings.Join(got, "\n"))
	}
	if failures := r.send(backend.Delta{Put: all[1:2]}); len(failures) > 0 {
		t.Errorf("refused: %v", failures)
	}
	got := strings.Join(r.flows(), "\n")
	if !strings.Contains(got, goodFlows[0]) || !strings.Contains(got, goodFlows[1]) || !strings.Contains(got, "priority=6 actions=group:") {
		t.Errorf("the bridge has\n%s", got)
	}
	if log := r.log.String(); !strings.Contains(log, "filled the empty integration bridge: 3 flows") {
		t.Errorf("log:\n%s", log)
	}
	r.put(all[2])
	if s := r.status(); s.Flows != 4 || s.Groups != 1 {
		t.Errorf("status: %d flows, %d groups", s.Flows, s.Groups)
	}
}

// TestNewBeginningWhileFilling: a reset voids what was sent in parts, and so does
// the loss of the connection.
func TestNewBeginningWhileFilling(t *testing.T) {
	all := rules(t, good+`
		ingress.0 5 match(reg0=5) { call ingress.1; }`)
	t.Run("reset", func(t *testing.T) {
		r := newRig(t)
		r.start()
		r.part(backend.Delta{Reset: true, Put: all[2:]})
		r.send(backend.Delta{Reset: true, Put: all[:2]})
		r.wantPlain(goodFlows...)
	})
	t.Run("connection lost", func(t *testing.T) {
		r := newRig(t)
		r.start()
		r.part(backend.Delta{Reset: true, Put: all[:1]})
		before := r.status().Connections
		r.be.Redial("a test wants it")
		r.await("the second connection", func() bool { return r.status().Connections > before })
		r.send(backend.Delta{Put: all[1:2]})
		r.wantPlain(goodFlows...)
	})
	t.Run("filled by somebody else", func(t *testing.T) {
		r := newRig(t)
		r.sw.Ofctl("add-flow", bridgeName, "table=8,priority=9,actions=drop")
		r.start()
		r.part(backend.Delta{Reset: true, Put: all[:1]})
		r.send(backend.Delta{Put: all[1:2]})
		r.wantPlain(goodFlows...)
	})
}

// TestSwitchForgetsTheFilling: when computing takes so long that Open vSwitch forgets the bundle, all rules are in force in the end, whether
// more were added to it afterwards (of which the switch makes a bundle anew) or not.
func TestSwitchForgetsTheFilling(t *testing.T) {
	all := rules(t, good+`
		ingress.0 6 match(any) { select bucket(weight=1 {call ingress.2;}) bucket(weight=1 {call ingress.3;}); }`)
	for name, d := range map[string]backend.Delta{"nothing more": {}, "more": {Put: all[1:]}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.sw.ForgetBundles()
			r.start()
			put := all
			if len(d.Put) > 0 {
				put = all[:1]
			}
			r.part(backend.Delta{Reset: true, Put: put})
			r.sw.AwaitForgottenBundle()
			if failures := r.send(d); len(failures) > 0 {
				t.Errorf("refused: %v", failures)
			}
			got := strings.Join(r.flows(), "\n")
			if !strings.Contains(got, goodFlows[0]) || !strings.Contains(got, goodFlows[1]) || !strings.Contains(got, "priority=6 actions=group:") {
				t.Errorf("the bridge has\n%s", got)
			}
			if s := r.status(); s.Added != 3 || s.Groups != 1 {
				t.Errorf("status: %d flows were added, %d groups", s.Added, s.Groups)
			}
			if log := r.log.String(); !strings.Contains(log, "OFPBFC_TIMEOUT") || strings.Contains(log, "filled the empty") {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}
