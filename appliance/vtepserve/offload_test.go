package vtepserve_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/unixctl"
)

// The bridge says whether it is offloaded, and the switch why it is not: what a user sees where tc can do nothing. (TestKernelVTEP is where it can.)
func TestOffloadSetting(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	obstacle := func(words string) {
		t.Helper()
		r.until(words, func() bool { return strings.Contains(r.status().Offload.Obstacle, words) })
	}
	obstacle("external_ids:sluice-offload of bridge sw1 is off or not set")
	r.ovs.Vsctl("set", "bridge", bridge, "external_ids:sluice-offload=software")
	obstacle("datapath type dummy")
	text, err := unixctl.Call(t.Context(), filepath.Join(r.dir, "ctl"), "offload/status")
	if err != nil || !strings.Contains(text, "datapath type dummy") {
		t.Errorf("offload/status: %q, %v", text, err)
	}
	if text := r.status().Text(); !strings.Contains(text, "offload:           none: bridge sw1 has datapath type dummy") {
		t.Errorf("the status is\n%s", text)
	}
	r.ovs.Vsctl("set", "bridge", bridge, "external_ids:sluice-offload=fast")
	r.until("the setting to be refused", func() bool { return r.problem("offload-setting") })
	r.ovs.Vsctl("set", "bridge", bridge, "external_ids:sluice-offload=off", "--", "set", "interface", "p1", "external_ids:sluice-offload=fast")
	r.until("the port's setting to be refused", func() bool {
		return r.problem("offload-setting") && strings.Contains(r.status().Text(), "interface p1: external_ids:sluice-offload")
	})
	r.ovs.Vsctl("set", "interface", "p1", "external_ids:sluice-offload=hardware")
	r.until("the end of it", func() bool { return !r.problem("offload-setting") })
}

// A station that is held counts as one that was learned, until it is learned elsewhere.
func TestHeldStation(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	r.ctl("bind-ls", bridge, "p1", "200", "ls1")
	r.until("the second VLAN", func() bool { return len(r.view("ls1").Bindings) == 2 })
	const mac = "02:00:00:00:00:01"
	r.receive("p1", mac, 100)
	r.until("the station", func() bool { return r.view("ls1").Local == 1 })
	learned := r.ovs.Ofctl("dump-flows", "--no-stats", bridge, "table=3")
	if i := strings.Index(learned, "hard_timeout"); i >= 0 {
		learned = learned[i:]
	}
	_, at, found := strings.Cut(strings.TrimSpace(learned), "priority=100,")
	if !found {
		t.Fatalf("the learned flow is %q", learned)
	}
	r.ovs.Ofctl("add-flow", bridge, fmt.Sprintf("table=3,cookie=0x48454c44,hard_timeout=300,priority=90,%s", at))
	r.ovs.Ofctl("--strict", "del-flows", bridge, "table=3,priority=100,"+strings.Split(at, " actions")[0])
	r.receive("p1", "02:00:00:00:00:02", 100)
	r.until("another station, by a reading that has found the held one", func() bool { return r.view("ls1").Local == 2 })
	r.receive("p1", mac, 200)
	r.until("the station not to be held where it is not", func() bool {
		flows := r.ovs.Ofctl("dump-flows", bridge, "table=3")
		return !strings.Contains(flows, "priority=90") && strings.Contains(flows, "priority=100")
	})
}
