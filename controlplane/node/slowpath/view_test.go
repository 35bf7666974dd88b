package slowpath

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// topology is a switch (key 1) with a localnet port (1:1) plugged into the
// integration bridge, and a router (key 2) on it: ports 1:2 and 2:1.
type topology struct {
	*bench
	ls, lr     ovsdb.UUID
	rp, sp, ln ovsdb.UUID // router's port, switch's port to it, localnet port
}

func newTopology(t *testing.T) *topology {
	b := newBench(t)
	x := &topology{bench: b, ls: b.Switch(1), lr: b.Router(2)}
	x.ln = b.Port(x.ls, "ln", 1, map[string]any{"type": "localnet", "options": map[string]string{"network_name": "phys"}})
	x.sp = b.Port(x.ls, "sp", 2, map[string]any{"type": "patch", "options": map[string]string{"peer": "rp"}})
	x.rp = b.Port(x.lr, "rp", 1, map[string]any{"type": "patch", "options": map[string]string{"peer": "sp"}})
	x.plugLocalnet()
	return x
}

func (x *topology) plugLocalnet() {
	x.VSW(func(tx *idl.Tx) {
		port := tx.Insert("Port", map[string]any{"name": "patch", "external_ids": map[string]string{"ovn-localnet-port": "ln"},
			"interfaces": []any{tx.Insert("Interface", map[string]any{"name": "patch", "type": "patch", "ofport": 99})}})
		tx.Mutate("Bridge", x.World.Bridge().UUID, "ports", "insert", []any{port})
	})
}

// vm makes a VIF that is bound here.
func (x *topology) vm(name string, key int64, macs ...string) ovsdb.UUID {
	x.Plug(name, key+100)
	return x.Port(x.ls, name, key, map[string]any{"mac": macs, "chassis": x.Self})
}

func TestAnnounceVIF(t *testing.T) {
	x := newTopology(t)
	vm := x.vm("vm", 5, "0a:00:00:00:00:05 10.0.0.5 10.0.0.6")
	const five = "announce 1:5 0a:00:00:00:00:05 10.0.0.5"
	want(t, "view", x.text(), five)

	x.Set(vm, map[string]any{"mac": []string{"0a:00:00:00:00:07"}})
	want(t, "view without an address", x.text(), "announce 1:5 0a:00:00:00:00:07 by RARP")
	x.Set(vm, map[string]any{"mac": []string{"unknown", "0a:00:00:00:00:05 10.0.0.5"}, "tunnel_key": 6})
	want(t, "view with another key", x.text(), strings.Replace(five, "1:5", "1:6", 1))
	x.Set(vm, map[string]any{"chassis": []ovsdb.UUID{}})
	want(t, "view of an unbound port", x.text(), "")
	x.Set(vm, map[string]any{"chassis": x.Self})
	x.Set(vm, map[string]any{"options": map[string]string{"disable_garp_rarp": "true"}})
	want(t, "view when switched off", x.text(), "")
	x.Set(vm, map[string]any{"options": map[string]string{}})
	want(t, "view when switched on", x.text(), strings.Replace(five, "1:5", "1:6", 1))
	x.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", vm) })
	want(t, "view without the port", x.text(), "")
}

func TestAnnounceOnlyWhereThePhysicalNetworkIs(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5, "0a:00:00:00:00:05 10.0.0.5")
	x.VSW(func(tx *idl.Tx) {
		tx.Mutate("Bridge", x.World.Bridge().UUID, "ports", "delete", []ovsdb.UUID{x.World.VSW.PortByName.One("patch").UUID})
	})
	want(t, "view without the patch port", x.text(), "")
	x.plugLocalnet()
	want(t, "view with it", x.text(), "announce 1:5 0a:00:00:00:00:05 10.0.0.5")
	x.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", x.ln) })
	want(t, "view without the localnet port", x.text(), "")
}

// TestAnnounceNAT: distributed NAT of a router's patch port is announced where the
// named port is, centralised NAT nowhere by a patch port.
func TestAnnounceNAT(t *testing.T) {
	x := newTopology(t)
	inside := x.Switch(3)
	vm := x.Port(inside, "inner", 4, map[string]any{"chassis": x.Self})
	x.Plug("inner", 7) // the switch becomes local, but is not connected with the others
	x.vm("vm", 5, "0a:00:00:00:00:05 10.0.0.5")
	x.Set(x.sp, map[string]any{"nat_addresses": []string{
		`0a:00:00:00:00:99 172.16.0.1 172.16.0.2 is_chassis_resident("inner")`, "0a:00:00:00:00:98 172.16.0.3", "nonsense"}})
	const both = `
announce 1:2 0a:00:00:00:00:99 172.16.0.1
announce 1:2 0a:00:00:00:00:99 172.16.0.2
announce 1:5 0a:00:00:00:00:05 10.0.0.5`
	want(t, "view", x.text(), both)
	if log := x.Log(); strings.Count(log, `WARN not announced: address "nonsense"`) != 1 {
		t.Errorf("log is %q", log)
	}
	x.Unplug("inner")
	x.Set(vm, map[string]any{"chassis": []ovsdb.UUID{}})
	want(t, "view when the port has gone", x.text(), "announce 1:5 0a:00:00:00:00:05 10.0.0.5")
	x.Plug("inner", 7)
	x.Set(vm, map[string]any{"chassis": x.Self})
	want(t, "view when the port is back", x.text(), both)
	x.SB(func(tx *idl.Tx) {
		tx.Update("Datapath_Binding", x.lr, map[string]any{"external_ids": map[string]string{"logical-router": "x", "disable_garp_rarp": "true"}})
	})
	want(t, "view when the router is silent", x.text(), "announce 1:5 0a:00:00:00:00:05 10.0.0.5")
	if log := x.Log(); strings.Contains(log, "nonsense") {
		t.Errorf("named again: %q", log)
	}
}

