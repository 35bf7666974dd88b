package controller

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// gatewayPair makes a redirect port of a group with this chassis and hv2, whose BFD is up.
func gatewayPair(t *testing.T, members string) (n *network, owner func() ovsdb.UUID, give func(string)) {
	n = newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.datapath("lr", "logical-router", 3)
	n.chassis("hv2", "geneve", "192.0.2.2", nil)
	n.chassis("hv3", "geneve", "192.0.2.3", nil)
	n.router("sw", "lr", "00:00:00:00:ff:01_10.0.0.1/24", "patch", "chassis-redirect-port:cr")
	n.haGroup("grp", members, "")
	n.settle()
	tunnel := n.w.VSW.InterfaceByName.One("ovn-hv2-0")
	if tunnel.BFD["check_tnl_key"] != "true" {
		t.Errorf("BFD is %v: it takes the workloads' BFD for its own", tunnel.BFD)
	}
	n.changeVSW(func(tx *idl.Tx) {
		tx.Update("Interface", tunnel.UUID, map[string]any{"bfd_status": map[string]string{"state": "up"}})
	})
	n.port("lr", "cr", 9, "chassisredirect", "distributed-port:lr-sw ha_chassis_group=grp chassis=hv2 mac=00:00:00:00:ff:01_10.0.0.1/24")
	n.settle()
	owner = func() ovsdb.UUID { return n.w.SB.PortBinding.Get(n.id["cr"]).Chassis }
	give = func(chassis string) {
		n.changeSB(func(tx *idl.Tx) { tx.Update("Port_Binding", n.id["cr"], map[string]any{"chassis": n.id[chassis]}) })
	}
	return n, owner, give
}

// TestGatewayWithoutSwitch: a gateway that has lost its switch cannot tell who is
// alive. It keeps its ports, as the switch may only be restarting, and does not take
// back those that another gateway takes.
func TestGatewayWithoutSwitch(t *testing.T) {
	t.Parallel()
	n, owner, give := gatewayPair(t, "hv1=20 hv2=10")
	n.until("the claim", func() bool { return owner() == n.id["hv1"] })
	n.Switch(false)
	n.settle()
	if owner() != n.id["hv1"] {
		t.Errorf("without its switch it gave the port up: it belongs to %v", owner())
	}
	before := n.writes
	give("hv2")
	n.settle()
	for range 20 {
		n.turn()
	}
	if owner() != n.id["hv2"] || n.writes > before+2 { // nb_cfg
		t.Errorf("without its switch it took the port back: it belongs to %v, %d transactions", owner(), n.writes-before)
	}
	n.Switch(true)
	n.until("the port's return", func() bool { return owner() == n.id["hv1"] })
}

// TestGatewaysThatDisagree: two gateways that both believe to be the active one do not
// take a port from each other without pause; the preferred one insists.
func TestGatewaysThatDisagree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		members  string
		insists  bool
		liveness string
	}{{"hv1=20 hv2=10", true, "up"}, {"hv1=10 hv2=20 hv3=5", false, "down"}} {
		n, owner, give := gatewayPair(t, c.members)
		if c.liveness == "down" { // hv2 is away, another one still sees us
			n.changeVSW(func(tx *idl.Tx) {
				tx.Update("Interface", n.w.VSW.InterfaceByName.One("ovn-hv2-0").UUID, map[string]any{"bfd_status": map[string]string{"state": "down"}})
				tx.Update("Interface", n.w.VSW.InterfaceByName.One("ovn-hv3-0").UUID, map[string]any{"bfd_status": map[string]string{"state": "up"}})
			})
		}
		n.until("the claim", func() bool { return owner() == n.id["hv1"] })
		give("hv2")
		for range 50 {
			n.turn()
		}
		n.settle()
		if (owner() == n.id["hv1"]) != c.insists {
			t.Errorf("%s: the port belongs to %v a moment later", c.members, owner())
		}
		if !c.insists {
			n.until("the claim after a pause", func() bool { return owner() == n.id["hv1"] })
		}
	}
}

