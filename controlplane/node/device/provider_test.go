package device

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/offload"
)

// gateway is a chassis with a bridge br-ex that has an uplink, and the patch ports of two networks to it: one untagged, one in VLAN 100.
type gateway struct {
	*nodetest.Chassis
	t *testing.T
	d *Devices
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{Chassis: nodetest.New(t), t: t}
	g.Configure(map[string]string{"sluice-offload": "software"})
	g.d = New(g.World, g.Ifaces)
	g.AddBridge("br-ex")
	g.PlugInto("br-ex", "br-ex", map[string]any{"type": "internal", "ofport": 65534, "mac_in_use": "0a:00:00:00:00:01"})
	g.PlugInto("br-ex", "eth1", map[string]any{"ofport": 1, "ifindex": 7})
	for key, vlan := range []int64{0, 100} {
		name := fmt.Sprintf("ln%d", vlan)
		more := map[string]any{"type": "localnet"}
		if vlan > 0 {
			more["tag"] = vlan
		}
		g.Port(g.Switch(int64(key+1)), name, 1, more)
		g.patch(name, int64(10+key))
	}
	g.d.SetBridges(map[string]BridgeState{"br-ex": {}})
	return g
}

// patch makes a pair of patch ports for a logical port.
func (g *gateway) patch(name string, ofport int64) {
	g.t.Helper()
	in := g.PlugInto(nodetest.Bridge, "patch-"+name, map[string]any{"type": "patch", "ofport": ofport, "options": map[string]string{"peer": name + "-patch"}})
	g.VSW(func(tx *idl.Tx) {
		tx.Update("Port", in, map[string]any{"external_ids": map[string]string{"ovn-localnet-port": name}})
	})
	g.PlugInto("br-ex", name+"-patch", map[string]any{"type": "patch", "ofport": ofport, "options": map[string]string{"peer": "patch-" + name}})
}

func (g *gateway) port(name string) offload.Port {
	g.t.Helper()
	g.d.Update()
	i := slices.IndexFunc(g.d.Setting().Ports, func(p offload.Port) bool { return p.Name == "patch-"+name })
	if i < 0 {
		g.t.Fatalf("no port patch-%s in %+v", name, g.d.Setting())
	}
	return g.d.Setting().Ports[i]
}

// bridge changes columns of the row of br-ex.
func (g *gateway) bridge(row map[string]any) {
	g.t.Helper()
	g.VSW(func(tx *idl.Tx) { tx.Update("Bridge", g.World.VSW.BridgeByName.One("br-ex").UUID, row) })
}

