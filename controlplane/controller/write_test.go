package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// portNames are the ports of the integration bridge, sorted.
func (c *hypervisor) portNames() []string {
	var names []string
	for _, id := range c.w.Bridge().Ports {
		names = append(names, c.w.VSW.Port.Get(id).Name)
	}
	slices.Sort(names)
	return names
}

func (c *hypervisor) wantPorts(want ...string) {
	c.t.Helper()
	if got := c.portNames(); !slices.Equal(got, want) {
		c.t.Errorf("the bridge has the ports %v, want %v", got, want)
	}
}

// TestPortsOfSeveralKindsAtOnce: a tunnel, a patch port and an interface can be due in
// one transaction, to be made and to be removed.
func TestPortsOfSeveralKindsAtOnce(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("pub", "logical-switch", 4)
	n.plug("vm1", nil)
	n.changeSB(func(tx *idl.Tx) {
		e := tx.Insert("Encap", map[string]any{"type": "geneve", "ip": "192.0.2.2", "chassis_name": "hv2"})
		tx.Insert("Chassis", map[string]any{"name": "hv2", "encaps": []any{e}})
		tx.Insert("Port_Binding", map[string]any{"logical_port": "vm1", "datapath": n.id["pub"], "tunnel_key": 1})
		tx.Insert("Port_Binding", map[string]any{"logical_port": "ln", "datapath": n.id["pub"], "tunnel_key": 2, "type": "localnet",
			"options": map[string]string{"network_name": "phys"}})
	})
	n.settle()
	n.wantPorts("br-int", "if-vm1", "ovn-hv2-0", "patch-br-int-to-ln")
	n.changeSB(func(tx *idl.Tx) {
		tx.Delete("Chassis", n.w.SB.ChassisByName.One("hv2").UUID)
		tx.Delete("Port_Binding", n.w.SB.PortBindingByLogicalPort.One("ln").UUID)
		e := tx.Insert("Encap", map[string]any{"type": "vxlan", "ip": "192.0.2.2", "chassis_name": "hv2b"})
		tx.Insert("Chassis", map[string]any{"name": "hv2b", "encaps": []any{e}})
	})
	n.settle()
	n.wantPorts("br-int", "if-vm1", "ovn-hv2b-0")
}

// TestRefusedTransactionIsNotRepeatedAtOnce: the database server is not flooded with
// what it refused a moment ago; it is tried again later.
func TestRefusedTransactionIsNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.chassis("squatter", "geneve", "192.0.2.9", nil)
	n.settle()
	// An encap with our name that is not ours stands in the way of a new one.
	n.changeSB(func(tx *idl.Tx) {
		e := tx.Insert("Encap", map[string]any{"type": "geneve", "ip": "192.0.2.50", "chassis_name": "hv1"})
		tx.Update("Chassis", n.id["squatter"], map[string]any{"encaps": []any{e}})
	})
	before := n.writes
	n.setLocal("ovn-encap-ip", "192.0.2.50")
	n.until("the refusal", func() bool { return strings.Contains(n.log.String(), "the row of chassis hv1 is not written") })
	for range 100 {
		n.turn()
	}
	if tried := n.writes - before; tried > 2 {
		t.Errorf("%d transactions were sent", tried)
	}
	if n.Wake().IsZero() {
		t.Error("it will not be tried again")
	}
	n.changeSB(func(tx *idl.Tx) { tx.Delete("Chassis", n.id["squatter"]) })
	n.until("registration", func() bool {
		e := n.w.SB.Encap.Get(n.w.Self().Encaps[0])
		return e.IP == "192.0.2.50"
	})
}

