package controller

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/central"
)

var (
	seeds = flag.Int("seeds", 2, "random deployments to change")
	steps = flag.Int("steps", 40, "changes of each")
	first = flag.Uint64("seed", 1, "seed of the first")
)

const localIDs = "system-id=hv1 ovn-encap-type=geneve,vxlan ovn-encap-ip=192.0.2.1 ovn-bridge-mappings=phys:br-phys"

// TestIncrementalEqualsFresh makes random changes. After each, the rules of the
// controller that followed all of them are those of one that starts now, and
// those that it makes itself when it computes everything anew. The one that
// starts now finds nothing to write.
func TestIncrementalEqualsFresh(t *testing.T) {
	t.Parallel()
	for n := range *seeds {
		seed := *first + uint64(n)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			incremental(t, seed)
		})
	}
}

func incremental(t *testing.T, seed uint64) {
	d := central.Start(t)
	local := localDB(t, localIDs)
	physBridges(local)
	c := startChassis(t, d.SB, local)
	c.quiet(d)
	m := newMutator(seed, d, c)
	m.base()
	c.quiet(d)
	for step := range *steps {
		n := len(m.history)
		m.change()
		c.quiet(d)
		what := fmt.Sprintf("after step %d:\n%s", step, strings.Join(m.history[n:], "\n"))
		got := c.text()
		c.Recompute("test")
		c.caughtUp(d.Configure("sync"))
		if diff := difference(got, c.text()); diff != "" {
			t.Errorf("%s\nrecompute changes the rules:\n%s", what, diff)
		}
		t.Run("", func(t *testing.T) {
			fresh := startChassis(t, d.SB, local)
			fresh.caughtUp(d.NBCfg())
			if diff := difference(got, fresh.text()); diff != "" {
				t.Errorf("%s\na fresh controller has other rules:\n%s", what, diff)
			}
			if fresh.writes > 0 {
				t.Errorf("%s\na fresh controller wrote %d transactions\n%s", what, fresh.writes, fresh.log)
			}
		})
		if t.Failed() {
			t.Fatalf("history of seed %d:\n%s", seed, strings.Join(m.history, "\n"))
		}
	}
	if len(slices.Collect(c.w.SB.LogicalFlow.All())) < 100 {
		t.Error("the deployment has hardly any logical flows: this test tests nothing")
	}
}
