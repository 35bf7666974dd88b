package zones

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// limited are the limits in Open vSwitch's rows, "ZONE=LIMIT" sorted, after the zones
// have written what they want.
func (f *fixture) limited() string {
	f.t.Helper()
	for range 10 {
		if !f.z.Pending() {
			break
		}
		f.VSW(f.z.Write)
		f.z.Write(&idl.Tx{}) // sees that nothing is left to do
	}
	var out []string
	for n, id := range f.World.Datapath().CTZones {
		if row := f.World.VSW.CTZone.Get(id); row.Limit.OK {
			out = append(out, fmt.Sprintf("%d=%d", n, row.Limit.V))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// schemaWithLimits is the installed schema with the column that Open vSwitch 3.3 added.
func schemaWithLimits(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/usr/share/openvswitch/vswitch.ovsschema")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), `"CT_Zone": {`)
	if !ok {
		t.Fatal("the schema has no table CT_Zone")
	}
	if table, _, _ := strings.Cut(rest, `"CT_Timeout_Policy": {`); !strings.Contains(table, `"limit"`) {
		rest = strings.Replace(rest, `"columns": {`, `"columns": {"limit": {"type": {"key": "integer", "min": 0, "max": 1}},`, 1)
	}
	path := filepath.Join(t.TempDir(), "vswitch.ovsschema")
	if err := os.WriteFile(path, []byte(head+`"CT_Zone": {`+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLimitsRefused: an Open vSwitch that has no limits is not written to, and the
// operator learns that they are not in force.
func TestLimitsRefused(t *testing.T) {
	f := newFixture(t, true)
	f.VSW(func(tx *idl.Tx) {
		for root := range f.World.VSW.OpenVSwitch.All() {
			tx.Update("Open_vSwitch", root.UUID, map[string]any{"datapaths": map[string]any{"system": tx.Insert("Datapath", nil)}})
		}
	})
	lr := f.localRouter(2, "lr0", "gw0")
	set := func(ids map[string]string) {
		f.SB(func(tx *idl.Tx) { tx.Update("Datapath_Binding", lr, map[string]any{"external_ids": ids}) })
		if got := f.limited(); got != "" {
			t.Errorf("limits %s", got)
		}
	}
	set(map[string]string{limitKey: "5", "logical-router": lr.String()})
	if got := f.World.Refusals(); len(got) != 1 || !strings.Contains(got[0].Text, "ct-zone-limit is not in force") {
		t.Errorf("refusals %v", got)
	}
	set(map[string]string{"logical-router": lr.String()})
	if got := f.World.Refusals(); len(got) != 0 {
		t.Errorf("refusals %v", got)
	}
}

// TestLimits: a datapath's limit holds for its zones, and for the ports of a switch
// that have none of their own. Limits of zones that are not ours stay.
func TestLimits(t *testing.T) {
	f := newFixtureOn(t, nodetest.NewOn(t, schemaWithLimits(t)), true)
	f.z.SetLimitable(func() bool { return true })
	f.VSW(func(tx *idl.Tx) {
		for root := range f.World.VSW.OpenVSwitch.All() {
			dp := tx.Insert("Datapath", map[string]any{"ct_zones": map[int64]any{99: tx.Insert("CT_Zone", map[string]any{"limit": 1})}})
			tx.Update("Open_vSwitch", root.UUID, map[string]any{"datapaths": map[string]any{"system": dp}})
		}
	})
	run := f.OnRun
	f.OnRun = func() { run(); f.z.OnVSW() }
	f.z.OnVSW()
	ls := f.Switch(1)
	f.Plug("vm", 5)
	vm := f.Port(ls, "vm", 1, nil)
	lr := f.localRouter(2, "lr0", "gw0")
	zone := func(name string) uint16 { return f.z.Get(name) }
	want := func(pairs ...any) {
		t.Helper()
		out := []string{"99=1"}
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, fmt.Sprintf("%d=%d", zone(pairs[i].(string)), pairs[i+1]))
		}
		slices.Sort(out)
		if got, want := f.limited(), strings.Join(out, " "); got != want {
			t.Errorf("limits are %s, want %s", got, want)
		}
	}
	limit := func(dp ovsdb.UUID, kind, n string) {
		ids := map[string]string{kind: dp.String(), "name": "x"}
		if n != "" {
			ids[limitKey] = n
		}
		f.SB(func(tx *idl.Tx) { tx.Update("Datapath_Binding", dp, map[string]any{"external_ids": ids}) })
	}
	want()
	limit(lr, "logical-router", "5")
	want(DNAT(lr), 5, SNAT(lr), 5)
	limit(ls, "logical-switch", "10")
	want(DNAT(lr), 5, SNAT(lr), 5, DNAT(ls), 10, SNAT(ls), 10, "vm", 10)
	f.Set(vm, map[string]any{"options": map[string]string{limitKey: "7"}})
	want(DNAT(lr), 5, SNAT(lr), 5, DNAT(ls), 10, SNAT(ls), 10, "vm", 7)
	limit(lr, "logical-router", "")
	want(DNAT(ls), 10, SNAT(ls), 10, "vm", 7)

	// Somebody takes them away; another controller finds them; the port goes.
	f.VSW(func(tx *idl.Tx) { tx.Update("Datapath", f.World.Datapath().UUID, map[string]any{"ct_zones": nil}) })
	if got := f.limited(); !strings.Contains(got, fmt.Sprintf("%d=7", zone("vm"))) {
		t.Errorf("limits that were deleted are not put back: %s", got)
	}
	f.z = New(f.World, f.Ports, f.Local)
	f.z.SetLimitable(func() bool { return true })
	f.z.Recompute()
	f.z.Known()
	limit(ls, "logical-switch", "bad")
	if got, want := f.limited(), fmt.Sprintf("%d=7", zone("vm")); got != want {
		t.Errorf("limits are %s, want %s", got, want)
	}
	f.Unplug("vm")
	if got := f.limited(); got != "" {
		t.Errorf("a port's limit outlives it: %s", got)
	}
}