func TestAnnounceGatewayRouter(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5) // no address: nothing to announce, but the switch is local
	gw := x.Port(x.ls, "gw", 6, map[string]any{"type": "l3gateway", "nat_addresses": []string{"0a:00:00:00:00:99 172.16.0.1"},
		"options": map[string]string{"peer": "rgw", "l3gateway-chassis": nodetest.Name}})
	want(t, "view before the gateway is bound", x.text(), "")
	x.Set(gw, map[string]any{"chassis": x.Self})
	want(t, "view", x.text(), "announce 1:6 0a:00:00:00:00:99 172.16.0.1")
	x.Set(gw, map[string]any{"nat_addresses": []string{}, "options": map[string]string{"peer": "rgw", "l3gateway-chassis": nodetest.Name,
		"nat-addresses": "0a:00:00:00:00:99 172.16.0.9"}})
	want(t, "view with the old option", x.text(), "announce 1:6 0a:00:00:00:00:99 172.16.0.9")
}

func TestAnnounceMax(t *testing.T) {
	b := newBench(t)
	b.Configure(map[string]string{"garp-max-timeout-sec": "30"})
	b.node.OnConfig()
	want(t, "view", b.text(), "until 30s")
	views := b.views
	b.node.OnConfig()
	if b.text(); b.views != views {
		t.Error("a view was given though nothing changed")
	}
}

func TestRedirect(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5)
	cr := x.Port(x.lr, "cr-rp", 2, map[string]any{"type": "chassisredirect", "options": map[string]string{"distributed-port": "rp"}})
	want(t, "view", x.text(), "redirect 2:2 to 2:1")
	x.Set(x.rp, map[string]any{"tunnel_key": 7})
	want(t, "view with another key", x.text(), "redirect 2:2 to 2:7")
	x.SB(func(tx *idl.Tx) { tx.Update("Datapath_Binding", x.lr, map[string]any{"tunnel_key": 8}) })
	want(t, "view with another datapath key", x.text(), "redirect 8:2 to 8:7")
	x.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", cr) })
	want(t, "view without the port", x.text(), "")
}

var raOptions = map[string]string{"peer": "sp", "ipv6_ra_send_periodic": "true", "ipv6_ra_address_mode": "slaac",
	"ipv6_ra_src_eth": "0a:00:00:00:00:99", "ipv6_ra_src_addr": "fe80::1", "ipv6_ra_prefixes": "fd00::/64",
	"ipv6_ra_max_interval": "30", "ipv6_ra_min_interval": "10", "chassis-redirect-port": "cr-rp"}

func TestRouterAdverts(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5)
	x.Set(x.rp, map[string]any{"options": raOptions})
	const advert = "advertise 1:2 fe80::1 gateway=false every 10s to 30s"
	want(t, "view", x.text(), advert)

	var group ovsdb.NamedUUID
	r := x.SB(func(tx *idl.Tx) {
		group = tx.Insert("HA_Chassis_Group", map[string]any{"name": "g",
			"ha_chassis": []any{tx.Insert("HA_Chassis", map[string]any{"chassis": x.Self, "priority": 1})}})
	})
	x.Port(x.lr, "cr-rp", 2, map[string]any{"type": "chassisredirect", "ha_chassis_group": r.UUID(group), "chassis": x.Self})
	want(t, "view of the gateway", x.text(), strings.Replace(advert, "false", "true", 1))

	broken := map[string]string{"peer": "sp", "ipv6_ra_send_periodic": "true"}
	x.Log()
	x.Set(x.rp, map[string]any{"options": broken})
	want(t, "view with broken options", x.text(), "")
	if log := x.Log(); !strings.Contains(log, "lport rp does not advertise its router: ") {
		t.Errorf("log is %q", log)
	}
}

// TestAdvertOfRouterElsewhere: a gateway router on another chassis is advertised to
// the ports here, by this chassis.
func TestAdvertOfRouterElsewhere(t *testing.T) {
	b := newBench(t)
	ls, lr := b.Switch(1), b.Router(2)
	b.Plug("vm", 7)
	b.Port(ls, "vm", 5, nil)
	b.Port(ls, "sp", 2, map[string]any{"type": "l3gateway", "options": map[string]string{"peer": "rp", "l3gateway-chassis": "other"}})
	b.Port(lr, "rp", 1, map[string]any{"type": "l3gateway", "options": raOptions})
	want(t, "view", b.text(), "advertise 1:2 fe80::1 gateway=false every 10s to 30s")
}

// TestUnrelatedChangesGiveNoView: what concerns ports elsewhere does not touch the view.
func TestUnrelatedChangesGiveNoView(t *testing.T) {
	x := newTopology(t)
	vm := x.vm("vm", 5, "0a:00:00:00:00:05 10.0.0.5")
	x.text()
	views := x.views
	far := x.Port(x.ls, "far", 6, map[string]any{"mac": []string{"0a:00:00:00:00:06 10.0.0.6"}})
	x.Set(far, map[string]any{"mac": []string{"0a:00:00:00:00:06 10.0.0.7"}})
	x.Set(vm, map[string]any{"up": true})
	x.Switch(9)
	if x.text(); x.views != views {
		t.Errorf("%d new views", x.views-views)
	}
}
