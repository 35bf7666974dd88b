package vtepserve_test

import (
	"strings"
	"testing"
	"time"
)

// What Open vSwitch learns and forgets has its consequences when that happens: here the data path is read no more after the first time.
func TestNews(t *testing.T) {
	r := newRig(t)
	r.readings = 24 * time.Hour
	r.start()
	r.bind("ls1", "5", "100")
	r.ctl("bind-ls", bridge, "p1", "200", "ls1")
	r.until("both VLANs", func() bool { return len(r.view("ls1").Bindings) == 2 && r.status().OpenFlow.Pending == 0 })
	r.receive("p1", "02:00:00:00:00:01", 100)
	r.until("the first station", func() bool { return r.view("ls1").Local == 1 })

	const mac = "02:00:00:00:00:02"
	locals := func() string { return r.ctl("list-local-macs", "ls1") }
	learned := func(vlan uint16) {
		t.Helper()
		r.receive("p1", mac, vlan)
		r.until("the station's row", func() bool { return strings.Contains(locals(), mac) })
	}
	learned(100)

	// The controller has it elsewhere, and it comes back.
	r.ctl("add-ucast-remote", "ls1", mac, "192.0.2.9")
	r.until("the end of the station's row", func() bool { return !strings.Contains(locals(), mac) })
	learned(200)

	// From one VLAN to another: what is known of it before is not believed any more.
	port := "set_field:0x110c8" // port 1, VLAN 200 with its tag
	flow := func() string { return r.ovs.Ofctl("dump-flows", "--no-stats", bridge, "table=3") }
	held := ""
	for line := range strings.Lines(flow()) {
		if _, rest, ok := strings.Cut(strings.TrimSpace(line), "priority=100,"); ok && strings.Contains(line, mac) && strings.Contains(line, port) {
			held = "table=3,cookie=0x48454c44,hard_timeout=300,priority=90," + rest
		}
	}
	if held == "" {
		t.Fatalf("the station is not where it was heard last:\n%s", flow())
	}
	r.ovs.Ofctl("add-flow", bridge, held)
	learned(100)
	r.until("the end of what was held", func() bool { return !strings.Contains(flow(), "priority=90") })

	// One that is forgotten, as when it is silent for too long.
	r.ovs.Ofctl("del-flows", bridge, "table=3,dl_dst="+mac)
	r.until("the end of the station's row", func() bool { return !strings.Contains(locals(), mac) })

	// A VLAN that goes takes what was learned there along.
	r.ctl("unbind-ls", bridge, "p1", "100")
	r.until("the end of the first station's row", func() bool { return !strings.Contains(locals(), "02:00:00:00:00:01") })
	r.until("the end of what was learned", func() bool { return !strings.Contains(flow(), "priority=100") })
}
