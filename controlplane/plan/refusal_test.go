package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// placed tells whether anything is in the target.
func placed(p *Planner, now time.Time) bool {
	tell(p, now)
	return len(p.installed) > 0
}

func TestTransientRefusalsAreTriedAgain(t *testing.T) {
	p := planned(t, toIngress, goOn)
	now := start
	d := tell(p, now)
	for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		refuseAll(p, d, false, backend.Transient, "busy")
		if placed(p, now) {
			t.Fatal("a path that was refused is offloaded")
		}
		at, ok := p.Next()
		if !ok || at.Sub(start) != pause {
			t.Fatalf("the next try is in %v (%v), want %v", at.Sub(start), ok, pause)
		}
		if placed(p, at.Add(-1)) {
			t.Fatal("it is tried again too early")
		}
		if d = tell(p, at); len(d.Put) != 1 {
			t.Fatalf("it is not tried again: %+v", d)
		}
		if _, ok := p.Next(); ok {
			t.Fatal("something is to be tried again while it is being tried")
		}
	}
	for range 20 { // the pause does not grow for ever
		refuseAll(p, d, false, backend.Full, "full")
		at, _ := p.Next()
		if pause := at.Sub(start); pause > maxPause {
			t.Fatalf("a pause of %v", pause)
		}
		tell(p, start)
		d = tell(p, at)
	}
}

// A device that comes ends the pause, and another device for a port all refusals where it is used.
func TestRefusalsEndWithDevices(t *testing.T) {
	p := planned(t, toIngress, goOn)
	d := tell(p, start)
	for range 5 {
		refuseAll(p, d, false, backend.Transient, "no device")
		tell(p, start)
		at, _ := p.Next()
		d = tell(p, at)
	}
	refuseAll(p, d, false, backend.Transient, "no device")
	if tell(p, start); placed(p, start) {
		t.Fatal("a path that was refused is offloaded")
	}
	p.Hurry(start)
	if at, ok := p.Next(); !ok || at != start {
		t.Errorf("the next try is at %v (%v)", at, ok)
	}
	if d = tell(p, start); len(d.Put) != 1 {
		t.Fatalf("it is not tried again: %+v", d)
	}
	refuseAll(p, d, false, backend.Unsupported, "no")
	if p.Hurry(start); placed(p, start) {
		t.Fatal("a path that the driver cannot do is offloaded")
	}
	for _, port := range p.ports {
		port.Ifindex = 77
		p.SetPorts([]offload.Port{port}, nil)
	}
	if !placed(p, start) {
		t.Error("it is not tried again though its ports have other devices")
	}
}

func TestFinalRefusalsStayUntilSomethingChanges(t *testing.T) {
	p := planned(t, toIngress, goOn)
	refuseAll(p, tell(p, start), false, backend.Unsupported, "no")
	if _, ok := p.Next(); ok {
		t.Error("a path that the target cannot do is to be tried again")
	}
	if placed(p, start.Add(time.Hour)) {
		t.Error("a path that was refused is offloaded")
	}
	// Another firmware.
	c := generous()
	c.Target = "firmware 2"
	p.SetCaps(c)
	if !placed(p, start) {
		t.Fatal("it is not tried again though the target changed")
	}
	refuseAll(p, offload.Delta{Put: []offload.Table{*p.installed[1<<63|1].table}}, false, backend.Invalid, "no")
	if placed(p, start) {
		t.Fatal("a path that was refused is offloaded")
	}
	// The path comes back as it was, and then it changes.
	rules := parse(t, toIngress, goOn)
	p.Apply(backend.Delta{Del: []ir.RuleID{rules[1].ID}})
	tell(p, start)
	p.Apply(backend.Delta{Put: rules[1:]})
	for s := range p.Paths() {
		if s.Reason == nil {
			t.Errorf("%s is offloaded though it was refused before", s.Path)
		}
	}
	other := parse(t, "ingress.0 1 match(any) { to_port 3; }")
	p.Apply(backend.Delta{Del: []ir.RuleID{rules[1].ID}, Put: other})
	if !placed(p, start) {
		t.Error("it is not tried again though it changed")
	}
}

func TestFailuresOfWhatIsGoneDoNotMatter(t *testing.T) {
	p := planned(t, toIngress, goOn)
	d := tell(p, start)
	p.SetPorts(nil, []uint32{1})
	tell(p, start)
	refuseAll(p, d, false, backend.Unsupported, "no")
	if len(p.refused) != 0 {
		t.Error("a refusal of an entry that is gone is remembered")
	}
}

// What is remembered of paths that are gone is bounded by what there is.
func TestRefusalsAreForgotten(t *testing.T) {
	p := planned(t, hosts(3)...)
	for n := range 3 * minDrop {
		r := parse(t, fmt.Sprintf("ingress.0 7 match(eth.src=%d) { to_port 3; }", n+1))
		p.Apply(backend.Delta{Put: r})
		refuseAll(p, tell(p, start), false, backend.Unsupported, "no")
		p.Apply(backend.Delta{Del: []ir.RuleID{r[0].ID}})
		if len(p.refused) > 2*minDrop {
			t.Fatalf("%d refusals are remembered", len(p.refused))
		}
	}
}

// What the target has no place for is not offloaded, until it has; it is not told
// anything else because of that.
func TestLostIngress(t *testing.T) {
	now := time.Unix(1000, 0)
	p := New(flatten.Config{Cut: 24})
	p.SetCaps(offload.Caps{Match: offload.Fields{ir.EthType: offload.AllOf(ir.EthType, offload.Ternary)}, Outputs: offload.Amount{Max: 1}})
	var rules []ir.Rule
	for _, text := range []string{"phy_to_log 10 match(in_port=1, eth.type=0x800) { to_port 2; }", "phy_to_log 10 match(in_port=2, eth.type=0x800) { to_port 1; }"} {
		r, err := ir.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	p.Apply(backend.Delta{Put: rules})
	p.SetPorts([]offload.Port{{Ofport: 1, Device: "eth1", Mode: offload.Software}, {Ofport: 2, Device: "eth2", Mode: offload.Software}}, nil)
	d, ok := p.Delta(now)
	if !ok || len(d.Put) != 2 {
		t.Fatalf("the target is told %+v", d)
	}
	lost := []offload.Failure{{Segment: flatten.IngressID(1), Kind: backend.Transient, Detail: "eth1: it has another qdisc"}}
	for _, tt := range []struct {
		failures []offload.Failure
		want     int
	}{{nil, 2}, {lost, 0}, {nil, 2}} { // with what drops all other packets
		p.Report(now, offload.Report{Failures: tt.failures})
		if d, again := p.Delta(now); again {
			t.Errorf("%+v: the target is told %+v", tt.failures, d)
		}
		c := p.Coverage()
		if c.Total.Offloaded != tt.want+2 || c.ByPort[1].Offloaded != tt.want || c.ByPort[2].Offloaded != 2 {
			t.Errorf("%+v: %+v", tt.failures, c)
		}
		for s := range p.Paths() {
			if s.Reason != nil && s.Reason.Code == Refused && !strings.Contains(s.Reason.String(), "refused: the target refused it: transient: eth1: it has another qdisc; fix: what it says") {
				t.Error(s.Reason)
			}
		}
	}
}
