package flowset_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a bridge of a real Open vSwitch. Flows of table 9 are the switch's own.
type rig struct {
	*testing.T
	ovs   *vswitch.Switch
	mgmt  string
	fresh atomic.Int32 // links to a switch that had nothing
	links atomic.Int32
	seen  chan string // of table 9
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, ovs: vswitch.Start(t), seen: make(chan string, 100)}
	r.mgmt = r.ovs.AddBridge("br0")
	r.ovs.AddPort("br0", "p1", "1")
	return r
}

// run keeps the bridge until stop or the end of the test.
func (r *rig) run() (b *flowset.Bridge, stop func()) {
	discard := slog.New(slog.DiscardHandler)
	b = flowset.New(flowset.Config{Addr: "unix:" + r.mgmt, Log: discard, Conn: discard,
		Stays:   func(f *ofp.Flow) bool { return f.Table == 9 },
		Watched: 9,
		Seen: func(f *ofp.Flow, gone bool) {
			what := "have "
			if gone {
				what = "lost "
			}
			r.seen <- what + f.String()
		},
		Linked: func(fresh bool) {
			r.links.Add(1)
			if fresh {
				r.fresh.Add(1)
			}
		}})
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan struct{})
	go func() { defer close(end); b.Run(ctx) }() //nolint:errcheck // it ends with the test
	stop = func() { cancel(); <-end }
	r.Cleanup(stop)
	return b, stop
}

func flows(t *testing.T, texts ...string) (list []flowset.Flow) {
	t.Helper()
	for _, text := range texts {
		m, err := ofp.ParseFlow(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, flowset.Flow{Table: m.Table, Priority: m.Priority, Cookie: m.Cookie, Match: m.Match, Actions: m.Actions})
	}
	return list
}

// has waits until the bridge has just these flows.
func (r *rig) has(want ...string) {
	r.Helper()
	slices.Sort(want)
	var got []string
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-tick.C {
		got = nil
		for line := range strings.Lines(r.ovs.Ofctl("--no-stats", "dump-flows", "br0")) {
			if line = strings.TrimSpace(line); strings.Contains(line, "actions=") {
				got = append(got, line)
			}
		}
		if slices.Sort(got); slices.Equal(got, want) {
			return
		}
	}
	r.Fatalf("the bridge has %q, not %q", got, want)
}

// until waits for a condition.
func (r *rig) until(what string, cond func() bool) {
	r.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !cond(); <-tick.C {
		if time.Now().After(end) {
			r.Fatalf("waited a minute for %s", what)
		}
	}
}

// The bridge gets what its owners want, when they all have said so, and keeps what it has learned; a flow that two of them have belongs to the last who said so.
func TestOwners(t *testing.T) {
	r := newRig(t)
	r.ovs.Ofctl("add-flow", "br0", "table=9,priority=1,actions=drop")
	r.ovs.Ofctl("add-flow", "br0", "table=0,priority=1,actions=drop")
	b, _ := r.run()
	b.Put(1, flows(t, "table=0,priority=5,in_port=1 actions=drop", "cookie=7,table=1,priority=5 actions=IN_PORT"))
	r.has("priority=1 actions=drop", "table=9, priority=1 actions=drop")
	b.Complete()
	r.has("priority=5,in_port=1 actions=drop", "cookie=0x7, table=1, priority=5 actions=IN_PORT", "table=9, priority=1 actions=drop")

	b.Put(2, flows(t, "table=0,priority=5,in_port=1 actions=IN_PORT"))
	b.Put(1, nil)
	r.has("priority=5,in_port=1 actions=IN_PORT", "table=9, priority=1 actions=drop")
	b.Put(2, nil)
	r.has("table=9, priority=1 actions=drop")
	r.until("the counts", func() bool { s := b.Status(); return s.Flows == 0 && s.Added == 3 && s.Removed == 3 })
}

// What is right is not touched: its counters go on. What somebody has changed is put right, at the next connection or when asked.
func TestAdopt(t *testing.T) {
	r := newRig(t)
	want := flows(t, "table=0,priority=5,in_port=1 actions=resubmit(,1)", "table=1,priority=5 actions=drop")
	start := func() (*flowset.Bridge, func()) {
		b, stop := r.run()
		b.Put(1, want)
		b.Complete()
		return b, stop
	}
	_, stop := start()
	r.has("priority=5,in_port=1 actions=resubmit(,1)", "table=1, priority=5 actions=drop")
	r.ovs.Appctl("netdev-dummy/receive", "p1", "in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x88b5)")
	stop()
	r.ovs.Ofctl("add-flow", "br0", "table=1,priority=5,actions=IN_PORT")
	r.ovs.Ofctl("add-flow", "br0", "table=2,priority=5,actions=IN_PORT")

	b, _ := start()
	r.has("priority=5,in_port=1 actions=resubmit(,1)", "table=1, priority=5 actions=drop")
	r.until("the counts", func() bool { s := b.Status(); return s.Adopted == 1 && s.Added == 1 && s.Removed == 1 })
	if got := r.ovs.Ofctl("dump-flows", "br0", "table=0"); !strings.Contains(got, "n_packets=1") {
		t.Errorf("the counter does not go on: %s", got)
	}

	r.ovs.Ofctl("del-flows", "br0")
	b.Resync()
	r.has("priority=5,in_port=1 actions=resubmit(,1)", "table=1, priority=5 actions=drop")
	r.until("the links", func() bool { return r.links.Load() == 3 })
	fresh := r.fresh.Load()
	r.ovs.KillVswitchd()
	r.ovs.StartVswitchd()
	r.ovs.WaitVswitchd()
	r.has("priority=5,in_port=1 actions=resubmit(,1)", "table=1, priority=5 actions=drop")
	r.until("news of a switch without our flows", func() bool { return r.fresh.Load() == fresh+1 })
}

