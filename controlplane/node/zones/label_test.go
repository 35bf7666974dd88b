package zones

import (
	"maps"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// northd makes ovn-northd be of that release.
func (f *fixture) northd(version string) {
	f.t.Helper()
	f.SB(func(tx *idl.Tx) {
		row := map[string]any{"options": map[string]string{"northd_internal_version": version}}
		for g := range f.World.SB.SBGlobal.All() {
			tx.Update("SB_Global", g.UUID, row)
			return
		}
		tx.Insert("SB_Global", row)
	})
	if f.z.Stale() != "" {
		f.z.Begin()
		f.z.Recompute()
	}
}

// called gives a datapath a name.
func (f *fixture) called(dp ovsdb.UUID, name string) {
	f.t.Helper()
	f.SB(func(tx *idl.Tx) {
		tx.Update("Datapath_Binding", dp, map[string]any{"external_ids": map[string]string{"logical-router": dp.String(), "name": name}})
	})
}

// localRouter makes a router that a port of this chassis makes local.
func (f *fixture) localRouter(key int64, name, port string) ovsdb.UUID {
	f.t.Helper()
	dp := f.Router(key)
	f.called(dp, name)
	f.Port(dp, port, 1, map[string]any{"type": "l3gateway", "options": map[string]string{"l3gateway-chassis": "hv1"}})
	return dp
}

// TestNamesOutside: from OVN 23.09 on the bridge remembers a datapath's zones by its
// name; what another release remembered is understood, and no number changes.
func TestNamesOutside(t *testing.T) {
	f := newFixture(t, true)
	lr := f.localRouter(1, "lr0", "gw0")
	f.want(map[ovsdb.UUID]string{lr: "UUID"}, "UUID_dnat=2 UUID_snat=3 gw0=1")
	f.flushed(1, 2, 3)
	outside := func(want string) {
		t.Helper()
		if got := f.remembered(map[ovsdb.UUID]string{lr: "UUID"}); got != want {
			t.Errorf("the bridge remembers %s, want %s", got, want)
		}
		f.flushed()
	}
	f.northd("26.03.90-21.8.0-90.6")
	outside("gw0=1 lr0_dnat=2 lr0_snat=3")
	f.called(lr, "lr-renamed")
	outside("gw0=1 lr-renamed_dnat=2 lr-renamed_snat=3")
	f.northd("23.03.1-20.27.0-70.6")
	outside("UUID_dnat=2 UUID_snat=3 gw0=1")
}

// TestZonesOutliveTheDatabase: a Southbound database that was made anew has other
// UUIDs. The zones of a router are found by its name, after a restart and without.
func TestZonesOutliveTheDatabase(t *testing.T) {
	f := newFixture(t, true)
	f.northd("26.03.90-21.8.0-90.6")
	f.VSW(func(tx *idl.Tx) {
		tx.Update("Bridge", f.World.Bridge().UUID, map[string]any{"external_ids": map[string]string{
			"ct-zone-lr0_dnat": "7", "ct-zone-lr0_snat": "9", "ct-zone-gone_snat": "11", "ct-zone-gw0": "8"}})
	})
	f.z = New(f.World, f.Ports, f.Local)
	f.z.Recompute()
	lr := f.localRouter(1, "lr0", "gw0")
	f.z.Begin()
	f.z.Known()
	f.z.Recompute()
	names := map[ovsdb.UUID]string{lr: "first"}
	if got := f.text(names); got != "first_dnat=7 first_snat=9 gw0=8" {
		t.Errorf("after the restart the zones are %s", got)
	}
	f.remembered(names)
	f.flushed()

	port := f.World.SB.PortBindingByLogicalPort.One("gw0").UUID
	var again ovsdb.NamedUUID
	r := f.SB(func(tx *idl.Tx) {
		tx.Delete("Port_Binding", port)
		tx.Delete("Datapath_Binding", lr)
		again = tx.Insert("Datapath_Binding", map[string]any{"tunnel_key": 1,
			"external_ids": map[string]string{"logical-router": lr.String(), "name": "lr0"}})
		tx.Insert("Port_Binding", map[string]any{"logical_port": "gw0", "datapath": again, "tunnel_key": 1, "type": "l3gateway",
			"options": map[string]string{"l3gateway-chassis": "hv1"}})
	})
	names = map[ovsdb.UUID]string{r.UUID(again): "second"}
	if got := f.text(names); got != "gw0=8 second_dnat=7 second_snat=9" {
		t.Errorf("with the new rows the zones are %s", got)
	}
	f.flushed()
}

// TestTwoOfOneName: switches may have the same name; each keeps zones of its own.
func TestTwoOfOneName(t *testing.T) {
	f := newFixture(t, true)
	f.northd("26.03.90-21.8.0-90.6")
	a, b := f.localRouter(1, "same", "gw1"), f.localRouter(2, "same", "gw2")
	names := map[ovsdb.UUID]string{a: "A", b: "B"}
	inside := maps.Clone(f.z.All())
	if len(inside) != 6 {
		t.Errorf("zones are %s", f.text(names))
	}
	if got := f.remembered(names); got != "B_dnat=5 B_snat=6 gw1=1 gw2=4 same_dnat=2 same_snat=3" {
		t.Errorf("the bridge remembers %s", got)
	}
	f.consistent()
}
