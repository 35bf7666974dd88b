package vtepdb

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/locator"
)

// vlans are what the ports of all switches have, "PORT:VLAN LOGICAL-SWITCH", and the logical switches.
func (s *scene) vlans() string {
	db := s.replica.DB()
	var lines []string
	for port := range db.PhysicalPort.All() {
		for vlan, ls := range port.VLANBindings {
			lines = append(lines, fmt.Sprintf("%s:%d %s", port.Name, vlan, db.LogicalSwitch.Get(ls).Name))
		}
	}
	for ls := range db.LogicalSwitch.All() {
		lines = append(lines, ls.Name)
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

// TestProvision: VLANs and a logical switch are made for a port's option and removed with it; an operator's are not touched.
func TestProvision(t *testing.T) {
	s := newScene(t)
	want := func(what, vlans, codes string) {
		t.Helper()
		s.settle()
		if got := s.vlans(); got != vlans {
			t.Errorf("%s: %s, want %s", what, got, vlans)
		}
		if got := s.codes(); got != codes {
			t.Errorf("%s: problems are %q, want %q", what, got, codes)
		}
	}
	id, other := ovsdb.NewUUID(), ovsdb.NewUUID()
	dp2 := ovsdb.NewUUID()
	s.datapaths[dp2] = 8
	set := func(id ovsdb.UUID, name, ls, bindings string) {
		s.setPort(id, &Port{Name: name, Kind: VTEP, Datapath: dp2, Key: 1, Switch: "sw", LogicalSwitch: ls, Bindings: bindings})
	}
	set(id, "tor2", "new", "p:7, p:8")
	want("two VLANs", "ls, new, p:5 ls, p:7 new, p:8 new", "")
	if port := s.ports[id]; port.Chassis.IsZero() || !port.Up {
		t.Errorf("the port is not bound: %+v", port)
	}
	set(id, "tor2", "new", "p:8,p:9")
	want("another VLAN", "ls, new, p:5 ls, p:8 new, p:9 new", "")
	set(id, "tor2", "new", "p:5,p:8")
	want("an operator's VLAN", "ls, new, p:5 ls, p:8 new", lportVLAN)
	set(id, "tor2", "new", "q:1,p:8")
	want("no such port", "ls, new, p:5 ls, p:8 new", lportVLAN)
	set(id, "tor2", "new", "p:8,p:4096,p,:3")
	want("malformed", "ls, new, p:5 ls, p:8 new", lportVLAN)
	for _, p := range s.plan.Problems() {
		for _, words := range []string{`"p:4096" has no VLAN`, `"p" is not PORT:VLAN`, `":3" is not PORT:VLAN`} {
			if !strings.Contains(p.Text, words) {
				t.Errorf("%q does not say %s", p.Text, words)
			}
		}
	}
	set(other, "tor3", "more", "p:8")
	set(id, "tor2", "new", "p:8")
	want("two ports, one VLAN", "ls, more, new, p:5 ls, p:8 new", lportVLAN)
	s.setPort(other, nil)
	want("one port", "ls, new, p:5 ls, p:8 new", "")

	// A restart in between; stations of the switch hold the logical switch.
	ls := s.replica.DB().LogicalSwitchByName.One("new").UUID
	var local ovsdb.UUID
	{
		var tx idl.Tx
		l := tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": locator.VXLAN, "dst_ip": "192.0.2.1"})
		name := tx.Insert("Ucast_Macs_Local", map[string]any{"MAC": "02:00:00:00:00:0a", "logical_switch": ls, "locator": l})
		r := s.commit(&tx)
		local = r.UUID(name)
	}
	s.plan = s.planner()
	s.plan.OnRows(everyRow(s.replica.DB()))
	set(id, "tor2", "new", "")
	want("without the option", "ls, new, p:5 ls", lportUnbound)
	s.change(func(tx *idl.Tx) { tx.Delete("Ucast_Macs_Local", local) })
	want("without stations", "ls, p:5 ls", lportUnbound)

	// An operator changes what was made: it is his from then on.
	set(id, "tor2", "new", "p:8")
	want("again", "ls, new, p:5 ls, p:8 new", "")
	for port := range s.replica.DB().PhysicalPort.All() {
		s.change(func(tx *idl.Tx) {
			tx.Mutate("Physical_Port", port.UUID, "vlan_bindings", "delete", []int64{8})
			tx.Mutate("Physical_Port", port.UUID, "vlan_bindings", "insert", map[int64]ovsdb.UUID{8: port.VLANBindings[5]})
		})
	}
	want("changed", "ls, new, p:5 ls, p:8 ls", lportVLAN)
	set(id, "tor2", "new", "p:9")
	want("moved", "ls, new, p:5 ls, p:8 ls, p:9 new", "")
	s.plan.Withdraw()
	want("withdrawn", "ls, p:5 ls, p:8 ls", "")
	for port := range s.replica.DB().PhysicalPort.All() {
		if len(port.OtherConfig) > 0 {
			t.Errorf("marks are left: %v", port.OtherConfig)
		}
	}
}
