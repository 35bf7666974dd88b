package slowpath

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

func heard(n ...punt.Neighbor) punt.Pending { return punt.Pending{Neighbors: n} }

func TestWriteNeighbor(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5)
	x.writer.Take(heard(neighbor(2, 1, "10.0.0.9", "0a:00:00:00:00:09"), neighbor(2, 1, "fd00::9", "0a:00:00:00:00:09")))
	if n := x.write(); n != 2 {
		t.Fatalf("%d operations for two neighbors", n)
	}
	want(t, "rows", x.macBindings(), `
rp 10.0.0.9 0a:00:00:00:00:09 0
rp fd00::9 0a:00:00:00:00:09 0`)
	if n := x.write(); n != 0 || x.writer.Pending() {
		t.Errorf("%d operations after they were written, pending %v", n, x.writer.Pending())
	}

	x.Advance(time.Second)
	x.writer.Take(heard(neighbor(2, 1, "10.0.0.9", "0a:00:00:00:00:09"), neighbor(2, 1, "fd00::9", "0a:00:00:00:00:0a")))
	if n := x.write(); n != 1 {
		t.Errorf("%d operations for one neighbor that is equal and one that changed", n)
	}
	want(t, "rows", x.macBindings(), `
rp 10.0.0.9 0a:00:00:00:00:09 -1000
rp fd00::9 0a:00:00:00:00:0a 0`)
}

func TestWriteNeighborOfUnknownPort(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5)
	x.Log()
	x.writer.Take(heard(neighbor(2, 77, "10.0.0.9", "0a:00:00:00:00:09"), neighbor(78, 1, "10.0.0.9", "0a:00:00:00:00:09")))
	if n := x.write(); n != 0 || x.writer.Pending() {
		t.Errorf("%d operations, pending %v", n, x.writer.Pending())
	}
	if log := x.Log(); !strings.Contains(log, "unknown logical port with datapath 2 and port 77") {
		t.Errorf("log is %q", log)
	}
}

// TestWriteFails: what the database does not take is given up, and what somebody else
// wrote meanwhile is left.
func TestWriteFails(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5)
	fail := func() int {
		ops := 0
		r := x.TrySB(func(tx *idl.Tx) {
			x.writer.Write(tx)
			ops = tx.Len()
			tx.Insert("Encap", map[string]any{"type": "no such type"})
		})
		if r.Err == nil {
			t.Fatal("the transaction was to fail")
		}
		return ops
	}
	x.writer.Take(heard(neighbor(2, 1, "10.0.0.9", "0a:00:00:00:00:09")))
	for i := range 3 {
		if n := fail(); n != 1 {
			t.Fatalf("try %d: %d operations", i, n)
		}
		x.Advance(patience / 3)
	}
	x.Log()
	if n := x.write(); n != 0 || x.writer.Pending() || x.writer.Dropped() != 1 {
		t.Errorf("after %v: %d operations, pending %v, %d dropped", patience, n, x.writer.Pending(), x.writer.Dropped())
	}
	if log := x.Log(); !strings.Contains(log, "neighbor 10.0.0.9 behind port 1 of datapath 2 was not taken") {
		t.Errorf("log is %q", log)
	}

	x.writer.Take(heard(neighbor(2, 1, "10.0.0.9", "0a:00:00:00:00:09")))
	fail()
	x.insert("MAC_Binding", map[string]any{"logical_port": "rp", "datapath": x.lr, "ip": "10.0.0.9", "mac": "0a:00:00:00:00:0b"})
	if n := x.write(); n != 0 || x.writer.Pending() {
		t.Errorf("%d operations against what another chassis wrote meanwhile, pending %v", n, x.writer.Pending())
	}
}

// TestAnnounceLocally: routers on this chassis learn announcements from the database.
func TestAnnounceLocally(t *testing.T) {
	x := newTopology(t)
	vm := x.vm("vm", 5, "0a:00:00:00:00:05 10.0.0.5")
	if n := x.write(); n != 1 {
		t.Errorf("%d operations", n)
	}
	want(t, "rows", x.macBindings(), "rp 10.0.0.5 0a:00:00:00:00:05 0")
	x.SB(func(tx *idl.Tx) {
		tx.Update("Datapath_Binding", x.lr, map[string]any{"external_ids": map[string]string{"logical-router": "x", "always_learn_from_arp_request": "false"}})
	})
	x.Set(vm, map[string]any{"mac": []string{"0a:00:00:00:00:06 10.0.0.5"}})
	x.vm("vm2", 6, "0a:00:00:00:00:07 10.0.0.7")
	x.write()
	want(t, "rows of a router that only updates", x.macBindings(), "rp 10.0.0.5 0a:00:00:00:00:06 0")
	// What the router's own port announces is not told to the router.
	x.Set(x.sp, map[string]any{"nat_addresses": []string{`0a:00:00:00:00:99 172.16.0.1 is_chassis_resident("vm")`}})
	if n := x.write(); n != 0 {
		t.Errorf("%d operations for the router's own address", n)
	}
}

