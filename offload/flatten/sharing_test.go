package flatten_test

import (
	"fmt"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

func parse(t *testing.T, lines ...string) (rules []ir.Rule) {
	t.Helper()
	for _, l := range lines {
		r, err := ir.ParseRule(l)
		if err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		rules = append(rules, r)
	}
	return rules
}

// Packets with a priority tag lose it and then go the ways of those that came without one.
func TestPriorityTagsAreShed(t *testing.T) {
	rules := parse(t,
		"phy_to_log 100 match(in_port=1, vlan.tci=0x1000/0x1fff) { pop_vlan; datapath = 1; call ingress.0; }",
		"phy_to_log 100 match(in_port=1, vlan.tci=0/0x1000) { datapath = 1; call ingress.0; }",
		"ingress.0 10 datapath=1 match(eth.type=0x800, ip4.dst=0xa000001) { ct zone=5 next=ingress.1; }",
		"ingress.1 10 datapath=1 match(ct_state=0x2/0x2) { to_port 2; }",
		"ingress.1 10 datapath=1 match(eth.dst=1) { to_port 3; }")
	f := flatten.New(flatten.Config{Handover: true, Cut: 8, CanTags: true})
	f.Apply(backend.Delta{Put: rules})
	var ends []flatten.SegmentID
	for s := range f.Segments() {
		for _, p := range s.Paths {
			if p.Jump != nil && p.Jump.CT != nil {
				ends = append(ends, p.Jump.To)
			}
		}
	}
	if len(ends) != 2 || ends[0] != ends[1] {
		t.Errorf("packets with and without a priority tag are tracked on the way to %v", ends)
	}
	m := &flattentest.Machine{Paths: f, Handover: true, Fallback: ir.NewPipeline(rules...), Hits: map[string]int{}}
	if wrong := m.Converse(rules, 1, 2000); wrong != "" {
		t.Error(wrong)
	}
	if m.Hits["output"] == 0 {
		t.Error("nothing was put out: this test tests nothing")
	}
}

// What is known of a connection, and what registers have, tells packets apart only where their datapath may still ask for it. Traps make the segments depend on
// all that can be asked for.
func TestSegmentsDependOnWhatTheirDatapathAsks(t *testing.T) {
	pipeline := func(asking int) []ir.Rule {
		lines := []string{
			"phy_to_log 10 match(in_port=%[1]d, eth.type=0x800, ip4.dst=0xa000001) { datapath = %[1]d; reg3 = 1; ct zone=5 next=ingress.0; }",
			"phy_to_log 10 match(in_port=%[1]d, eth.type=0x800, ip4.dst=0xa000002) { datapath = %[1]d; reg3 = 2; ct zone=6 next=ingress.0; }",
			"ingress.0 10 datapath=%[1]d match(any) { call ingress.1; }",
			"ingress.1 10 datapath=%[1]d match(eth.type=0x800, ip.ttl=1) { punt arp {}; }",
			"ingress.1 5 datapath=%[1]d match(any) { call ingress.2; }",
			"ingress.2 5 datapath=%[1]d match(any) { to_port 9; }",
		}
		var all []string
		for dp := 1; dp <= 2; dp++ {
			for _, l := range lines {
				all = append(all, fmt.Sprintf(l, dp))
			}
		}
		return parse(t, append(all, fmt.Sprintf("ingress.2 10 datapath=%d match(ct_state=0x2/0x2, reg3=1) { to_port 8; }", asking))...)
	}
	for asking := 1; asking <= 2; asking++ {
		f := flatten.New(flatten.Config{Handover: true})
		f.Apply(backend.Delta{Put: pipeline(asking)})
		begin := map[uint32]map[flatten.SegmentID]bool{1: {}, 2: {}}
		for s := range f.Segments() {
			for _, p := range s.Paths {
				if port, ingress := s.ID.Ingress(); ingress && p.Jump != nil {
					begin[port][p.Jump.To] = true
					if to := f.Segment(p.Jump.To); to.Tracked != (port == uint32(asking)) || to.Tracked != (to.Zone != 0) {
						t.Errorf("datapath %d asks; packets of datapath %d are tracked: %v, zone %d", asking, port, to.Tracked, to.Zone)
					}
				}
			}
		}
		if n, m := len(begin[uint32(asking)]), len(begin[uint32(3-asking)]); n != 2 || m != 1 {
			t.Errorf("datapath %d asks; its packets begin in %d segments, those of the other in %d", asking, n, m)
		}
	}
}
