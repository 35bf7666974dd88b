package controller

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// TestRulesOfPorts shows the physical rules of each type of Port_Binding
// (ovn-sb(5)) in the places where it can be, and of multicast groups and tunnels.
func TestRulesOfPorts(t *testing.T) {
	t.Parallel()
	const port, group, tunnels = ir.OwnerPortBinding, ir.OwnerMulticastGroup, ir.OwnerChassis
	type show = func(kind ir.OwnerKind, name string)
	sw := func(n *network) { // a switch that is local
		n.datapath("sw", "logical-switch", 1)
		n.port("sw", "vm1", 1, "", "")
		n.plug("vm1", nil)
	}
	physnet := func(n *network, more string) { // a switch that is local and has a physical network
		n.datapath("pub", "logical-switch", 4)
		n.port("pub", "ln", 2, "localnet", "network_name:phys "+more)
		n.port("pub", "vm1", 1, "", "")
		n.plug("vm1", nil)
	}
	golden(t, "testdata/ports.golden", map[string]func(n *network, show show){
		"VIF": func(n *network, show show) {
			sw(n)
			show(port, "vm1")
			n.unplug("vm1")
			show(port, "vm1")
		},
		"VIF on other chassis": func(n *network, show show) {
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.chassis("hv3", "vxlan", "192.0.2.3", nil)
			n.chassis("hv4", "geneve,vxlan", "2001:db8::4", nil)
			n.port("sw", "vm2", 2, "", "chassis=hv2")
			n.port("sw", "vm3", 3, "", "chassis=hv3")
			n.port("sw", "vm4", 4, "", "chassis=hv4")
			n.port("sw", "vm5", 5, "", "")
			for _, p := range []string{"vm2", "vm3", "vm4", "vm5"} {
				show(port, p)
			}
			show(tunnels, "")
		},
		"container": func(n *network, show show) {
			sw(n)
			n.datapath("sw2", "logical-switch", 2)
			n.port("sw", "near", 2, "", "parent_port=vm1 tag=10")
			n.port("sw2", "far", 1, "", "parent_port=vm1 tag=20")
			n.port("sw2", "untagged", 3, "", "parent_port=vm1")
			for _, p := range []string{"vm1", "near", "far", "untagged"} {
				show(port, p)
			}
		},
		"patch": func(n *network, show show) {
			sw(n)
			n.datapath("lr", "logical-router", 3)
			n.router("sw", "lr", "00:00:00:00:ff:01", "patch", "")
			show(port, "sw-lr")
			show(port, "lr-sw")
		},
		"patch to a gateway router": func(n *network, show show) {
			n.datapath("lr", "logical-router", 2)
			n.datapath("gw", "logical-router", 3)
			n.port("lr", "lr-gw", 1, "patch", "peer:gw-lr")
			n.port("gw", "gw-lr", 1, "l3gateway", "peer:lr-gw l3gateway-chassis:hv1")
			show(port, "lr-gw")
			show(port, "gw-lr")
		},
		"localnet": func(n *network, show show) {
			physnet(n, "")
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("pub", "vm2", 3, "", "chassis=hv2")
			show(port, "ln")
			show(port, "vm2") // is reached through the physical network
		},
		"localnet with a tag":     func(n *network, show show) { physnet(n, "tag=7"); show(port, "ln") },
		"localnet with 802.1ad":   func(n *network, show show) { physnet(n, "tag=7 ethtype:802.11ad"); show(port, "ln") },
		"localnet passes tags on": func(n *network, show show) { physnet(n, "vlan-passthru:true"); show(port, "ln") },
		"localnet without a bridge": func(n *network, show show) {
			physnet(n, "")
			n.setLocal("ovn-bridge-mappings", "other:br-phys")
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("pub", "vm2", 3, "", "chassis=hv2")
			n.multicast("pub", "flood", 32768, "vm1 vm2 ln")
			show(port, "ln")
			show(port, "vm2") // the network is not here: by tunnel, and so is its copy of a flood
			show(group, "flood")
			n.setLocal("ovn-bridge-mappings", "phys:br-later")
			show(port, "vm2")
			n.addBridge("br-later")
			show(port, "vm2")
			show(group, "flood")
		},
		"localnet with tunnels": func(n *network, show show) {
			physnet(n, "")
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("pub", "vm2", 3, "", "chassis=hv2")
			n.port("pub", "nf", 4, "", "chassis=hv2 is-nf:true")
			show(port, "nf")
			n.sbOption("always_tunnel", "true")
			show(port, "vm2")
			n.sbOption("always_tunnel", "false")
			show(port, "vm2")
		},
		"localnet without a port number": func(n *network, show show) {
			n.ofports["patch-br-int-to-ln"] = -1 // Open vSwitch cannot make it
			physnet(n, "")
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("pub", "vm2", 3, "", "chassis=hv2")
			show(port, "vm2")
		},
		"localnet with chassis MACs": func(n *network, show show) {
			physnet(n, "tag=7")
			n.setLocal("ovn-chassis-mac-mappings", "phys:aa:bb:cc:00:00:01")
			n.chassis("hv2", "geneve", "192.0.2.2", map[string]string{"ovn-chassis-mac-mappings": "phys:aa:bb:cc:00:00:02,other:aa:bb:cc:00:00:03"})
			n.datapath("lr", "logical-router", 3)
			n.router("pub", "lr", "00:00:00:00:ff:01_10.0.0.1/24", "patch", "")
			show(port, "ln")
		},
		"l2gateway": func(n *network, show show) {
			n.datapath("sw", "logical-switch", 1)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("sw", "here", 1, "l2gateway", "network_name:phys l2gateway-chassis:hv1")
			n.port("sw", "tagged", 2, "l2gateway", "network_name:phys l2gateway-chassis:hv1 tag=5")
			n.port("sw", "there", 3, "l2gateway", "network_name:phys l2gateway-chassis:hv2 chassis=hv2")
			for _, p := range []string{"here", "tagged", "there"} {
				show(port, p)
			}
		},
		"l3gateway": func(n *network, show show) {
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.datapath("gw", "logical-router", 3)
			n.datapath("gw2", "logical-router", 5)
			n.router("sw", "gw", "00:00:00:00:ff:01", "l3gateway", "l3gateway-chassis:hv1")
			n.router("sw", "gw2", "00:00:00:00:ff:02", "l3gateway", "l3gateway-chassis:hv2 chassis=hv2")
			for _, p := range []string{"sw-gw", "gw-sw", "sw-gw2"} {
				show(port, p)
			}
		},
		"localport": func(n *network, show show) {
			sw(n)
			n.port("sw", "lp", 2, "localport", "")
			show(port, "lp") // without an interface
			n.plug("lp", nil)
			show(port, "lp")
		},
		"virtual": func(n *network, show show) {
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("sw", "vip", 2, "virtual", "virtual-parents:vm1 virtual-ip:10.0.0.9 chassis=hv1 virtual_parent=vm1")
			n.port("sw", "there", 3, "virtual", "chassis=hv2 virtual_parent=x")
			show(port, "vip")
			show(port, "there")
		},
		"external": func(n *network, show show) {
			physnet(n, "")
			n.port("pub", "meta", 5, "localport", "")
			n.plug("meta", nil)
			n.haGroup("grp", "hv1=10", "")
			n.port("pub", "ext", 6, "external", "ha_chassis_group=grp mac=00:00:00:00:00:77_10.0.0.77")
			show(port, "ext")
			show(port, "ln")
		},
		"remote": func(n *network, show show) {
			n.setLocal("ovn-is-interconn", "true")
			sw(n)
			n.chassis("az2", "geneve", "192.0.2.9", map[string]string{"is-remote": "true"})
			n.port("sw", "ts-az2", 9, "remote", "chassis=az2")
			show(port, "ts-az2")
			n.multicast("sw", "_MC_flood", 32768, "vm1 ts-az2")
			show(group, "")
		},
		"vtep": func(n *network, show show) {
			sw(n)
			n.chassis("tor", "vxlan", "192.0.2.7", map[string]string{"is-vtep": "true"})
			n.port("sw", "tor-sw", 2, "vtep", "chassis=tor vtep-logical-switch:x vtep-physical-switch:y")
			n.datapath("lr", "logical-router", 3)
			n.router("sw", "lr", "00:00:00:00:ff:01", "patch", "")
			n.multicast("sw", "_MC_flood", 32768, "vm1 tor-sw sw-lr")
			show(port, "tor-sw")
			show(group, "")
			show(tunnels, "")
		},
		"service node of a vtep": func(n *network, show show) {
			n.setLocal("sluice-service-node", "true")
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("sw", "vm2", 3, "", "chassis=hv2")
			n.chassis("tor", "vxlan", "192.0.2.7", map[string]string{"is-vtep": "true", "sluice-replication": "service_node"})
			n.port("sw", "tor-sw", 2, "vtep", "chassis=tor vtep-logical-switch:x vtep-physical-switch:y")
			n.multicast("sw", "_MC_flood", 32768, "vm1 vm2 tor-sw")
			show(group, "")
			show(tunnels, "")
			n.changeSB(func(tx *idl.Tx) {
				tx.Update("Chassis", n.id["tor"], map[string]any{"other_config": map[string]string{"is-vtep": "true"}})
			})
			show(tunnels, "")
		},
		"ICMP errors from tunnels": func(n *network, show show) {
			n.writtenBy("26.03.0-21.0.0-80.0")
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.chassis("hv3", "vxlan", "192.0.2.3", nil)
			n.chassis("tor", "vxlan", "192.0.2.7", map[string]string{"is-vtep": "true"})
			n.port("sw", "vm2", 2, "", "chassis=hv2")
			show(tunnels, "")
			show(port, "vm1")
			show(port, "vm2")
			show(ir.OwnerNone, "")
			n.writtenBy("23.03.1-20.27.0-70.6")
			show(tunnels, "")
			show(port, "vm1")
		},
		"answers to other availability zones": func(n *network, show show) {
			n.setLocal("ovn-is-interconn", "true")
			n.writtenBy("25.03.0-20.41.0-78.5")
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.chassis("az2", "geneve", "192.0.2.8", map[string]string{"is-remote": "true"})
			n.chassis("az3", "geneve", "192.0.2.9", map[string]string{"is-remote": "true"})
			n.chassis("az4", "vxlan", "192.0.2.10", map[string]string{"is-remote": "true"})
			show(tunnels, "")
			n.changeSB(func(tx *idl.Tx) {
				tx.Update("Chassis", n.id["az2"], map[string]any{"other_config": map[string]string{}})
				tx.Update("Chassis", n.id["az4"], map[string]any{"other_config": map[string]string{"is-remote": "false"}})
			})
			show(tunnels, "")
			n.writtenBy("24.09.0-20.37.0-77.2") // does not flood
			show(tunnels, "")
		},
		"mirror port": func(n *network, show show) {
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.datapath("sw2", "logical-switch", 2)
			n.port("sw", "sink", 2, "", "")
			n.port("sw2", "vm3", 1, "", "chassis=hv2")
			n.port("sw2", "mp", 3, "mirror", "mirror_port=sink") // its switch becomes local by it
			n.port("sw", "vm2", 4, "", "chassis=hv2")
			n.port("sw", "mp2", 5, "mirror", "mirror_port=vm2 chassis=hv2")
			n.plug("sink", nil)
			for _, p := range []string{"mp", "mp2"} {
				show(port, p)
			}
			n.unplug("sink")
			show(port, "mp")
		},
		"chassisredirect here": func(n *network, show show) {
			physnet(n, "")
			n.datapath("lr", "logical-router", 3)
			n.router("pub", "lr", "00:00:00:00:ff:01_10.0.0.1/24", "patch", "chassis-redirect-port:cr-lr-pub")
			n.haGroup("grp", "hv1=10", "")
			n.port("lr", "cr-lr-pub", 9, "chassisredirect", "distributed-port:lr-pub ha_chassis_group=grp mac=00:00:00:00:ff:01_10.0.0.1/24")
			show(port, "cr-lr-pub")
		},
		"chassisredirect on another chassis": func(n *network, show show) {
			sw(n)
			n.datapath("lr", "logical-router", 3)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.router("sw", "lr", "00:00:00:00:ff:01_10.0.0.1/24", "patch", "chassis-redirect-port:cr-lr-sw")
			n.haGroup("grp", "hv2=10", "")
			n.port("lr", "cr-lr-sw", 9, "chassisredirect", "distributed-port:lr-sw ha_chassis_group=grp chassis=hv2 mac=00:00:00:00:ff:01_10.0.0.1/24")
			show(port, "cr-lr-sw")
		},
		"chassisredirect on one of several": func(n *network, show show) {
			sw(n)
			n.datapath("lr", "logical-router", 3)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.chassis("hv3", "geneve", "192.0.2.3", nil)
			n.router("sw", "lr", "00:00:00:00:ff:01_10.0.0.1/24", "patch", "chassis-redirect-port:cr-lr-sw")
			n.haGroup("grp", "hv2=10 hv3=20", "hv1")
			n.port("lr", "cr-lr-sw", 9, "chassisredirect", "distributed-port:lr-sw ha_chassis_group=grp chassis=hv3 mac=00:00:00:00:ff:01_10.0.0.1/24")
			show(port, "cr-lr-sw")
		},
		"chassisredirect through the physical network": func(n *network, show show) {
			physnet(n, "")
			n.datapath("lr", "logical-router", 3)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.router("pub", "lr", "00:00:00:00:ff:01_10.0.0.1/24", "patch", "chassis-redirect-port:cr-lr-pub")
			n.port("lr", "cr-lr-pub", 9, "chassisredirect", "distributed-port:lr-pub chassis=hv2 redirect-type:bridged mac=00:00:00:00:ff:09_10.0.0.1/24")
			show(port, "cr-lr-pub")
			n.setLocal("ovn-bridge-mappings", "other:br-phys")
			show(port, "cr-lr-pub") // the network is not here
		},
		"migrating away": func(n *network, show show) {
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("sw", "vm2", 2, "", "requested_chassis=hv1 requested_additional_chassis=hv2 additional_chassis=hv2 requested-chassis:hv1,hv2")
			n.plug("vm2", nil)
			n.multicast("sw", "_MC_flood", 32768, "vm1 vm2")
			show(port, "vm2")
			show(group, "")
		},
		"migrating here": func(n *network, show show) {
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("sw", "vm2", 2, "", "chassis=hv2 requested_chassis=hv2 requested_additional_chassis=hv1 requested-chassis:hv2,hv1 activation-strategy:rarp")
			n.plug("vm2", nil)
			show(port, "vm2")
		},
		"migrating here with three signs of life": func(n *network, show show) {
			sw(n)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("sw", "vm2", 2, "", "chassis=hv2 requested_chassis=hv2 requested_additional_chassis=hv1 requested-chassis:hv2,hv1 "+
				"activation-strategy:rarp,garp,na mac=00:00:00:00:00:07_10.0.0.7_fd00::7")
			n.plug("vm2", nil)
			show(port, "vm2")
		},
		"migrating with a physical network": func(n *network, show show) {
			physnet(n, "")
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("pub", "vm2", 3, "", "chassis=hv2")
			n.port("pub", "vm3", 4, "", "requested_chassis=hv1 requested_additional_chassis=hv2 additional_chassis=hv2 requested-chassis:hv1,hv2")
			n.plug("vm3", nil)
			n.changeVSW(func(tx *idl.Tx) {
				tx.Update("Interface", n.w.VSW.InterfaceByName.One("if-vm3").UUID, map[string]any{"mtu": 1500})
			})
			n.port("pub", "vm4", 5, "", "requested_chassis=hv1 requested_additional_chassis=hv2 additional_chassis=hv2 requested-chassis:hv1,hv2")
			n.plug("vm4", nil)
			show(port, "vm2")
			show(port, "vm3")
			show(port, "vm4")
		},
		"multicast groups": func(n *network, show show) {
			sw(n)
			n.datapath("lr", "logical-router", 3)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.chassis("hv3", "vxlan", "192.0.2.3", nil)
			n.chassis("hv4", "geneve", "192.0.2.4", nil)
			n.router("sw", "lr", "00:00:00:00:ff:01", "patch", "")
			n.port("sw", "vm2", 2, "", "chassis=hv2")
			n.port("sw", "vm3", 3, "", "chassis=hv3")
			n.port("sw", "vm4", 4, "", "chassis=hv4")
			n.port("sw", "near", 5, "", "parent_port=vm1 tag=10")
			n.port("sw", "lp", 6, "localport", "")
			n.plug("lp", nil)
			n.multicast("sw", "_MC_flood", 32768, "vm1 vm2 vm3 vm4 near lp sw-lr")
			n.multicast("sw", "there", 32769, "vm2 vm4")
			n.multicast("sw", "here", 33000, "vm1")
			n.multicast("lr", "other", 32770, "vm1") // a port of another datapath
			for _, g := range []string{"_MC_flood", "there", "here", "other"} {
				show(group, g)
			}
		},
		"multicast with a physical network": func(n *network, show show) {
			physnet(n, "")
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.port("pub", "vm2", 3, "", "chassis=hv2")
			n.multicast("pub", "_MC_flood", 32768, "vm1 vm2 ln")
			show(group, "")
		},
	})
}

// addBridge makes another bridge on this host.
func (c *hypervisor) addBridge(name string) {
	c.t.Helper()
	c.changeVSW(func(tx *idl.Tx) {
		for row := range c.w.VSW.OpenVSwitch.All() {
			tx.Mutate("Open_vSwitch", row.UUID, "bridges", "insert", []any{tx.Insert("Bridge", map[string]any{"name": name})})
		}
	})
}

// setLocal sets a key of the Open_vSwitch row's external_ids.
func (c *hypervisor) setLocal(k, v string) {
	c.t.Helper()
	var root ovsdb.UUID
	for row := range c.w.VSW.OpenVSwitch.All() {
		root = row.UUID
	}
	c.changeVSW(func(tx *idl.Tx) {
		tx.Mutate("Open_vSwitch", root, "external_ids", "delete", []string{k})
		tx.Mutate("Open_vSwitch", root, "external_ids", "insert", map[string]string{k: v})
	})
}
