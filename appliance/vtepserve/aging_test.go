package vtepserve_test

import (
	"fmt"
	"strings"
	"testing"
)

// A change of the aging time counts for stations that are known already: silent ones are forgotten after the new time, and not before.
func TestAgingChange(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	r.ctl("bind-ls", bridge, "p1", "200", "ls1")
	r.until("both VLANs", func() bool { return len(r.view("ls1").Bindings) == 2 && r.status().OpenFlow.Pending == 0 })
	const silent, moved = "02:00:00:00:00:01", "02:00:00:00:00:02"
	flows := func(mac string) string { return r.ovs.Ofctl("dump-flows", bridge, "table=3,dl_dst="+mac) }
	aging := func(seconds int) {
		r.ovs.Vsctl("set", "bridge", bridge, fmt.Sprintf("other_config:mac-aging-time=%d", seconds))
	}
	known := func(mac string, seconds int) {
		t.Helper()
		want := fmt.Sprintf("hard_timeout=%d,", seconds)
		r.until(mac+" to be known for "+want, func() bool {
			got := flows(mac)
			return strings.Count(got, "hard_timeout=") == 1 && strings.Contains(got, want)
		})
	}
	r.receive("p1", silent, 100)
	r.receive("p1", moved, 100)
	r.until("both stations", func() bool { return r.view("ls1").Local == 2 })
	known(silent, 300)

	aging(3600)
	known(silent, 3600)
	r.receive("p1", moved, 200) // what it is held by from before does not count
	known(moved, 3600)
	if got := flows(moved); !strings.Contains(got, "priority=100") || !strings.Contains(got, "set_field:0x110c8") {
		t.Errorf("the station that has moved is known by\n%s", got)
	}

	if r.view("ls1").Local != 2 {
		t.Error("the change itself makes stations unknown")
	}

	aging(15)
	r.until("the silent station to be forgotten", func() bool { return !strings.Contains(r.ctl("list-local-macs", "ls1"), silent) })
}

// A smaller table of stations is one for those that are known already.
func TestTableShrinks(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	for i := range 15 {
		r.receive("p1", "02:00:00:00:01:"+string(hex4(uint16(i))[2:]), 100)
	}
	r.until("the stations", func() bool { return r.view("ls1").Local == 15 })
	r.ovs.Vsctl("set", "bridge", bridge, "other_config:mac-table-size=10")
	r.until("the smaller table", func() bool { return strings.Count(r.ovs.Ofctl("dump-flows", bridge, "table=3"), "dl_dst=") == 10 })
	r.until("fewer rows", func() bool { return strings.Count(r.ctl("list-local-macs", "ls1"), "02:00:00:00:01:") == 10 })
	r.reads("[mac_table_exhaustion]", "get", "Physical_Switch", bridge, "switch_fault_status")
}
