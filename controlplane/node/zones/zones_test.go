package zones

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// fixture is a chassis with zones that follow it.
type fixture struct {
	*nodetest.Chassis
	t *testing.T
	z *Zones
}

func newFixture(t *testing.T, known bool) *fixture {
	t.Helper()
	return newFixtureOn(t, nodetest.New(t), known)
}

func newFixtureOn(t *testing.T, c *nodetest.Chassis, known bool) *fixture {
	f := &fixture{Chassis: c, t: t}
	f.z = New(f.World, f.Ports, f.Local)
	f.z.Recompute()
	if known {
		f.z.Known()
	}
	f.OnRun = func() {
		f.z.Begin()
		f.z.Update()
	}
	return f
}

// text is the assignment, "NAME=ZONE" sorted; UUIDs of datapaths are replaced by what names says.
func (f *fixture) text(names map[ovsdb.UUID]string) string {
	return text(f.z.All(), names)
}

func text(zones map[string]uint16, names map[ovsdb.UUID]string) string {
	var out []string
	for name, n := range zones {
		for id, short := range names {
			name = strings.ReplaceAll(name, id.String(), short)
		}
		out = append(out, fmt.Sprintf("%s=%d", name, n))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// remembered is what the integration bridge has, in the form of text.
func (f *fixture) remembered(names map[ovsdb.UUID]string) string {
	f.t.Helper()
	for f.z.Pending() {
		f.VSW(f.z.Write)
		f.z.Write(&idl.Tx{}) // sees that nothing is left to do
	}
	zones := map[string]uint16{}
	for k, v := range f.World.Bridge().ExternalIDs {
		var n uint16
		if _, err := fmt.Sscan(v, &n); err != nil {
			f.t.Errorf("%s=%s: %v", k, v, err)
		}
		zones[strings.TrimPrefix(k, "ct-zone-")] = n
	}
	return text(zones, names)
}

func (f *fixture) want(names map[ovsdb.UUID]string, want string) {
	f.t.Helper()
	if got := f.text(names); got != want {
		f.t.Errorf("zones are %s, want %s", got, want)
	}
	if got := f.remembered(names); got != want {
		f.t.Errorf("the bridge remembers %s, want %s", got, want)
	}
	f.consistent()
}

// consistent checks that no zone chosen by us has two owners.
func (f *fixture) consistent() {
	f.t.Helper()
	owner := map[uint16]string{}
	for name, n := range f.z.All() {
		if f.z.fixed[name] {
			continue
		}
		if n == 0 || owner[n] != "" {
			f.t.Errorf("zone %d of %s is also that of %q", n, name, owner[n])
		}
		owner[n] = name
	}
	for n, name := range f.z.auto {
		if f.z.byName[name] != n || owner[n] != name {
			f.t.Errorf("zone %d is booked for %s, which has %d", n, name, f.z.byName[name])
		}
	}
}

func (f *fixture) flushed(want ...uint16) {
	f.t.Helper()
	got := f.z.TakeFlush()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.t.Errorf("zones %v are flushed, want %v", got, want)
	}
}

func (f *fixture) setSNATZone(dp ovsdb.UUID, zone string) {
	f.t.Helper()
	ids := maps.Clone(f.World.SB.DatapathBinding.Get(dp).ExternalIDs)
	delete(ids, "snat-ct-zone")
	if zone != "" {
		ids["snat-ct-zone"] = zone
	}
	f.SB(func(tx *idl.Tx) { tx.Update("Datapath_Binding", dp, map[string]any{"external_ids": ids}) })
}

func TestPortsAndLocalDatapathsHaveZones(t *testing.T) {
	f := newFixture(t, true)
	sw, far := f.Switch(1), f.Switch(2)
	names := map[ovsdb.UUID]string{sw: "sw", far: "far"}
	f.Port(sw, "vm", 1, nil)
	f.Port(far, "other", 1, nil)
	f.want(names, "")
	f.Plug("vm", 5)
	f.want(names, "sw_dnat=2 sw_snat=3 vm=1")
	f.flushed(1, 2, 3)
	f.Unplug("vm")
	f.want(names, "")
	f.flushed()
	// A zone is not given to a new owner while others are fresh.
	f.Plug("other", 6)
	f.want(names, "far_dnat=5 far_snat=6 other=4")
	f.flushed(4, 5, 6)
}

// TestLocalnetOfALocalSwitch: a port to a physical network has a zone while its switch
// is local, though it is on no chassis.
func TestLocalnetOfALocalSwitch(t *testing.T) {
	f := newFixture(t, true)
	sw := f.Switch(1)
	names := map[ovsdb.UUID]string{sw: "sw"}
	f.Port(sw, "ln", 2, map[string]any{"type": "localnet"})
	f.Port(sw, "vm", 1, nil)
	f.want(names, "")
	f.Plug("vm", 5)
	f.want(names, "ln=1 sw_dnat=3 sw_snat=4 vm=2")
	f.z.Recompute()
	f.want(names, "ln=1 sw_dnat=3 sw_snat=4 vm=2")
	f.Unplug("vm")
	f.want(names, "")
}

// TestPortMadeAnew: a port that is deleted and made anew in one transaction has a
// new row. Its connections must go on.
func TestPortMadeAnew(t *testing.T) {
	f := newFixture(t, true)
	sw := f.Switch(1)
	names := map[ovsdb.UUID]string{sw: "sw"}
	old := f.Port(sw, "vm", 1, nil)
	f.Plug("vm", 5)
	f.want(names, "sw_dnat=2 sw_snat=3 vm=1")
	f.flushed(1, 2, 3)
	f.SB(func(tx *idl.Tx) {
		tx.Delete("Port_Binding", old)
		tx.Insert("Port_Binding", map[string]any{"logical_port": "vm", "datapath": sw, "tunnel_key": 2})
	})
	f.want(names, "sw_dnat=2 sw_snat=3 vm=1")
	f.flushed()
}

func TestRestartKeepsNumbers(t *testing.T) {
	f := newFixture(t, true)
	sw := f.Switch(1)
	names := map[ovsdb.UUID]string{sw: "sw"}
	f.Port(sw, "vm", 1, nil)
	f.Port(sw, "gone", 2, nil)
	f.Plug("gone", 4)
	f.Plug("vm", 5)
	f.want(names, "gone=1 sw_dnat=2 sw_snat=3 vm=4")
	f.OnRun = nil
	f.Unplug("gone")

	f.z = New(f.World, f.Ports, f.Local)
	f.z.Recompute()
	if got := f.text(names); got != "gone=1 sw_dnat=2 sw_snat=3 vm=4" {
		t.Errorf("before the network is known the zones are %s", got)
	}
	f.z.Begin()
	f.z.Known()
	f.flushed()
	f.want(names, "sw_dnat=2 sw_snat=3 vm=4")
}

// TestRowsThatComeAndGoBeforeItIsKnown: with conditional monitoring rows leave the
// replica and come back while the local datapaths are being found out.
func TestRowsThatComeAndGoBeforeItIsKnown(t *testing.T) {
	f := newFixture(t, false)
	sw := f.Switch(1)
	names := map[ovsdb.UUID]string{sw: "sw"}
	pb := f.Port(sw, "vm", 1, nil)
	f.Plug("vm", 5)
	f.want(names, "sw_dnat=2 sw_snat=3 vm=1")
	f.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", pb) })
	f.want(names, "sw_dnat=2 sw_snat=3 vm=1")
	f.Port(sw, "vm", 1, nil)
	f.z.Known()
	f.flushed(1, 2, 3)
	f.want(names, "sw_dnat=2 sw_snat=3 vm=1")
}

func TestRequestedZone(t *testing.T) {
	f := newFixture(t, true)
	a, b := f.Router(1), f.Router(2)
	names := map[ovsdb.UUID]string{a: "a", b: "b"}
	f.Port(a, "pa", 1, map[string]any{"type": "l3gateway", "options": map[string]string{"l3gateway-chassis": nodetest.Name}})
	f.Port(b, "pb", 1, map[string]any{"type": "l3gateway", "options": map[string]string{"l3gateway-chassis": nodetest.Name}})
	f.want(names, "a_dnat=2 a_snat=3 b_dnat=5 b_snat=6 pa=1 pb=4")
	f.flushed(1, 2, 3, 4, 5, 6)

	// It is taken from who had it by chance.
	f.setSNATZone(a, "4")
	f.want(names, "a_dnat=2 a_snat=4 b_dnat=5 b_snat=6 pa=1 pb=7")
	f.flushed(4, 7)

	// It may be shared with who asks for it too.
	f.setSNATZone(b, "4")
	f.want(names, "a_dnat=2 a_snat=4 b_dnat=5 b_snat=4 pa=1 pb=7")
	f.z.TakeFlush()

	// Zone 0 is the host's: it is a request like any other, but it is not flushed.
	f.setSNATZone(a, "0")
	f.want(names, "a_dnat=2 a_snat=0 b_dnat=5 b_snat=4 pa=1 pb=7")
	f.flushed()

	// A restart knows all of them again.
	f.OnRun = nil
	f.z = New(f.World, f.Ports, f.Local)
	f.z.Recompute()
	f.z.Known()
	f.want(names, "a_dnat=2 a_snat=0 b_dnat=5 b_snat=4 pa=1 pb=7")
	f.flushed()
	f.OnRun = func() { f.z.Begin(); f.z.Update() }

	// Without the request the zone stays as long as it is the router's alone.
	f.setSNATZone(b, "")
	f.want(names, "a_dnat=2 a_snat=0 b_dnat=5 b_snat=4 pa=1 pb=7")
	f.flushed()
	f.setSNATZone(a, "")
	f.want(names, "a_dnat=2 a_snat=3 b_dnat=5 b_snat=4 pa=1 pb=7")
}

// setRange does what the controller does when external_ids:ct-zone-range changes.
func (f *fixture) setRange(low, high uint16) {
	f.t.Helper()
	f.World.Config.ZoneMin, f.World.Config.ZoneMax = low, high
	f.z.Begin()
	if f.z.Stale() == "" {
		f.t.Error("nothing is to be done")
	}
	f.z.Recompute()
	if why := f.z.Stale(); why != "" {
		f.t.Error("still to be done: " + why)
	}
}

// TestRange: zones outside of ct-zone-range are moved, whether somebody set it now or
// while nobody ran; what a router asks for is not.
func TestRange(t *testing.T) {
	f := newFixture(t, true)
	sw, r := f.Switch(1), f.Router(2)
	names := map[ovsdb.UUID]string{sw: "sw", r: "r"}
	f.Port(sw, "vm", 1, nil)
	f.Plug("vm", 5)
	f.Port(r, "p", 1, map[string]any{"type": "l3gateway", "options": map[string]string{"l3gateway-chassis": nodetest.Name}})
	f.setSNATZone(r, "2")
	f.want(names, "p=4 r_dnat=5 r_snat=2 sw_dnat=7 sw_snat=3 vm=1")
	f.z.TakeFlush()

	f.setRange(4, 8)
	if got := slices.Sorted(maps.Keys(f.z.Changed)); !slices.Equal(got, slices.Sorted(slices.Values([]string{SNAT(sw), "vm"}))) {
		t.Errorf("%v changed", got)
	}
	f.want(names, "p=4 r_dnat=5 r_snat=2 sw_dnat=7 sw_snat=6 vm=8")
	f.flushed(6, 8)

	// Nobody asks for 2 any more: it is not one of ours.
	f.setSNATZone(r, "")
	f.want(names, "p=4 r_dnat=5 sw_dnat=7 sw_snat=6 vm=8")
	if log := f.Log(); !strings.Contains(log, "no conntrack zone is left for "+SNAT(r)+": all of 4-8 are in use") {
		t.Errorf("log: %s", log)
	}
	f.flushed()

	// A wider range: who has a zone keeps it, who has none gets one.
	f.setRange(4, 9)
	f.want(names, "p=4 r_dnat=5 r_snat=9 sw_dnat=7 sw_snat=6 vm=8")
	f.flushed(9)

	// A start with another range moves what it is sure of, and in the end all.
	f.OnRun = nil
	f.World.Config.ZoneMin, f.World.Config.ZoneMax = 100, 105
	f.z = New(f.World, f.Ports, f.Local)
	f.z.Recompute()
	f.z.Known()
	f.want(names, "p=100 r_dnat=104 r_snat=105 sw_dnat=102 sw_snat=103 vm=101")
	f.flushed(100, 101, 102, 103, 104, 105)
}

func TestSharedZoneEndsWithTheRequests(t *testing.T) {
	f := newFixture(t, true)
	a, b := f.Router(1), f.Router(2)
	names := map[ovsdb.UUID]string{a: "a", b: "b"}
	for dp, p := range map[ovsdb.UUID]string{a: "pa", b: "pb"} {
		f.Port(dp, p, 1, map[string]any{"type": "l3gateway", "options": map[string]string{"l3gateway-chassis": nodetest.Name}})
		f.setSNATZone(dp, "99")
	}
	if za, zb := f.z.Get(SNAT(a)), f.z.Get(SNAT(b)); za != 99 || zb != 99 {
		t.Fatalf("the routers have zones %d and %d, want 99 both", za, zb)
	}
	f.setSNATZone(a, "")
	if za, zb := f.z.Get(SNAT(a)), f.z.Get(SNAT(b)); za == 99 || zb != 99 {
		t.Errorf("a, which does not ask any more, has %d; b, which does, has %d", za, zb)
	}
	f.setSNATZone(b, "")
	if zb := f.z.Get(SNAT(b)); zb != 99 {
		t.Errorf("b was alone and has %d now", zb)
	}
	f.remembered(names)
	f.consistent()
}

// TestBridgeMadeAnew: who deletes the integration bridge takes our memory away.
func TestBridgeMadeAnew(t *testing.T) {
	f := newFixture(t, true)
	sw := f.Switch(1)
	names := map[ovsdb.UUID]string{sw: "sw"}
	f.Port(sw, "vm", 1, nil)
	f.Plug("vm", 5)
	f.want(names, "sw_dnat=2 sw_snat=3 vm=1")
	f.VSW(func(tx *idl.Tx) {
		for root := range f.World.VSW.OpenVSwitch.All() {
			in := tx.Insert("Interface", map[string]any{"name": "if-vm", "ofport": 5, "external_ids": map[string]string{"iface-id": "vm"}})
			port := tx.Insert("Port", map[string]any{"name": "if-vm", "interfaces": []any{in}})
			br := tx.Insert("Bridge", map[string]any{"name": nodetest.Bridge, "ports": []any{port}})
			tx.Update("Open_vSwitch", root.UUID, map[string]any{"bridges": []any{br}})
		}
	})
	f.want(names, "sw_dnat=2 sw_snat=3 vm=1")
}

func TestMemoryOfOthers(t *testing.T) {
	f := newFixture(t, true)
	f.OnRun = nil
	f.VSW(func(tx *idl.Tx) {
		tx.Update("Bridge", f.World.Bridge().UUID, map[string]any{"external_ids": map[string]string{
			"ct-zone-a": "7", "ct-zone-b": "7", "ct-zone-c": "x", "ct-zone-d": "70000", "ct-zone-e": "0", "ct-zone-f": "8", "bridge-id": "9"}})
	})
	f.z = New(f.World, f.Ports, f.Local)
	f.z.Recompute()
	if got, want := f.text(nil), "a=7 f=8"; got != want {
		t.Errorf("adopted %s, want %s", got, want)
	}
	f.VSW(f.z.Write)
	ids := f.World.Bridge().ExternalIDs
	if want := map[string]string{"ct-zone-a": "7", "ct-zone-f": "8", "bridge-id": "9"}; !maps.Equal(ids, want) {
		t.Errorf("the bridge has %v, want %v", ids, want)
	}
}

func TestNoZoneLeft(t *testing.T) {
	f := newFixture(t, true)
	for n := range 1<<16 - 1 {
		f.z.auto[uint16(n+1)] = "x"
	}
	sw := f.Switch(1)
	f.Port(sw, "vm", 1, nil)
	f.Plug("vm", 5)
	if got := f.z.Get("vm"); got != 0 {
		t.Errorf("got zone %d though none is free", got)
	}
	if log := f.Log(); !strings.Contains(log, "no conntrack zone is left for vm: all of 1-65535 are in use") {
		t.Errorf("log: %s", log)
	}
}
