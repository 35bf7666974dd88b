package vtepdb

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/locator"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// driftScene is a scene with a VM on each hypervisor, a multicast group, BFD to one of them, and a VLAN that was bound from here.
type driftScene struct {
	*scene
	ls, tunnel ovsdb.UUID
	vm1        ovsdb.UUID
}

func newDriftScene(t *testing.T) *driftScene {
	s := &driftScene{scene: newScene(t), vm1: ovsdb.NewUUID()}
	s.setChassis(s.hv2, &Chassis{Name: "hv2", IP: "192.0.2.12", BFD: true})
	s.vm(s.vm1, "vm1", s.hv1, 1)
	s.vm(ovsdb.NewUUID(), "vm2", s.hv2, 2)
	s.setGroup(ovsdb.NewUUID(), &Group{s.dp, wire.MAC{1, 0, 0x5e, 1, 1, 1}, s.hv1})
	s.setPort(s.tor, &Port{Name: "tor", Kind: VTEP, Datapath: s.dp, Key: 1, Chassis: s.ports[s.tor].Chassis, Up: true, Switch: "sw", LogicalSwitch: "ls", Bindings: "p:9"})
	s.ls = s.replica.DB().LogicalSwitchByName.One("ls").UUID
	s.setting(BFDKey, "true")
	s.settle()
	var tx idl.Tx
	local := tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": locator.VXLAN, "dst_ip": "192.0.2.1"})
	name := tx.Insert("Tunnel", map[string]any{"local": local, "remote": s.replica.DB().PhysicalLocatorByDstIP.One("192.0.2.12").UUID})
	tx.Mutate("Physical_Switch", s.replica.DB().PhysicalSwitchByName.One("sw").UUID, "tunnels", "insert", name)
	r := s.commit(&tx)
	s.tunnel = r.UUID(name)
	s.settle()
	return s
}

func one[R any](all func(func(*R) bool)) *R {
	for r := range all {
		return r
	}
	return nil
}

// TestDrift: what somebody else does to rows that are from here is put right, counted once, and a problem for a while; what is
// somebody's right is neither.
func TestDrift(t *testing.T) {
	s := newDriftScene(t)
	db := s.replica.DB()
	want := s.remoteText() + s.vlans()
	count := uint64(0)
	expect := func(what string, more uint64, f func(*idl.Tx)) {
		t.Helper()
		s.now = s.now.Add(time.Hour) // so that nothing is damped, or shown together
		s.change(f)
		s.settle()
		if got := s.remoteText() + s.vlans(); got != want {
			t.Errorf("%s: the rows are\n%s\nwant\n%s", what, got, want)
		}
		count += more
		if d := s.plan.Drift(); d.Count != count || more > 0 && d.Last != s.now {
			t.Errorf("%s: %+v, want %d", what, d, count)
		}
		code := ""
		if more > 0 {
			code = Drifted
		}
		if got := s.codes(); got != code {
			t.Errorf("%s: problems are %q", what, got)
		}
	}
	expect("at first, with all that was written", 0, func(*idl.Tx) {})
	at := func(ip string) ovsdb.UUID { return db.PhysicalLocatorByDstIP.One(ip).UUID }
	mac := func(n byte) *rows.UcastMacsRemote { return s.plan.remotes[macKey{s.ls, wire.MAC{2, 0, 0, 0, 0, n}}][0] }
	expect("a MAC address is removed", 1, func(tx *idl.Tx) { tx.Delete("Ucast_Macs_Remote", mac(1).UUID) })
	if d := s.plan.Drift(); d.What != "MAC address 02:00:00:00:00:01 of logical switch ls" {
		t.Errorf("drift is %+v", d)
	}
	expect("both are removed", 2, func(tx *idl.Tx) {
		tx.Delete("Ucast_Macs_Remote", mac(1).UUID)
		tx.Delete("Ucast_Macs_Remote", mac(2).UUID)
	})
	expect("one leads elsewhere", 1, func(tx *idl.Tx) {
		tx.Update("Ucast_Macs_Remote", mac(1).UUID, map[string]any{"locator": at("192.0.2.12")})
	})
	expect("one has an IP address", 1, func(tx *idl.Tx) { tx.Update("Ucast_Macs_Remote", mac(1).UUID, map[string]any{"ipaddr": "10.0.0.1"}) })
	expect("another one is there", 1, func(tx *idl.Tx) {
		tx.Insert("Ucast_Macs_Remote", map[string]any{"MAC": "02:00:00:00:00:07", "logical_switch": s.ls, "locator": at("192.0.2.12")})
	})
	expect("all that leads somewhere is removed, locators with it", 4, func(tx *idl.Tx) {
		for r := range db.UcastMacsRemote.All() {
			tx.Delete("Ucast_Macs_Remote", r.UUID)
		}
		for r := range db.McastMacsRemote.All() {
			tx.Delete("Mcast_Macs_Remote", r.UUID)
		}
	})
	expect("a tunnel key is another one", 1, func(tx *idl.Tx) { tx.Update("Logical_Switch", s.ls, map[string]any{"tunnel_key": 99}) })
	expect("a mark is gone", 1, func(tx *idl.Tx) { tx.Mutate("Logical_Switch", s.ls, "other_config", "delete", []string{ownerKey}) })
	expect("a description is there", 0, func(tx *idl.Tx) {
		tx.Mutate("Logical_Switch", s.ls, "other_config", "insert", map[string]string{"by": "me"})
	})
	expect("BFD is off", 1, func(tx *idl.Tx) { tx.Update("Tunnel", s.tunnel, map[string]any{"bfd_params": nil}) })
	expect("the switch says how BFD is", 0, func(tx *idl.Tx) {
		tx.Update("Tunnel", s.tunnel, map[string]any{"bfd_status": map[string]string{"enabled": "true", "state": "up"}})
	})
	expect("a VLAN is unbound", 1, func(tx *idl.Tx) {
		tx.Mutate("Physical_Port", one(db.PhysicalPort.All()).UUID, "vlan_bindings", "delete", []int64{9})
	})
	expect("the record is gone", 1, func(tx *idl.Tx) {
		tx.Mutate("Global", s.global(), "other_config", "delete", []string{locatorsKey + owner})
	})

	s.now = s.now.Add(driftShown + time.Second)
	if got := s.codes(); got != "" {
		t.Errorf("later the problems are %q", got)
	}
	// A planner that starts now finds what was changed before, and that is no drift.
	s.change(func(tx *idl.Tx) { tx.Delete("Ucast_Macs_Remote", mac(1).UUID) })
	s.plan = s.planner()
	s.plan.OnRows(everyRow(db))
	count = 0
	expect("a start", 0, func(*idl.Tx) {})

	// The logical network changes, also while somebody changes rows: what is not put right is not counted.
	s.change(func(tx *idl.Tx) { tx.Delete("Ucast_Macs_Remote", mac(1).UUID) })
	s.setPort(s.vm1, nil)
	s.settle()
	if d := s.plan.Drift(); d.Count != 0 {
		t.Errorf("a row of a port that has gone was removed: %+v", d)
	}
	// A preview counts nothing, and what comes after it is counted once.
	s.change(func(tx *idl.Tx) { tx.Delete("Ucast_Macs_Remote", mac(2).UUID) })
	s.plan.Settle()
	var preview idl.Tx
	if s.plan.Preview(&preview); preview.Len() == 0 || s.plan.Drift().Count != 0 {
		t.Errorf("a preview has %d operations, drift %+v", preview.Len(), s.plan.Drift())
	}
	s.settle()
	if d := s.plan.Drift(); d.Count != 1 {
		t.Errorf("after the preview: %+v", d)
	}
}