func (b *bench) fdb() string {
	var lines []string
	for r := range b.World.SB.FDB.All() {
		lines = append(lines, fmt.Sprintf("%d %s behind %d", r.DPKey, r.MAC, r.PortKey))
	}
	return strings.Join(lines, "\n")
}

func TestWriteStation(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5)
	x.vm("vm2", 6)
	seen := func(port uint32) int {
		x.writer.Take(punt.Pending{Stations: []punt.Station{{Port: punt.Key{Datapath: 1, Port: port}, MAC: mac("0a:00:00:00:00:44")}}})
		return x.write()
	}
	if n := seen(1); n != 1 {
		t.Errorf("%d operations for a new station", n)
	}
	want(t, "behind the localnet port", x.fdb(), "1 0a:00:00:00:00:44 behind 1")
	seen(5)
	want(t, "behind a VIF", x.fdb(), "1 0a:00:00:00:00:44 behind 5")
	seen(6)
	want(t, "behind another VIF", x.fdb(), "1 0a:00:00:00:00:44 behind 6")
	if n := seen(6); n != 0 {
		t.Errorf("%d operations for what is there", n)
	}
	if n := seen(1); n != 0 {
		t.Errorf("the localnet port took the station of a VIF over with %d operations", n)
	}
	want(t, "what came back through the network", x.fdb(), "1 0a:00:00:00:00:44 behind 6")
	seen(2)
	if n := seen(1); n != 2 { // a Wait and an Update
		t.Errorf("%d operations for the way from another port to the localnet port", n)
	}
	want(t, "behind the localnet port again", x.fdb(), "1 0a:00:00:00:00:44 behind 1")
}

func TestActivate(t *testing.T) {
	x := newTopology(t)
	vm := x.vm("vm", 5)
	options := func() string { return x.World.SB.PortBinding.Get(vm).Options["additional-chassis-activated"] }
	activate := func() int {
		x.writer.Take(punt.Pending{Activated: []punt.Key{{Datapath: 1, Port: 5}}})
		return x.write()
	}
	activate()
	want(t, "activated", options(), nodetest.Name)
	if n := activate(); n != 0 {
		t.Errorf("%d operations though it is activated", n)
	}
	x.Set(vm, map[string]any{"options": map[string]string{"additional-chassis-activated": "hv0", "other": "kept"}})
	activate()
	want(t, "activated behind another", options(), "hv0,"+nodetest.Name)
	if got := x.World.SB.PortBinding.Get(vm).Options["other"]; got != "kept" {
		t.Errorf("another option is %q", got)
	}
}

func TestReportEmptyBackends(t *testing.T) {
	x := newTopology(t)
	event := punt.EmptyBackends{VIP: "10.0.0.1:80", Protocol: "tcp", LoadBalancer: "lb"}
	report := func(e punt.EmptyBackends) int {
		x.writer.Take(punt.Pending{Empty: []punt.EmptyBackends{e}})
		return x.write()
	}
	report(event)
	if n := report(event); n != 0 {
		t.Errorf("%d operations though the event is there", n)
	}
	report(punt.EmptyBackends{VIP: "10.0.0.2:80", Protocol: "tcp", LoadBalancer: "lb"})
	var rows []ovsdb.UUID
	seqs := map[int64]bool{}
	for r := range x.World.SB.ControllerEvent.All() {
		if r.Chassis != x.Self || r.EventType != "empty_lb_backends" || r.EventInfo["load_balancer"] != "lb" || r.EventInfo["protocol"] != "tcp" {
			t.Errorf("event %+v", r)
		}
		rows, seqs[r.SeqNum] = append(rows, r.UUID), true
	}
	if len(rows) != 2 || !seqs[1] || !seqs[2] {
		t.Errorf("%d events with sequence numbers %v", len(rows), seqs)
	}
	if n := x.write(); n != 0 || x.writer.Pending() {
		t.Errorf("%d operations when all is there, pending %v", n, x.writer.Pending())
	}
	x.SB(func(tx *idl.Tx) { tx.Delete("Controller_Event", rows[0]); tx.Delete("Controller_Event", rows[1]) })
	report(event)
	for r := range x.World.SB.ControllerEvent.All() {
		if r.SeqNum != 3 {
			t.Errorf("sequence number %d after the CMS took two events, want 3", r.SeqNum)
		}
	}
}
