package plan

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// hosts are rules with a path for each of n destinations.
func hosts(n int) (rules []string) {
	rules = append(rules, toIngress)
	for i := 1; i <= n; i++ {
		rules = append(rules, fmt.Sprintf("ingress.0 5 match(eth.dst=%d) { to_port 2; }", i))
	}
	return rules
}

// host is the number of the destination of a path; 0 for none.
func host(path *flatten.Path) uint64 {
	t, _ := path.Match.Term(ir.EthDst)
	return t.Value.Lo
}

// inTable are the destinations that are offloaded.
func inTable(p *Planner) (in []uint64) {
	for s := range p.Paths() {
		if s.Reason == nil {
			in = append(in, host(s.Path))
		}
	}
	slices.Sort(in)
	return in
}

// traffic has the fallback see so many packets per second for each destination, and the
// target those of destinations that it has.
type traffic struct {
	p     *Planner
	now   time.Time
	total map[uint64]uint64
}

func (x *traffic) flow(seconds int, rate map[uint64]uint64) {
	x.count(seconds, rate)
	tell(x.p, x.now)
}

// count is flow without that the target is told what follows.
func (x *traffic) count(seconds int, rate map[uint64]uint64) {
	x.now = x.now.Add(time.Duration(seconds) * time.Second)
	soft := map[ir.RuleID]uint64{}
	var hard []offload.Counter
	for h, r := range rate {
		x.total[h] += r * uint64(seconds)
	}
	for s := range x.p.Paths() {
		h := host(s.Path)
		if s.Reason == nil {
			hard = append(hard, offload.Counter{Segment: s.Segment.ID, Path: s.Path.ID, Packets: x.total[h], Bytes: 100 * x.total[h]})
			continue
		}
		for r := range s.Path.Lineage() {
			soft[r.ID] += x.total[h]
		}
	}
	x.p.Observe(x.now, slices.Values(hard), maps.All(soft))
}

// small is a planner for a target with room for so many entries.
func small(t *testing.T, entries, destinations int) *traffic {
	p := planned(t, hosts(destinations)...)
	c := generous()
	c.Entries = entries
	p.SetCaps(c)
	tell(p, start)
	return &traffic{p: p, now: start, total: map[uint64]uint64{}}
}

func TestHotPathsGetTheRoom(t *testing.T) {
	x := small(t, 3, 10)
	if n := len(inTable(x.p)); n != 3 {
		t.Fatalf("%d paths in a table for 3", n)
	}
	for range 5 {
		x.flow(10, map[uint64]uint64{2: 1000, 5: 2000, 9: 500, 1: 1, 3: 1})
	}
	if got := inTable(x.p); !slices.Equal(got, []uint64{2, 5, 9}) {
		t.Errorf("offloaded are %v", got)
	}
	// The room goes to others when these are hot for long, not at once.
	before := inTable(x.p)
	x.flow(1, map[uint64]uint64{2: 1000, 5: 2000, 9: 500, 7: 600})
	if got := inTable(x.p); !slices.Equal(got, before) {
		t.Errorf("a path that is hardly hotter displaces another: %v", got)
	}
	for range 10 {
		x.flow(10, map[uint64]uint64{2: 1000, 5: 2000, 9: 500, 7: 5000})
	}
	if got := inTable(x.p); !slices.Equal(got, []uint64{2, 5, 7}) {
		t.Errorf("offloaded are %v", got)
	}
}

func TestFewPathsMoveAtATime(t *testing.T) {
	const n = 1000
	x := small(t, n/2, n)
	before := inTable(x.p)
	rate := map[uint64]uint64{}
	for h := uint64(1); h <= n; h++ {
		if !slices.Contains(before, h) {
			rate[h] = 1000
		}
	}
	x.flow(10, rate)
	x.flow(10, rate)
	stay := 0
	for _, h := range inTable(x.p) {
		if slices.Contains(before, h) {
			stay++
		}
	}
	if moved := len(before) - stay; moved == 0 || moved > moves {
		t.Errorf("%d paths moved, want some and no more than %d", moved, moves)
	}
}

func TestRoomIsUsedAgain(t *testing.T) {
	x := small(t, 3, 10)
	c := x.p.Caps()
	c.Entries = 100
	x.p.SetCaps(c)
	tell(x.p, x.now)
	if n := len(inTable(x.p)); n != 11 { // and the drop behind all
		t.Errorf("%d paths are offloaded, want all 11", n)
	}
	x = small(t, 5, 10)
	gone := backend.Delta{}
	for r := range x.p.Flattener().Rules() {
		if m, ok := r.Match.Term(ir.EthDst); ok && slices.Contains(inTable(x.p), m.Value.Lo) {
			gone.Del = append(gone.Del, r.ID)
		}
	}
	x.p.Apply(gone)
	tell(x.p, x.now)
	if n := len(inTable(x.p)); n != 5 {
		t.Errorf("%d paths are offloaded after others went, want 5", n)
	}
}

func TestTables(t *testing.T) {
	p := planned(t, toIngress, "phy_to_log 10 match(in_port=2) { to_port 3; }", "phy_to_log 10 match(in_port=3) { to_port 2; }", goOn)
	c := generous()
	c.Tables = 2
	p.SetCaps(c)
	d := tell(p, start)
	if len(d.Put) != 2 {
		t.Errorf("%d tables, want 2", len(d.Put))
	}
}
