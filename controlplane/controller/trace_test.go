package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/controlplane/trace/tracetest"
)

// TestRulesDoWhatTraceTells holds "sluice trace", which interprets logical flows by
// itself, against the rules that a controller makes of them and the slow path: a chassis
// that has all ports of a random network must put out the same packets.
func TestRulesDoWhatTraceTells(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	for n := range *seeds {
		seed := *first + uint64(n)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			net := tracetest.NewTopology(seed, "hv1")
			host := tracetest.StartCentral(t)
			c, logical := wholeNetwork(t, host, net)
			m := newMachine(t, c)
			compared, out := 0, 0
			for _, q := range net.Questions(400) {
				if len(q.CT) > 0 { // the same for all trips: which of two copies goes first decides nothing
					q.CT = slices.Repeat(q.CT[:1], 100)
				}
				q.LBDst, q.SelectID = "", 0
				r, err := logical.Trace(q.Datapath, q.Microflow, q.Options(t))
				if err != nil {
					t.Fatal(err)
				}
				if tracetest.Ambiguous(r) {
					continue
				}
				compared++
				out += len(r.Outputs)
				want := told(r)
				if got := m.answers(q, want); got != want {
					t.Errorf("%s, ct_state %s\nthe rules put out\n%s\nthe trace\n%s\n%s\n%s", q.Microflow, slices.Compact(q.CT), got, want, r.Summary(), &m.shown)
				}
			}
			t.Logf("%d packets compared, %d outputs", compared, out)
			if compared < 300 || out < 100 {
				t.Errorf("only %d packets could be compared and made %d outputs: this test tests too little", compared, out)
			}
		})
	}
}

// wholeNetwork starts a chassis that has all of net.
func wholeNetwork(t *testing.T, host *tracetest.Central, net *tracetest.Topology) (*hypervisor, *trace.Network) {
	t.Helper()
	local := localDB(t, localIDs)
	physBridges(local)
	c := startChassis(t, host.SB, local)
	c.quiet(host.Node)
	host.Configure(net.Northbound.String())
	c.quiet(host.Node)
	for _, p := range net.VIFs {
		c.plug(p, nil)
	}
	host.Configure(net.Southbound.String())
	c.quiet(host.Node)
	return c, host.Network()
}

// told are the outputs of a trace as text, sorted.
func told(r *trace.Result) string {
	var lines []string
	for _, d := range r.Outputs {
		lines = append(lines, d.Port+headers(d.Packet))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