func mac(s string) wire.MAC {
	m, err := wire.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

func TestPatchPortsHaveTheUplink(t *testing.T) {
	g := newGateway(t)
	host, behind := mac("0a:00:00:00:00:01"), mac("0a:00:00:00:00:02")
	for name, vlan := range map[string]uint16{"ln0": 0, "ln100": 100} {
		p := g.port(name)
		if p.Device != "eth1" || p.Ifindex != 7 || p.Mode != offload.Software || p.Bridge == nil || p.Bridge.VLAN != vlan || !slices.Equal(p.Bridge.Own, []wire.MAC{host}) {
			t.Errorf("%s: %+v, bridge %+v", name, p, p.Bridge)
		}
	}
	if got := g.d.Setting().Providers(); !slices.Equal(got, []string{"br-ex"}) {
		t.Errorf("bridges to ask about: %q", got)
	}
	// An address that the bridge has seen behind the host's own port is the host's; one behind the uplink or a patch port is not.
	g.d.SetBridges(map[string]BridgeState{"br-ex": {Learned: map[uint32][]wire.MAC{65534: {behind}, 1: {mac("0a:00:00:00:00:03")}, 10: {mac("0a:00:00:00:00:04")}}}})
	if p := g.port("ln0"); !slices.Equal(p.Bridge.Own, []wire.MAC{host, behind}) {
		t.Errorf("own addresses %v", p.Bridge.Own)
	}
	uplink := g.World.VSW.InterfaceByName.One("eth1").UUID
	g.VSW(func(tx *idl.Tx) {
		tx.Update("Interface", uplink, map[string]any{"external_ids": map[string]string{Key: "off"}})
	})
	if p := g.port("ln0"); p.Mode != offload.Off {
		t.Errorf("with the uplink off: %+v", p)
	}
}

func TestBridgesThatHaveASay(t *testing.T) {
	for _, tt := range []struct {
		what, why string
		make      func(g *gateway)
	}{
		{"not asked", "has not told its flows yet", func(g *gateway) { g.d.SetBridges(nil) }},
		{"no answer", "no such socket", func(g *gateway) { g.d.SetBridges(map[string]BridgeState{"br-ex": {Err: "no such socket"}}) }},
		{"flows", "has flows of somebody else: priority=7,ip,actions=drop", func(g *gateway) {
			g.d.SetBridges(map[string]BridgeState{"br-ex": {Strange: "priority=7,ip,actions=drop"}})
		}},
		{"datapath", "datapath type netdev", func(g *gateway) { g.bridge(map[string]any{"datapath_type": "netdev"}) }},
		{"spanning tree", "spanning tree", func(g *gateway) { g.bridge(map[string]any{"stp_enable": true}) }},
		{"VLANs", "flood_vlans", func(g *gateway) { g.bridge(map[string]any{"flood_vlans": []any{3}}) }},
		{"mirror", "has mirrors", func(g *gateway) {
			g.VSW(func(tx *idl.Tx) {
				m := tx.Insert("Mirror", map[string]any{"name": "m"})
				tx.Update("Bridge", g.World.VSW.BridgeByName.One("br-ex").UUID, map[string]any{"mirrors": []any{m}})
			})
		}},
		{"controller", "OpenFlow controller", func(g *gateway) {
			g.VSW(func(tx *idl.Tx) {
				c := tx.Insert("Controller", map[string]any{"target": "tcp:127.0.0.1:1"})
				tx.Update("Bridge", g.World.VSW.BridgeByName.One("br-ex").UUID, map[string]any{"controller": []any{c}})
			})
		}},
		{"two uplinks", "several ways out", func(g *gateway) { g.PlugInto("br-ex", "eth2", map[string]any{"ofport": 2}) }},
		{"tunnel", "port vx0 of type vxlan", func(g *gateway) { g.PlugInto("br-ex", "vx0", map[string]any{"type": "vxlan"}) }},
		{"another bridge", "does not lead to br-int", func(g *gateway) {
			g.PlugInto("br-ex", "away", map[string]any{"type": "patch", "options": map[string]string{"peer": "nowhere"}})
		}},
		{"access port", "has VLANs of its own", func(g *gateway) {
			g.VSW(func(tx *idl.Tx) { tx.Update("Port", g.World.VSW.PortByName.One("eth1").UUID, map[string]any{"tag": 5}) })
		}},
		{"rate limit", "rate limit", func(g *gateway) {
			g.VSW(func(tx *idl.Tx) {
				tx.Update("Interface", g.World.VSW.InterfaceByName.One("eth1").UUID, map[string]any{"ingress_policing_rate": 5})
			})
		}},
		{"host without address", "address of port host0 of bridge br-ex is not known", func(g *gateway) {
			g.PlugInto("br-ex", "host0", map[string]any{"type": "internal", "ofport": 9})
		}},
		{"same VLAN", "2 localnet ports have the same VLAN of eth1", func(g *gateway) {
			g.Port(g.Switch(9), "again", 1, map[string]any{"type": "localnet"})
			g.patch("again", 19)
		}},
	} {
		g := newGateway(t)
		tt.make(g)
		p := g.port("ln0")
		if p.Device != "" || p.Mode != offload.Off || p.Bridge != nil || !strings.Contains(p.Lack.Why, tt.why) {
			t.Errorf("%s: %+v", tt.what, p)
		}
	}
}

func TestStrangeFlow(t *testing.T) {
	const own = "duration=5s, n_packets=4, n_bytes=300, priority=0,actions=NORMAL\n" +
		"table_id=254, duration=5s, n_packets=0, n_bytes=0, priority=2,recirc_id=0,actions=drop\n" +
		"table_id=254, duration=5s, n_packets=0, n_bytes=0, priority=0,reg0=0x1,actions=controller(reason=)\n"
	for text, want := range map[string]string{
		own: "",
		"duration=5s, n_packets=0, n_bytes=0, priority=100,ip,actions=drop\n" + own:                   "priority=100,ip,actions=drop",
		own + "table_id=1, duration=5s, n_packets=0, n_bytes=0, priority=0,actions=NORMAL\n":          "table_id=1, priority=0,actions=NORMAL",
		"cookie=0x7, duration=5s, n_packets=0, n_bytes=0, priority=0,actions=NORMAL\n":                "cookie=0x7, priority=0,actions=NORMAL",
		"duration=5s, n_packets=0, n_bytes=0, idle_age=5, priority=0,actions=mod_vlan_vid:5,NORMAL\n": "priority=0,actions=mod_vlan_vid:5,NORMAL",
	} {
		if got := StrangeFlow(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzParseFDB(f *testing.F) {
	f.Add(" port  VLAN  MAC                Age\n    1     0  0a:00:00:00:00:01    3\nLOCAL   100  0a:00:00:00:00:02  static\n")
	f.Add("")
	f.Add("port\n1 0 zz 3")
	f.Fuzz(func(t *testing.T, text string) {
		learned, err := ParseFDB(text)
		if err != nil && learned != nil {
			t.Errorf("%v with %v", err, learned)
		}
	})
}

func TestParseFDB(t *testing.T) {
	got, err := ParseFDB(" port  VLAN  MAC                Age\n    1     0  0a:00:00:00:00:01    3\nLOCAL   100  0a:00:00:00:00:02  static\n")
	if want := fmt.Sprint(map[uint32][]wire.MAC{1: {mac("0a:00:00:00:00:01")}, 65534: {mac("0a:00:00:00:00:02")}}); err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
	for _, wrong := range []string{"port\n1 0 0a:00:00:00:00:01", "port\nx 0 0a:00:00:00:00:01 3", "port\n1 0 0a:00:00:00:00 3"} {
		if _, err := ParseFDB(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