// TestGatewayTranslatesOrDrops: a gateway delivers what is sent to it just as long as it has the rules for NAT, which is while it is the active
// one. It still has the port for a moment when a better one comes up, and not yet when the others are gone.
func TestGatewayTranslatesOrDrops(t *testing.T) {
	t.Parallel()
	n, owner, give := gatewayPair(t, "hv1=10 hv2=20 hv3=5")
	n.multicast("lr", "flood", 0x8000, "cr")
	n.flow("lr", "snat", 7, `ip4 && is_chassis_resident("cr")`, "ct_snat(192.0.2.100);")
	bfd := func(peer, state string) {
		n.changeVSW(func(tx *idl.Tx) {
			tx.Update("Interface", n.w.VSW.InterfaceByName.One("ovn-"+peer+"-0").UUID, map[string]any{"bfd_status": map[string]string{"state": state}})
		})
	}
	bfd("hv3", "up")
	delivers := func(kind ir.OwnerKind, name string) bool {
		for _, r := range n.rules {
			if r.Owner.Kind == kind && r.Owner.UUID == n.id[name] && r.Stage == ir.LocalOutput {
				return true
			}
		}
		return false
	}
	// until is network.until, and what holds at each turn of the controller.
	until := func(what string, want bool, owned string) {
		t.Helper()
		n.until(what, func() bool {
			snat := len(n.rulesOf(ir.OwnerLogicalFlow, "snat")) > 0
			if port, flood := delivers(ir.OwnerPortBinding, "cr"), delivers(ir.OwnerMulticastGroup, "flood"); port != snat || flood != snat {
				t.Fatalf("%s: NAT %v, delivers packets %v and floods %v; the port belongs to %v", what, snat, port, flood, owner())
			}
			return snat == want && owner() == n.id[owned]
		})
	}
	until("the port of hv2", false, "hv2")
	bfd("hv2", "down")
	until("the claim of a port that hv2 has left behind", true, "hv1")
	bfd("hv2", "up")
	until("the release", false, "")
	bfd("hv2", "down")
	until("the claim of a port of nobody", true, "hv1")
	give("hv2")
	until("the port's return", true, "hv1")
	bfd("hv2", "up")
	until("the release", false, "")
	give("hv1")
	until("the release of a port that is given to a gateway which is not active", false, "")
}

// TestContainersFollow: containers are bound and released with the port that they are in.
func TestContainersFollow(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm", 1, "", "")
	n.datapath("far", "logical-switch", 2)
	n.port("far", "c1", 2, "", "parent_port=vm tag=7")
	n.plug("vm", nil)
	both := func(is func(*sb.PortBinding) bool) func() bool {
		return func() bool {
			for _, name := range []string{"vm", "c1"} {
				if row := n.w.SB.PortBinding.Get(n.id[name]); row == nil || !is(row) {
					return false
				}
			}
			return true
		}
	}
	bound := both(func(row *sb.PortBinding) bool { return row.Chassis == n.w.SelfID() && row.Up.V })
	free := both(func(row *sb.PortBinding) bool { return row.Chassis.IsZero() && !row.Up.V })
	ask := func(chassis string) {
		options := map[string]string{}
		if chassis != "" {
			options["requested-chassis"] = chassis
		}
		n.changeSB(func(tx *idl.Tx) { tx.Update("Port_Binding", n.id["vm"], map[string]any{"options": options}) })
	}
	n.until("the claims", bound)
	ask("elsewhere")
	n.until("the releases", free)
	ask("")
	n.until("the claims", bound)
}

// TestVTEPBFD: BFD runs on the tunnel to a hardware VTEP that it is configured on, while the two share a logical switch.
func TestVTEPBFD(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.chassis("tor", "vxlan", "192.0.2.7", map[string]string{"is-vtep": "true"})
	n.chassis("tor2", "vxlan", "192.0.2.8", map[string]string{"is-vtep": "true", "sluice-bfd": "true"})
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.port("sw", "tor-sw", 2, "vtep", "chassis=tor vtep-logical-switch:x vtep-physical-switch:y")
	bfd := func(tunnel, want string) {
		t.Helper()
		n.until("BFD on "+tunnel+" to be "+want, func() bool {
			row := n.w.VSW.InterfaceByName.One(tunnel)
			return row != nil && row.BFD["enable"] == want
		})
	}
	bfd("ovn-tor-0", "")
	if got := n.w.Self().OtherConfig["sluice-bfd"]; got != "true" {
		t.Errorf("sluice-bfd is %q", got)
	}
	n.changeSB(func(tx *idl.Tx) {
		tx.Update("Chassis", n.id["tor"], map[string]any{"other_config": map[string]string{"is-vtep": "true", "sluice-bfd": "true"}})
	})
	bfd("ovn-tor-0", "true")
	bfd("ovn-tor2-0", "")
	n.changeSB(func(tx *idl.Tx) { tx.Delete("Port_Binding", n.id["tor-sw"]) })
	bfd("ovn-tor-0", "")
}
