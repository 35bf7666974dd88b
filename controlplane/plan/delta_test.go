package plan

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// steps are the deltas that there are now, one a line: the stages of tables, with the
// traps among their entries, and how many are taken out.
func steps(p *Planner) (lines []string) {
	for d, ok := p.Delta(start); ok; d, ok = p.Delta(start) {
		line := ""
		for _, t := range d.Put {
			traps := 0
			for _, e := range t.Entries {
				if e.Trap {
					traps++
				}
			}
			name := t.Segment.String()
			if _, root := t.Segment.Ingress(); !root {
				name = p.Flattener().Segment(t.Segment).Stage
			}
			line += fmt.Sprintf("%s %d/%d ", name, len(t.Entries)-traps, traps)
		}
		lines = append(lines, fmt.Sprintf("%s-%d", line, len(d.Del)))
	}
	return lines
}

// What is committed in front of a jump never meets a trap behind it, in no step of a change.
func TestChangesInSteps(t *testing.T) {
	p := planned(t, toIngress, "ingress.0 3 match(eth.src=2) { ct zone=5 next=ingress.1; }",
		"ingress.0 2 match(eth.src=1) { ct zone=5 commit next=ingress.1; }", "ingress.0 1 match(any) { to_port 3; }",
		"ingress.1 2 match(eth.dst=1) { to_port 4; }", "ingress.1 1 match(any) { to_port 2; }")
	expect := func(what string, want ...string) {
		t.Helper()
		if got := steps(p); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	on := func(n uint32) []offload.Port {
		return []offload.Port{{Ofport: n, Device: fmt.Sprintf("eth%d", n), Mode: offload.HardwareToo}}
	}
	expect("at the start", "ingress.1 2/0 port 1 2/1 -0", "port 1 3/0 -0")

	p.SetPorts(nil, []uint32{4})
	expect("a trap comes", "port 1 2/1 -0", "ingress.1 1/1 -0")
	p.SetPorts(on(4), nil)
	expect("a trap goes", "ingress.1 2/0 -0", "port 1 3/0 -0")
}

func TestStepsOfHandover(t *testing.T) {
	p := planned(t, toIngress, "ingress.0 1 match(any) { ct zone=5 commit next=ingress.1; }",
		"ingress.1 2 match(eth.dst=1) { to_port 4; }", "ingress.1 1 match(any) { to_port 2; }")
	c := generous()
	c.Handover = offload.Yes
	p.SetCaps(c)
	steps(p)
	p.SetPorts(nil, []uint32{4})
	if got, want := steps(p), []string{"ingress.1 1/1 -0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q: a target that can hand over need not take care", got, want)
	}
}

// A trap that is there for a moment only, and that the target refuses, is nothing to remember.
func TestRefusalOfTrapInBetween(t *testing.T) {
	p := planned(t, toIngress, "ingress.0 2 match(eth.src=1) { ct zone=5 commit next=ingress.1; }", goOn, "ingress.1 1 match(any) { to_port 2; }")
	d, _ := p.Delta(start)
	refuseAll(p, d, true, backend.Unsupported, "no")
	if len(p.refused) != 0 {
		t.Error("a trap in between is remembered as refused")
	}
	tell(p, start)
	for s := range p.Paths() {
		if s.Reason != nil {
			t.Errorf("%s: %s", s.Path, s.Reason)
		}
	}
}

func TestUpstreamFirst(t *testing.T) {
	p := planned(t, toIngress, "ingress.0 1 match(any) { ct zone=5 next=ingress.1; }", "ingress.1 1 match(any) { ct zone=6 next=ingress.2; }", "ingress.2 1 match(any) { to_port 2; }")
	d := tell(p, start)
	slices.Reverse(d.Put)
	slices.SortFunc(d.Put, func(a, b offload.Table) int { return -flatten.CompareIDs(a.Segment, b.Segment) })
	p.upstreamFirst(d.Put)
	var order []string
	for _, x := range d.Put {
		order = append(order, p.Flattener().Segment(x.Segment).Stage)
	}
	if want := []string{"phy_to_log", "ingress.1", "ingress.2"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}