// TestRepair: what somebody deletes or changes of ours is put right.
func TestRepair(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("pub", "logical-switch", 4)
	n.port("pub", "ln", 2, "localnet", "network_name:phys")
	n.port("pub", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.chassis("hv2", "geneve", "192.0.2.2", nil)
	n.settle()
	before := n.text()
	ports := []string{"br-int", "if-vm1", "ovn-hv2-0", "patch-br-int-to-ln"}
	n.wantPorts(ports...)
	br := n.w.Bridge().UUID
	for name, damage := range map[string]func(){
		"tunnel port": func() {
			n.changeVSW(func(tx *idl.Tx) {
				tx.Mutate("Bridge", br, "ports", "delete", []any{n.w.VSW.PortByName.One("ovn-hv2-0").UUID})
			})
		},
		"tunnel options": func() {
			n.changeVSW(func(tx *idl.Tx) {
				tx.Update("Interface", n.w.VSW.InterfaceByName.One("ovn-hv2-0").UUID, map[string]any{"options": map[string]string{"remote_ip": "192.0.2.99"}})
			})
		},
		"tunnel id": func() {
			n.changeVSW(func(tx *idl.Tx) {
				tx.Update("Port", n.w.VSW.PortByName.One("ovn-hv2-0").UUID, map[string]any{"external_ids": map[string]string{"ovn-chassis-id": "hv9@192.0.2.2"}})
			})
		},
		"patch port": func() {
			n.changeVSW(func(tx *idl.Tx) {
				tx.Mutate("Bridge", br, "ports", "delete", []any{n.w.VSW.PortByName.One("patch-br-int-to-ln").UUID})
			})
		},
		"patch peer": func() {
			n.changeVSW(func(tx *idl.Tx) {
				tx.Mutate("Bridge", n.w.VSW.BridgeByName.One("br-phys").UUID, "ports", "delete", []any{n.w.VSW.PortByName.One("patch-ln-to-br-int").UUID})
			})
		},
		"patch options": func() {
			n.changeVSW(func(tx *idl.Tx) {
				tx.Update("Interface", n.w.VSW.InterfaceByName.One("patch-br-int-to-ln").UUID, map[string]any{"options": map[string]string{"peer": "nowhere"}})
			})
		},
		"patch id": func() {
			n.changeVSW(func(tx *idl.Tx) {
				tx.Update("Port", n.w.VSW.PortByName.One("patch-br-int-to-ln").UUID, map[string]any{"external_ids": map[string]string{"ovn-localnet-port": "other"}})
			})
		},
		"fail mode": func() {
			n.changeVSW(func(tx *idl.Tx) { tx.Update("Bridge", br, map[string]any{"fail_mode": "standalone"}) })
		},
		"flow tables": func() {
			n.changeVSW(func(tx *idl.Tx) { tx.Update("Bridge", br, map[string]any{"flow_tables": nil}) })
		},
		"prefixes": func() {
			n.changeVSW(func(tx *idl.Tx) {
				tx.Update("Flow_Table", n.w.Bridge().FlowTables[0], map[string]any{"prefixes": []string{"ip_dst"}})
			})
		},
		"datapath": func() {
			for row := range n.w.VSW.OpenVSwitch.All() {
				n.changeVSW(func(tx *idl.Tx) { tx.Update("Open_vSwitch", row.UUID, map[string]any{"datapaths": nil}) })
			}
		},
		"VLAN limit": func() {
			for row := range n.w.VSW.OpenVSwitch.All() {
				n.changeVSW(func(tx *idl.Tx) {
					tx.Update("Open_vSwitch", row.UUID, map[string]any{"other_config": map[string]string{"vlan-limit": "1"}})
				})
			}
		},
		"chassis": func() {
			n.changeSB(func(tx *idl.Tx) { tx.Delete("Chassis", n.w.SelfID()) })
		},
		"encap": func() {
			n.changeSB(func(tx *idl.Tx) {
				tx.Update("Chassis", n.w.SelfID(), map[string]any{"encaps": []any{tx.Insert("Encap", map[string]any{"type": "geneve", "ip": "192.0.2.77", "chassis_name": "hv1"})}})
			})
		},
		"private row": func() {
			n.changeSB(func(tx *idl.Tx) { tx.Delete("Chassis_Private", n.w.SB.ChassisPrivateByName.One("hv1").UUID) })
		},
		"claim": func() {
			n.changeSB(func(tx *idl.Tx) {
				tx.Update("Port_Binding", n.id["vm1"], map[string]any{"chassis": []any{}, "up": false})
			})
		},
		"ovn-installed": func() {
			n.changeVSW(func(tx *idl.Tx) {
				tx.Mutate("Interface", n.w.VSW.InterfaceByName.One("if-vm1").UUID, "external_ids", "delete", []string{"ovn-installed"})
			})
		},
	} {
		damage()
		n.settle()
		n.settle() // a port that was made has a number only now
		n.wantPorts(ports...)
		if br := n.w.Bridge(); br.FailMode.Or("") != "secure" {
			t.Errorf("%s: fail mode %v", name, br.FailMode)
		}
		for row := range n.w.VSW.OpenVSwitch.All() {
			if row.OtherConfig["vlan-limit"] != "0" {
				t.Errorf("%s: other_config of the switch: %v", name, row.OtherConfig)
			}
		}
		self := n.w.Self()
		if self == nil || len(self.Encaps) != 2 || n.w.SB.Encap.Get(self.Encaps[0]).IP != "192.0.2.1" {
			t.Errorf("%s: chassis %+v", name, self)
		}
		pb := n.w.SB.PortBinding.Get(n.id["vm1"])
		if pb.Chassis != n.w.SelfID() || !pb.Up.V {
			t.Errorf("%s: the port is bound to %v, up %v", name, pb.Chassis, pb.Up)
		}
		if row := n.w.VSW.InterfaceByName.One("if-vm1"); row.ExternalIDs["ovn-installed"] != "true" {
			t.Errorf("%s: the interface is not marked as installed", name)
		}
		if n.w.Datapath() == nil {
			t.Errorf("%s: there is no row for the bridge's datapath", name)
		}
		// Open vSwitch 3.1 can have three.
		for i := range int64(255) {
			row := n.w.VSW.FlowTable.Get(n.w.Bridge().FlowTables[i])
			if row == nil || fmt.Sprint(row.Prefixes) != "[ip_dst ip_src ipv6_src]" {
				t.Errorf("%s: table %d has %+v", name, i, row)
				break
			}
		}
		if n.w.VSW.PortByName.One("patch-ln-to-br-int") == nil {
			t.Errorf("%s: the peer of the patch port is missing", name)
		}
		if diff := difference(before, n.text()); diff != "" {
			t.Errorf("%s: the rules are others:\n%s", name, diff)
		}
		if t.Failed() {
			return
		}
	}
}

// TestClaimedAnewInstalledAnew: what was left of an earlier claim does not say that
// the rules of this one are in the switch; after a restart with the claim kept it does.
func TestClaimedAnewInstalledAnew(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.settle()
	since := func() string {
		row := n.w.VSW.InterfaceByName.One("if-vm1")
		if row.ExternalIDs["ovn-installed"] != "true" {
			t.Fatalf("not installed: %v", row.ExternalIDs)
		}
		return row.ExternalIDs["ovn-installed-ts"]
	}
	mark := func() { // a time that nobody else writes
		n.changeVSW(func(tx *idl.Tx) {
			id := n.w.VSW.InterfaceByName.One("if-vm1").UUID
			tx.Mutate("Interface", id, "external_ids", "delete", []string{"ovn-installed-ts"})
			tx.Mutate("Interface", id, "external_ids", "insert", map[string]string{"ovn-installed-ts": "1"})
		})
		n.settle()
	}
	mark()
	n.changeSB(func(tx *idl.Tx) { tx.Update("Port_Binding", n.id["vm1"], map[string]any{"up": false}) })
	n.settle()
	if since() != "1" {
		t.Error("marked again though it was not claimed again")
	}
	n.changeSB(func(tx *idl.Tx) {
		tx.Update("Port_Binding", n.id["vm1"], map[string]any{"chassis": []any{}, "up": false})
	})
	n.settle()
	n.settle()
	if since() == "1" {
		t.Error("claimed again, but not marked again")
	}
}
