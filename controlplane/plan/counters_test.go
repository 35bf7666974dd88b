package plan

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
)

// credited is what p has credited to the rules of stages.
func credited(p *Planner) map[string]Credit {
	out := map[string]Credit{}
	for r := range p.Flattener().Rules() {
		if c := p.Credited(r.ID); c != (Credit{}) {
			out[r.Stage.String()] = c
		}
	}
	return out
}

func observe(p *Planner, now time.Time, cs ...offload.Counter) {
	p.Observe(now, slices.Values(cs), maps.All(map[ir.RuleID]uint64{}))
}

func TestCountersAreCreditedToTheRules(t *testing.T) {
	p := planned(t, toIngress, "ingress.0 1 match(any) { ct zone=5 next=ingress.1; }", "ingress.1 1 match(any) { to_port 2; }", "ingress.1 2 match(eth.src=1) { to_port 9; }")
	d := tell(p, start)
	var cs []offload.Counter
	for _, table := range d.Put {
		for i, e := range table.Entries {
			cs = append(cs, offload.Counter{Segment: table.Segment, Path: e.Path.ID, Trap: e.Trap, Packets: uint64(10 * (i + 1)), Bytes: uint64(1000 * (i + 1)), HWPackets: 4, HWBytes: 400})
		}
	}
	if len(cs) != 3 {
		t.Fatalf("%d entries, want a jump, a trap and an output", len(cs))
	}
	observe(p, start.Add(time.Second), cs...)
	want := map[string]Credit{
		"phy_to_log": {Device: Traffic{4, 400}, Kernel: Traffic{6, 600}},
		"ingress.0":  {Device: Traffic{4, 400}, Kernel: Traffic{6, 600}},
	}
	got := credited(p)
	delete(got, "ingress.1") // of two rules; below
	if !maps.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for r := range p.Flattener().Rules() {
		switch c := p.Credited(r.ID); {
		case r.Stage == ir.Ingress(1) && r.Priority == 1 && c != Credit{Device: Traffic{4, 400}, Kernel: Traffic{16, 1600}}:
			t.Errorf("the output has %+v", c)
		case r.Stage == ir.Ingress(1) && r.Priority == 2 && c != Credit{Trapped: Traffic{10, 1000}}:
			t.Errorf("the trap has %+v", c)
		}
	}

	// The same counters again are no new packets; what counts less than before is new.
	observe(p, start.Add(2*time.Second), cs...)
	if again := credited(p); !maps.Equal(map[string]Credit{"phy_to_log": again["phy_to_log"], "ingress.0": again["ingress.0"]}, want) {
		t.Errorf("the same counters again: %+v", again)
	}
	cs[0].Packets, cs[0].Bytes, cs[0].HWPackets, cs[0].HWBytes = 1, 100, 1, 100
	observe(p, start.Add(3*time.Second), cs[0])
	if c := credited(p)["ingress.0"]; c != (Credit{Device: Traffic{5, 500}, Kernel: Traffic{6, 600}}) {
		t.Errorf("after it was installed anew: %+v", c)
	}
	if sum := p.Coverage().Total.Seen; sum.Device.Packets != 5+4 || sum.Trapped.Packets != 10 {
		t.Errorf("seen are %+v", sum)
	}
}

// TestIdle: who asks for the rules of a stage hears how long no packet of the target has gone through them.
func TestIdle(t *testing.T) {
	p := planned(t, toIngress, "ingress.0 1 match(eth.src=1) { to_port 2; }", "ingress.0 1 match(eth.src=2) { to_port 2; }")
	table := tell(p, start).Put[0]
	used := offload.Counter{Segment: table.Segment, Path: table.Entries[0].Path.ID, Trap: table.Entries[0].Trap, Packets: 1, Bytes: 100}
	observe(p, start, used)
	observe(p, start.Add(time.Second), used) // no more
	if used.Packets++; len(maps.Collect(p.Idle(start, ir.Ingress(1)))) != 0 {
		t.Error("there are rules of another stage")
	}
	observe(p, start.Add(2*time.Second), used)
	for _, stage := range []ir.Stage{ir.PhyToLog, ir.Ingress(0)} {
		idle := maps.Collect(p.Idle(start.Add(5*time.Second), stage))
		for id, d := range idle {
			if r := p.Flattener().Rule(id); r.Stage != stage || d != 3*time.Second {
				t.Errorf("%v: %s", d, r)
			}
		}
		if len(idle) != 1 {
			t.Errorf("%d rules of %s have had packets, want 1", len(idle), stage)
		}
	}
}