// TestDriftTogether: drifts one soon after the other are one problem, with their number.
func TestDriftTogether(t *testing.T) {
	s := newDriftScene(t)
	began := s.now
	for range 3 {
		s.now = s.now.Add(driftShown / 2)
		s.change(func(tx *idl.Tx) { tx.Update("Logical_Switch", s.ls, map[string]any{"tunnel_key": 99}) })
		s.settle()
	}
	at := func(d time.Duration) string { return began.Add(d).UTC().Format(time.RFC3339) }
	text := s.plan.Problems()[0].Text
	if words := fmt.Sprintf("3 times since %s, last at %s: logical switch ls.", at(driftShown/2), at(3*driftShown/2)); !strings.Contains(text, words) {
		t.Errorf("%q is not in %q", words, text)
	}
}

// TestDriftRandom: of random changes of rows that are from here, together with changes of the logical network, each is put right; without
// the latter as many are counted as there were. SLUICE_SEED repeats a run.
func TestDriftRandom(t *testing.T) {
	r := random(t)
	s := newDriftScene(t)
	db := s.replica.DB()
	for i := range byte(8) {
		s.vm(ovsdb.NewUUID(), fmt.Sprint("more", i), []ovsdb.UUID{s.hv1, s.hv2}[i%2], 10+i)
	}
	for step := range 60 {
		s.now = s.now.Add(time.Hour)
		before, n := s.plan.Drift().Count, uint64(0)
		s.change(func(tx *idl.Tx) {
			for _, row := range slices.Collect(db.UcastMacsRemote.All()) {
				switch r.IntN(6) {
				case 0:
					tx.Delete("Ucast_Macs_Remote", row.UUID)
				case 1:
					tx.Update("Ucast_Macs_Remote", row.UUID, map[string]any{"ipaddr": "10.9.9.9"})
				default:
					continue
				}
				n++
			}
			for _, row := range slices.Collect(db.McastMacsRemote.All()) {
				if r.IntN(3) == 0 {
					tx.Delete("Mcast_Macs_Remote", row.UUID)
					n++
				}
			}
		})
		if r.IntN(2) == 0 {
			host := []ovsdb.UUID{s.hv1, s.hv2}[r.IntN(2)]
			s.setPort(s.vm1, &Port{Name: "vm1", Datapath: s.dp, Key: 2, Chassis: host, MACs: []Address{{wire.MAC{2, 0, 0, 0, 0, byte(r.IntN(3))}, ""}}})
			n = 1000 // at most
		}
		s.settle()
		if got, want := s.remoteText(), s.oracle(); got != want {
			t.Fatalf("step %d: rows\n%s\nwant\n%s", step, got, want)
		}
		if got := s.plan.Drift().Count - before; n < 1000 && got != n {
			t.Fatalf("step %d: %d drifts are counted, there were %d", step, got, n)
		}
	}
}
