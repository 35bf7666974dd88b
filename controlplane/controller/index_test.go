package controller

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// tunnelPorts are the tunnel ports of a bridge by name, sorted.
func (c *hypervisor) tunnelPorts(bridge string) (names []string) {
	for _, id := range c.w.VSW.BridgeByName.One(bridge).Ports {
		if p := c.w.VSW.Port.Get(id); p.ExternalIDs["ovn-chassis-id"] != "" {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}

// chassisIndex is the index that a chassis has in the local database.
func (c *hypervisor) chassisIndex(name string) (index string, ok bool) {
	for root := range c.w.VSW.OpenVSwitch.All() {
		index, ok = root.OtherConfig["ovn-chassis-idx-"+name]
	}
	return index, ok
}

// TestChassisIndex: controllers on one host tell their tunnel ports by the index of
// the chassis in the ports' names. The first has none, each later one has the first
// that is free and keeps it, and an exit that is no restart gives it back.
func TestChassisIndex(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ others, want, port string }{
		{"", "", "ovn-far-aw-0"},
		{"ovn-chassis-idx-hv8=0", "", "ovn-far-aw-0"},
		{"ovn-chassis-idx-hv8=0 ovn-chassis-idx-hv9=", "1", "ovn1-far-a-0"},
		{"ovn-chassis-idx-hv1=7 ovn-chassis-idx-hv9=", "7", "ovn7-far-a-0"},
	} {
		sbServer, local := ovsdbtest.Start(t, sbSchema, "OVN_Southbound"), localDB(t, localIDs)
		sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{}}]`)
		local.Transact(fmt.Sprintf(`[{"op":"update","table":"Open_vSwitch","where":[],"row":{"other_config":["map",[%s]]}}]`, pairs(tt.others)))
		n := &network{startChassis(t, sbServer, local), map[string]ovsdb.UUID{}}
		n.settle()
		n.chassis("far-away", "geneve", "192.0.2.2", nil)
		n.settle()
		if got, ok := n.chassisIndex("hv1"); !ok || got != tt.want {
			t.Errorf("%q: the index is %q, %v, want %q", tt.others, got, ok, tt.want)
		}
		if got := n.tunnelPorts("br-int"); !slices.Equal(got, []string{tt.port}) {
			t.Errorf("%q: the tunnel ports are %v, want %s", tt.others, got, tt.port)
		}
		done := false
		n.Leave(func(err error) {
			if done = true; err != nil {
				t.Error(err)
			}
		})
		n.until("the exit", func() bool { _, has := n.chassisIndex("hv1"); return done && !has })
		if got := n.tunnelPorts("br-int"); len(got) > 0 {
			t.Errorf("%q: tunnel ports stay: %v", tt.others, got)
		}
	}
}

// TestIntegrationBridgeMoves: with another ovn-bridge the tunnels move there, as Open
// vSwitch cannot have one twice, and stay there; tunnels of other controllers stay.
func TestIntegrationBridgeMoves(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs+" ovn-bridge-hv8=br-other")
	n.chassis("hv2", "geneve", "192.0.2.2", nil)
	n.settle()
	for row := range n.w.VSW.OpenVSwitch.All() {
		n.changeVSW(func(tx *idl.Tx) {
			tx.Mutate("Open_vSwitch", row.UUID, "other_config", "insert", map[string]string{"ovn-chassis-idx-hv8": "0", "ovn-chassis-idx-hv9": "1"})
			for name, bridge := range map[string]string{"ovn-hv2-9": "br-other", "ovn1-hv2-0": "br-phys"} { // the one was made before hv8 had an index
				in := tx.Insert("Interface", map[string]any{"name": name, "type": "geneve", "options": map[string]string{"remote_ip": "192.0.2.2", "local_ip": "192.0.2.8"}})
				port := tx.Insert("Port", map[string]any{"name": name, "interfaces": []any{in}, "external_ids": map[string]string{"ovn-chassis-id": "hv2@192.0.2.2%192.0.2.8"}})
				tx.Mutate("Bridge", n.w.VSW.BridgeByName.One(bridge).UUID, "ports", "insert", []any{port})
			}
		})
	}
	check := func(when, bridge string) (tunnel ovsdb.UUID) {
		t.Helper()
		for name, want := range map[string][]string{"br-int": nil, "br-new": nil, "br-other": {"ovn-hv2-9"}, "br-phys": {"ovn1-hv2-0"}} {
			if name == bridge {
				want = []string{"ovn-hv2-0"}
			}
			if n.w.VSW.BridgeByName.One(name) == nil {
				continue
			}
			if got := n.tunnelPorts(name); !slices.Equal(got, want) {
				t.Errorf("%s: bridge %s has the tunnel ports %v, want %v", when, name, got, want)
			}
		}
		return n.w.VSW.PortByName.One("ovn-hv2-0").UUID
	}
	check("before", "br-int")
	n.setLocal("ovn-bridge", "br-new")
	n.settle()
	there := check("moved", "br-new")
	n.changeSB(func(tx *idl.Tx) { tx.Update("Chassis", n.id["hv2"], map[string]any{"hostname": "h2"}) })
	n.settle()
	if check("later", "br-new") != there {
		t.Error("the tunnel port was made again")
	}
	n.setLocal("ovn-bridge", "br-int")
	n.settle()
	check("moved back", "br-int")
}