// A flow that the switch does not take is named; the others are there.
func TestRefused(t *testing.T) {
	r := newRig(t)
	b, _ := r.run()
	b.Put(1, flows(t, "table=0,priority=5 actions=drop", "table=0,priority=6 actions=group:77"))
	b.Complete()
	r.has("priority=5 actions=drop")
	var refused []flowset.Refusal
	r.until("the refusal", func() bool { refused = b.Refusals(); return len(refused) > 0 })
	if len(refused) != 1 || refused[0].Flow != "priority=6 actions=group:77" || !strings.Contains(refused[0].Why, "GROUP") || refused[0].Full {
		t.Errorf("refused: %+v", refused)
	}
	b.Put(1, flows(t, "table=0,priority=5 actions=drop"))
	r.until("the end of the refusal", func() bool { return len(b.Refusals()) == 0 })
}

// What the switch has learned goes when a flow is added that knows better, and not when that is there.
func TestEvicts(t *testing.T) {
	r := newRig(t)
	b, _ := r.run()
	b.Complete()
	r.has()
	learned := "table=9,priority=1,dl_dst=02:00:00:00:00:01 actions=drop"
	r.ovs.Ofctl("add-flow", "br0", learned)
	better := flows(t, "table=0,priority=5,dl_dst=02:00:00:00:00:01 actions=IN_PORT")
	evicted := flows(t, learned)[0]
	better[0].Evicts = &ofp.FlowMod{Command: ofp.FlowDeleteStrict, Table: evicted.Table, Priority: evicted.Priority, Match: evicted.Match}
	b.Put(1, better)
	r.has("priority=5,dl_dst=02:00:00:00:00:01 actions=IN_PORT")
	r.ovs.Ofctl("add-flow", "br0", learned)
	b.Put(1, better)
	b.Put(2, flows(t, "table=1,priority=5 actions=drop"))
	r.has("priority=5,dl_dst=02:00:00:00:00:01 actions=IN_PORT", "table=1, priority=5 actions=drop", "table=9, priority=1,dl_dst=02:00:00:00:00:01 actions=drop")
	if err := b.Remove([]flowset.Flow{evicted}); err != nil {
		t.Error(err)
	}
	r.has("priority=5,dl_dst=02:00:00:00:00:01 actions=IN_PORT", "table=1, priority=5 actions=drop")
}

// Whatever happens in the watched table is told as it happens: what others do, what the bridge itself evicts and removes, and again after the switch has started.
func TestSeen(t *testing.T) {
	r := newRig(t)
	b, _ := r.run()
	b.Complete()
	saw := func(want string) {
		t.Helper()
		select {
		case got := <-r.seen:
			if got != want {
				t.Errorf("%q was seen, not %q", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("waited a minute for %q", want)
		}
	}
	r.until("the link", func() bool { return r.links.Load() == 1 })
	if !b.Status().Watching {
		t.Error("the status does not say that the switch tells of its flows")
	}
	learned := "table=9, priority=1,dl_dst=02:00:00:00:00:01 actions=drop"
	r.ovs.Ofctl("add-flow", "br0", "table=8,priority=1,actions=drop")
	r.ovs.Ofctl("add-flow", "br0", learned)
	saw("have " + learned)
	better := flows(t, "table=0,priority=5,dl_dst=02:00:00:00:00:01 actions=IN_PORT")
	evicted := flows(t, learned)[0]
	better[0].Evicts = &ofp.FlowMod{Command: ofp.FlowDeleteStrict, Table: evicted.Table, Priority: evicted.Priority, Match: evicted.Match}
	b.Put(1, better)
	saw("lost " + learned)
	r.ovs.Ofctl("add-flow", "br0", learned)
	saw("have " + learned)
	if err := b.Remove([]flowset.Flow{evicted}); err != nil {
		t.Error(err)
	}
	saw("lost " + learned)
	r.ovs.KillVswitchd()
	r.ovs.StartVswitchd()
	r.ovs.WaitVswitchd()
	r.until("the next link", func() bool { return r.links.Load() == 2 })
	r.ovs.Ofctl("add-flow", "br0", learned)
	saw("have " + learned)
}