func TestCoverage(t *testing.T) {
	p := planned(t,
		"phy_to_log 10 match(in_port=1) { datapath = 7; call ingress.0; }", "phy_to_log 10 match(in_port=2) { datapath = 7; call ingress.0; }",
		"ingress.0 1 datapath=7 match(any) { ct zone=5 next=ingress.1; }",
		"ingress.1 1 match(any) { to_port 3; }", "ingress.1 2 match(eth.src=1) { to_port 9; }")
	p.SetPorts([]offload.Port{{Ofport: 2, Device: "eth2"}}, nil)
	tell(p, start)
	c := p.Coverage()
	count := func(offloaded, fallback int) Count { return Count{Offloaded: offloaded, Fallback: fallback} }
	if c.Total != count(2, 2) {
		t.Errorf("in total %+v", c.Total)
	}
	if want := map[uint32]Count{1: count(2, 1), 2: count(0, 1)}; !maps.Equal(c.ByPort, want) {
		t.Errorf("by port %+v, want %+v", c.ByPort, want)
	}
	if want := map[uint32]Count{7: count(1, 1)}; !maps.Equal(c.ByDatapath, want) {
		t.Errorf("by datapath %+v, want %+v", c.ByDatapath, want)
	}
	if want := map[Cause]Count{{NoDevice, ir.Ingress(1)}: count(0, 1), {PortOff, ir.NoStage}: count(0, 1)}; !maps.Equal(c.ByCause, want) {
		t.Errorf("by cause %+v, want %+v", c.ByCause, want)
	}
}

// An entry that was taken out and put back begins at 0, also if it has counted more than
// before when it is read next.
func TestCountersOfEntriesThatComeBack(t *testing.T) {
	p := planned(t, toIngress, goOn)
	e := tell(p, start).Put[0].Entries[0]
	c := offload.Counter{Segment: 1<<63 | 1, Path: e.Path.ID, Packets: 10, Bytes: 1000}
	observe(p, start.Add(time.Second), c)
	p.SetPorts(nil, []uint32{2})
	tell(p, start)
	p.SetPorts([]offload.Port{{Ofport: 2, Device: "eth2", Mode: offload.Software}}, nil)
	tell(p, start)
	c.Packets, c.Bytes = 12, 1200
	observe(p, start.Add(2*time.Second), c)
	p.Restart() // the target adopts what it has
	tell(p, start)
	observe(p, start.Add(3*time.Second), c)
	if got := credited(p)["ingress.0"]; got != (Credit{Kernel: Traffic{22, 2200}}) {
		t.Errorf("credited are %+v, want 10 packets and 12", got)
	}
}

func TestThrough(t *testing.T) {
	p := planned(t, toIngress, "phy_to_log 10 match(in_port=2) { to_port 3; }", goOn, "ingress.0 9 match(eth.src=1) { to_port 9; }")
	for r := range p.Flattener().Rules() {
		n, want := 0, map[string]int{"phy_to_log in_port=1": 2, "phy_to_log in_port=2": 1, "ingress.0 any": 1, "ingress.0 eth.src=1": 1}[r.Stage.String()+" "+r.Match.String()]
		for range p.Through(map[ir.RuleID]bool{r.ID: true}) {
			n++
		}
		if n != want {
			t.Errorf("%d paths go through %s, want %d", n, r, want)
		}
	}
}

// Totals have each packet once, each datapath's packets once, and do not become less when paths go.
func TestTotals(t *testing.T) {
	p := planned(t,
		"phy_to_log 10 match(in_port=1) { datapath = 7; call ingress.0; }",
		"ingress.0 1 datapath=7 match(any) { datapath = 8; call ingress.1; }",
		"ingress.1 1 datapath=8 match(any) { ct zone=5 next=ingress.2; }",
		"ingress.2 1 datapath=8 match(any) { to_port 2; }",
		"ingress.2 2 datapath=8 match(eth.src=1) { to_port 9; }")
	d := tell(p, start)
	counters := func(packets uint64) (cs []offload.Counter) {
		for _, table := range d.Put {
			for _, e := range table.Entries {
				c := offload.Counter{Segment: table.Segment, Path: e.Path.ID, Trap: e.Trap, Packets: packets, Bytes: 100 * packets}
				if e.Path.Jump != nil {
					c.Packets, c.Bytes = 2*packets, 200*packets
				}
				cs = append(cs, c)
			}
		}
		return cs
	}
	check := func(what string, packets uint64) {
		t.Helper()
		in := func(n uint64) Traffic { return Traffic{n * packets, 100 * n * packets} }
		got, ends := p.Totals(), Credit{Kernel: in(1), Trapped: in(1)}
		if got.All != ends {
			t.Errorf("%s: in all %+v, want %+v", what, got.All, ends)
		}
		if want := map[uint32]Credit{1: {Kernel: in(2)}}; !maps.Equal(got.ByPort, want) {
			t.Errorf("%s: by port %+v, want %+v", what, got.ByPort, want)
		}
		if want := map[uint32]Credit{7: {Kernel: in(2)}, 8: ends}; !maps.Equal(got.ByDatapath, want) {
			t.Errorf("%s: by datapath %+v, want %+v", what, got.ByDatapath, want)
		}
	}
	observe(p, start.Add(time.Second), counters(10)...)
	check("at first", 10)
	observe(p, start.Add(2*time.Second), counters(25)...)
	check("more", 25)
	var all []ir.RuleID
	for r := range p.Flattener().Rules() {
		all = append(all, r.ID)
	}
	p.Apply(backend.Delta{Del: all[1:]})
	tell(p, start.Add(3*time.Second))
	observe(p, start.Add(3*time.Second))
	check("paths are gone", 25)
	p.SetPorts(nil, []uint32{1})
	if got := p.Totals().ByPort; len(got) != 0 {
		t.Errorf("of a port that is gone: %+v", got)
	}
}
