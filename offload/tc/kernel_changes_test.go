package tc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// TestKernelRefuses asks for rules in the device only, which a veth does not take: nothing may be left that sends packets anywhere,
// and the failures have the kernel's words.
func TestKernelRefuses(t *testing.T) {
	a, _ := twoChassis(t)
	for i := range a.ports {
		a.ports[i].Mode = offload.HardwareOnly
	}
	rules := gateway(t)
	r := a.program(rules)
	if len(r.Failures) == 0 || !strings.Contains(r.Failures[0].Detail, "EOPNOTSUPP") && !strings.Contains(r.Failures[0].Detail, "not supported") {
		t.Errorf("failures: %+v", r.Failures)
	} else {
		t.Logf("%d failures, such as: %s", len(r.Failures), r.Failures[0].Detail)
	}
	p := packetOf(t, packets[1])
	a.send(1, p.Frame())
	if got := a.receive(3, 100*time.Millisecond); got != nil {
		t.Errorf("a packet got through:\n%s", a.list("p1"))
	}
	for i := range a.ports { // in the device if it can be
		a.ports[i].Mode = offload.HardwareToo
	}
	if r := a.program(rules); len(r.Failures) > 0 {
		t.Errorf("failures: %+v", r.Failures)
	}
	a.expect(ir.NewPipeline(rules...), ir.NewConntrack(), p)
}

// TestKernelAdopts has another process find what one has left, and what it left when it was cut off in the middle.
func TestKernelAdopts(t *testing.T) {
	a, _ := twoChassis(t)
	rules := gateway(t)
	f := flatten.New(flatten.Config{CanTags: true, Workers: 1})
	f.Apply(backend.Delta{Put: rules})
	d := offload.Delta{Put: tables(f), Ports: a.ports, Reset: true}
	whole := a.target.cfg.Dial
	for cut := 0; cut < 60; cut += 7 {
		left := cut
		dying := New(Config{Links: a.target.cfg.Links, Dial: func() (*flower.Conn, error) {
			socket, err := nl.Dial(nl.SocketConfig{NetNS: a.fd})
			if err != nil {
				return nil, err
			}
			return flower.NewConn(&steps{Wire: socket, left: left}, socket.ReadBuffer()), nil
		}})
		_, _ = dying.Apply(t.Context(), d) // most of these fail, as they shall
		_ = dying.Close()
	}
	a.target = New(Config{Links: a.target.cfg.Links, Dial: whole})
	if r := a.apply(d); len(r.Failures) > 0 {
		t.Errorf("failures: %+v", r.Failures)
	}
	again := New(Config{Links: a.target.cfg.Links, Dial: whole})
	t.Cleanup(func() { _ = again.Close() })
	before := a.list("p1")
	if _, err := again.Apply(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if drift, _, err := again.Audit(t.Context()); err != nil || drift.Any() {
		t.Errorf("drift %+v, %v", drift, err)
	}
	if after := a.list("p1"); indexes(after) != indexes(before) {
		t.Errorf("a new process changed filters:\n%s\n%s", before, after)
	}
	pl, tracker := ir.NewPipeline(rules...), ir.NewConntrack()
	for _, text := range packets {
		a.expect(pl, tracker, packetOf(t, text))
	}
}

// indexes are the lines of a listing that change when a filter is made anew.
func indexes(list string) string {
	var kept []string
	for line := range strings.Lines(list) {
		if at := strings.Index(line, "index "); at >= 0 {
			kept = append(kept, strings.Fields(line[at:])[1])
		} else if strings.HasPrefix(line, "filter") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// TestKernelRate compares rules per second of Apply with tc(8).
func TestKernelRate(t *testing.T) {
	a, _ := twoChassis(t)
	n := 10000
	if testing.Short() {
		n = 2000
	}
	var table offload.Table
	table.Segment = flatten.IngressID(1)
	for i := range n {
		m := ir.MustMatch(ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IP4Dst, uint64(0x0a000000+i)))
		table.Entries = append(table.Entries, offload.Entry{Match: m,
			Path: &flatten.Path{ID: flatten.PathID(i + 1), Match: m, Actions: []flatten.Action{{Do: ir.ToPort{Port: 3}}}}})
	}
	if _, err := a.target.Caps(t.Context()); err != nil { // what is done once is not measured
		t.Fatal(err)
	}
	apply := func(what string, d offload.Delta) time.Duration {
		start := time.Now()
		if r := a.apply(d); len(r.Failures) > 0 {
			t.Fatalf("failures: %+v", r.Failures[0])
		}
		took := time.Since(start)
		t.Logf("%s: %s", what, took)
		return took
	}
	ours := apply(fmt.Sprintf("Apply of %d entries", n), offload.Delta{Put: []offload.Table{table}, Ports: a.ports, Reset: true})
	fewer := table
	fewer.Entries = table.Entries[1:]
	apply("Apply that removes one of them", offload.Delta{Put: []offload.Table{fewer}})
	into(t, a.fd)
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "filter add dev p4 ingress chain 1 pref 259 protocol ip handle %d flower skip_hw dst_ip 10.%d.%d.%d action mirred egress redirect dev p3 cookie 736c7501010000008d7a0558cb37c0d3\n",
			i+1, i>>16, i>>8&255, i&255)
	}
	file := filepath.Join(t.TempDir(), "filters")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	batch(t, "tc", "qdisc replace dev p4 clsact\n")
	start := time.Now()
	if out, err := exec.Command("tc", "-batch", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	theirs := time.Since(start)
	t.Logf("rules per second: Apply %.0f, tc -batch %.0f", float64(n)/ours.Seconds(), float64(n)/theirs.Seconds())
	if ours > 2*theirs+guest.Patience {
		t.Errorf("Apply takes %s, tc -batch %s", ours, theirs)
	}
}
