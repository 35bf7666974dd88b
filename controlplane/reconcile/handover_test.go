package reconcile

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
)

// marking is a target that can hand packets over in the middle.
type marking struct{ *target }

func (x *marking) Caps(ctx context.Context) (offload.Caps, error) {
	c, err := x.target.Caps(ctx)
	c.Jump, c.Handover, c.Conntrack = offload.Yes, offload.Yes, offload.Conntrack{Shared: offload.Yes, Commit: offload.Yes}
	c.Match[ir.IP4Dst] = offload.AllOf(ir.IP4Dst, offload.Ternary)
	return c, err
}

// committing are rules by which packets are committed before they may meet a trap.
func committing(t *testing.T) (list []ir.Rule) {
	for _, text := range []string{
		"phy_to_log 100 match(in_port=1, eth.type=0x800) { ct zone=5 next=ingress.1 commit; }",
		"ingress.1 20 match(eth.type=0x800, ip4.dst=7) { punt dns_lookup; }",
		"ingress.1 10 match(eth.type=0x800) { to_port 2; }",
	} {
		r, err := ir.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// TestFallbackIsReadyFirst: the target is told of a table that hands packets over in the middle when the fallback can take them over, not
// before, and the fallback can for a while after the table is gone.
func TestFallbackIsReadyFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan offload.Handovers, 10)
		x := &rig{T: t, target: &target{tables: map[string]int{}}, mail: NewMailbox()}
		x.runWith(&marking{x.target}, func(h offload.Handovers) { asked <- h })
		next := func(what string, rules bool) offload.Handovers {
			t.Helper()
			synctest.Wait()
			select {
			case h := <-asked:
				if (len(h.Rules) > 0) != rules || (len(h.Tables) > 0) != rules {
					t.Errorf("%s: the fallback is asked for %+v", what, h)
				}
				return h
			default:
				t.Fatalf("%s: the fallback is asked for nothing", what)
				return offload.Handovers{}
			}
		}
		list := committing(t)
		x.mail.Send(backend.Delta{Revision: 1, Reset: true, Put: list, Complete: true}, on)
		x.wants("the fallback is not ready", 0, 0)
		h := next("at the start", true)
		x.r.Taken(Taken{Version: h.Version - 1})
		x.wants("that was an older answer", 0, 0)
		x.r.Taken(Taken{Version: h.Version})
		x.wants("the fallback is ready", 2, 1, "reset true put 2 del 0 ports 2", "reset false put 1 del 0 ports 0")

		x.mail.Send(backend.Delta{Revision: 2, Del: []ir.RuleID{list[0].ID}}, on)
		synctest.Wait()
		x.mu.Lock()
		if len(x.tables) != 0 {
			t.Errorf("tables are left: %v", x.tables)
		}
		x.told = nil
		x.mu.Unlock()
		select {
		case h := <-asked:
			t.Errorf("packets may be on their way, and the fallback is asked for %+v", h)
		default:
		}
		time.Sleep(linger + poll)
		x.r.Taken(Taken{Version: next("later", false).Version})

		// What the fallback refuses is not handed over: then the path in front is a trap.
		x.mail.Send(backend.Delta{Revision: 3, Put: list[:1]}, on)
		h = next("again", true)
		var failures []backend.Failure
		for id := range h.Tables {
			failures = append(failures, backend.Failure{Rule: id, Detail: "no room"})
		}
		x.r.Taken(Taken{Version: h.Version, Failures: failures})
		synctest.Wait()
		time.Sleep(poll)
		synctest.Wait()
		x.mu.Lock()
		defer x.mu.Unlock()
		if len(x.tables) != 1 || x.acked != 3 { // what is dropped at once is there, and nothing behind connection tracking
			t.Errorf("what cannot be taken over is in the target: %v, acknowledged %d", x.tables, x.acked)
		}
	})
}

// TestOffWithoutHandovers: a fallback hears that nothing is handed over when the offload is off, so that it can forget what an earlier
// process has left.
func TestOffWithoutHandovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan offload.Handovers, 10)
		x := &rig{T: t, target: &target{tables: map[string]int{}}, mail: NewMailbox()}
		x.runWith(x.target, func(h offload.Handovers) { asked <- h })
		x.mail.Send(backend.Delta{Revision: 1}, off)
		synctest.Wait()
		if h := <-asked; h.Version == 0 || len(h.Rules) > 0 {
			t.Errorf("%+v", h)
		}
	})
}
