package tc

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/offload/tc/flower/flowertest"
)

func TestPoliceOf(t *testing.T) {
	limit := func(rate uint64, burst time.Duration) flower.Police {
		return flower.Police{Rate: rate, Burst: burst, MTU: 65536, Overhead: 14, Conform: flower.Pipe}
	}
	for _, x := range []struct {
		meter ir.Meter
		want  flower.Police
		lack  string
	}{
		{ir.Meter{Rate: 8000, Burst: 800}, limit(1_000_000, 100*time.Millisecond), ""},
		{ir.Meter{Rate: 1000}, limit(125_000, time.Second), ""},
		{ir.Meter{Rate: 3, Burst: 1}, limit(375, 333333312), ""},
		{ir.Meter{Rate: 4294967295, Burst: 1}, limit(536870911875, 64), ""},
		{ir.Meter{Rate: 1, Burst: 274}, limit(0, 0), "longer than 4m34s"},
		{ir.Meter{Rate: 1, Burst: 273}, limit(125, 273*time.Second), ""},
		{ir.Meter{Rate: 4294967296}, limit(0, 0), "Open vSwitch takes from 1 to 4294967295"},
		{ir.Meter{Burst: 1}, limit(0, 0), "a limit of 0 kb/s"},
		{ir.Meter{Name: "m"}, limit(0, 0), `meter "m"`},
	} {
		got, err := policeOf(&x.meter)
		switch {
		case x.lack != "":
			if err == nil || !strings.Contains(err.Error(), x.lack) {
				t.Errorf("%+v: %v", x.meter, err)
			}
		case err != nil || got != x.want:
			t.Errorf("%+v: got %+v, %v", x.meter, got, err)
		}
	}
}

// What shares a limit is what OVN's rule is the same for: the row, and what it says.
func TestLimitIndex(t *testing.T) {
	seen := map[uint32]bool{}
	for _, of := range []owner{1, 2} {
		for _, row := range []uint32{0, 7} {
			for _, m := range []ir.Meter{{Rate: 1}, {Rate: 1, Burst: 1}, {Rate: 2, Burst: 1}} {
				i := limitIndex(of, row, &m)
				if seen[i] || i < numbered || i%2 != 0 {
					t.Errorf("%d, %d, %+v: %#x", of, row, m, i)
				}
				seen[i] = true
			}
		}
	}
}

// Filters of the kernel and of a device name two limits: one action cannot be of both.
func TestProgramsHaveLimitsOfTheirOwn(t *testing.T) {
	b := newBench(offload.HardwareToo)
	b.kernel.Driver = func(flowertest.ID, uint32) (bool, string) { return true, "" }
	if f := applied(t, b.target(), offload.Delta{Put: tablesOf(t, "phy_to_log 10 match(in_port=1, eth.type=0x800) { meter rate=1000 burst=8; to_port 3; }"),
		Ports: b.ports, Reset: true}); len(f) > 0 {
		t.Fatalf("failures: %+v", f)
	}
	found := map[flower.Flags]uint32{}
	for _, in := range b.filters(t, 1) {
		for _, a := range in.Actions {
			if _, ok := a.Op.(flower.Police); ok {
				found[in.Flags&(flower.SkipHW|flower.SkipSW)] = a.Index
			}
		}
	}
	if len(found) != 2 || found[flower.SkipSW]+1 != found[flower.SkipHW] {
		t.Errorf("limits by flags of the filters: %x", found)
	}
}

// TestKernelLimit: a limit is one bucket for all filters, on all devices, and as large as it is for Open vSwitch.
func TestKernelLimit(t *testing.T) {
	a, _ := twoChassis(t)
	rules := rulesOf(t, `
		phy_to_log 10 match(in_port=1, eth.type=0x800) { meter rate=1 burst=8; to_port 4; }
		phy_to_log 10 match(in_port=3, eth.type=0x800) { meter rate=1 burst=8; ip.dscp = 10; to_port 4; }
	`)
	if r := a.program(rules); len(r.Failures) > 0 {
		t.Fatalf("failures: %+v", r.Failures)
	}
	send := func(port uint32, size int) bool {
		p := packetOf(t, packets[1])
		p.Len = size
		a.send(port, p.Frame())
		return a.receive(4, guest.Patience/40) != nil
	}
	if send(1, 1016) {
		t.Error("a packet that is larger than the bucket came through")
	}
	if !send(3, 1000) {
		t.Error("a packet as large as the bucket did not come through")
	}
	if send(1, 1000) {
		t.Error("two packets came through at once, each as large as the bucket: it is not shared")
	}
	if n, _ := a.counters(); n != 3 {
		t.Errorf("%d packets are counted, 3 were sent", n)
	}
	// Another process adopts the filters with the limit.
	before := a.list("p1") + a.list("p3")
	a.target = New(a.target.cfg)
	if r := a.program(rules); len(r.Failures) > 0 {
		t.Fatalf("failures: %+v", r.Failures)
	}
	if n, _ := a.counters(); n != 3 {
		t.Errorf("%d packets are counted after a start, 3 were sent\n%s", n, before)
	}
	if t.Failed() {
		t.Log(a.list("p1") + a.list("p3"))
	}
}
