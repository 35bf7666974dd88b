package ovs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// backends is a rule that chooses one of n backends, the last of which is last.
func backends(t *testing.T, n, last int) ir.Rule {
	t.Helper()
	var b strings.Builder
	b.WriteString("ingress.0 5 match(any) { select")
	for i := range n {
		if i == n-1 {
			i = last
		}
		fmt.Fprintf(&b, " bucket(weight=100 {ct zone=ct_zone[0..15] commit next=ingress.4 nat(dst=10.0.%d.%d port=80) exec {ct_mark[1] = 1;};})", i/250, i%250)
	}
	return rules(t, b.String()+"; }")[0]
}

// inSwitch are the numbers of buckets of the switch's groups.
func (r *rig) inSwitch() (counts []int) {
	r.t.Helper()
	for line := range strings.Lines(r.sw.Ofctl("dump-group-stats", bridgeName)) {
		if strings.Contains(line, "group_id=") {
			counts = append(counts, strings.Count(line, "bucket")) // each bucket has "bucketN:"
		}
	}
	return counts
}

// TestManyBackends: a load balancer whose group fits into no OpenFlow message is in the
// switch as a whole, is found right after a restart beside groups that are described and
// groups that are superfluous, is replaced when one backend changes, and goes.
func TestManyBackends(t *testing.T) {
	const n = 3000
	r := newRig(t)
	r.start()
	small := backends(t, 2, 7)
	small.Priority = 6
	small = ir.NewRule(small.Stage, 6, small.Datapath, small.Match, nil, small.Program, small.Owner)
	all := []ir.Rule{backends(t, n, 1), small}
	check := func(when string, flows int, counts ...int) {
		t.Helper()
		got := r.inSwitch()
		slices.Sort(got)
		if !slices.Equal(got, counts) || len(r.flows()) != flows {
			t.Errorf("%s: groups with %v buckets and %d flows, want %v and %d", when, got, len(r.flows()), counts, flows)
		}
	}
	if f := r.send(backend.Delta{Reset: true, Put: all}); len(f) > 0 {
		t.Fatalf("refused: %v", f)
	}
	check("at first", 2, 2, n)

	r.start()
	if f := r.send(backend.Delta{Reset: true, Put: all}); len(f) > 0 {
		t.Fatalf("after a restart refused: %v", f)
	}
	if want := "2 flows are right, 0 added or corrected, 0 removed; messages about groups: 0"; !strings.Contains(r.log.String(), want) {
		t.Errorf("the log lacks %q", want)
	}
	check("after a restart", 2, 2, n)

	changed := backends(t, n, 7)
	if f := r.send(backend.Delta{Del: ids(all[:1]), Put: []ir.Rule{changed}}); len(f) > 0 {
		t.Fatalf("refused: %v", f)
	}
	check("with another backend", 2, 2, n)

	r.start() // the group of before is superfluous for it, and one is missing
	if f := r.send(backend.Delta{Reset: true, Put: all[:1]}); len(f) > 0 {
		t.Fatalf("refused: %v", f)
	}
	check("after a restart with other rules", 1, n)
	r.send(backend.Delta{Del: ids(all[:1])})
	check("at the end", 0)
}

// TestTooManyBackends: what Open vSwitch could not tell of again is refused by name.
func TestTooManyBackends(t *testing.T) {
	r := newRig(t)
	r.start()
	f := r.send(backend.Delta{Reset: true, Put: []ir.Rule{backends(t, maxBuckets+1, 1)}})
	if len(f) != 1 || !strings.Contains(f[0].Detail, "4001 buckets") {
		t.Errorf("failures: %v", f)
	}
}
