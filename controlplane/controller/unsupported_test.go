package controller

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/sb/sbtest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// sbOption sets an option of SB_Global.
func (n *network) sbOption(key, value string) {
	n.t.Helper()
	for g := range n.w.SB.SBGlobal.All() {
		n.changeSB(func(tx *idl.Tx) {
			tx.Mutate("SB_Global", g.UUID, "options", "delete", []string{key})
			tx.Mutate("SB_Global", g.UUID, "options", "insert", map[string]string{key: value})
		})
	}
}

// TestUnsupportedIsNamed: each thing that rows ask for and nothing here does is named in
// the log once and in the status as long as it is asked for.
func TestUnsupportedIsNamed(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "vif-plug-type:dummy requested_chassis=hv1")
	n.port("sw", "vm2", 2, "", "vif-plug-type:dummy") // not here: no matter of ours
	n.port("sw", "nf", 3, "", "is-nf:true nf-linked-port:vm1")
	n.datapath("lr", "logical-router", 2)
	n.router("sw", "lr", "00:00:00:00:ff:01", "patch", "dynamic-routing:true")
	n.plug("vm1", nil)
	n.plug("nf", nil)
	n.settle()
	n.changeSB(func(tx *idl.Tx) {
		tx.Update("Datapath_Binding", n.id["lr"], map[string]any{"external_ids": map[string]string{"logical-router": "x", "name": "lr", "dynamic-routing-vni": "7"}})
	})
	n.sbOption("debug_drop_collector_set", "3")
	n.chassis("hv2", "stt", "192.0.2.2", nil)
	want := []string{
		"Chassis: there is no tunnel to chassis hv2: it has the types [stt]",
		"Datapath_Binding: datapath lr: external_ids:dynamic-routing-vni=7",
		"Port_Binding: lport lr-sw: options:dynamic-routing=true",
		"Port_Binding: lport nf: options:nf-linked-port=vm1",
		"Port_Binding: lport sw-lr: options:dynamic-routing=true",
		"Port_Binding: lport vm1: options:vif-plug-type=dummy",
		"SB_Global: options:debug_drop_collector_set=3",
	}
	check := func(when string) {
		t.Helper()
		n.settle()
		got := n.Status().RefusedRows
		same := len(got) == len(want)
		for i := 0; same && i < len(got); i++ {
			same = strings.HasPrefix(got[i].Table+": "+got[i].Text, want[i])
		}
		if !same {
			t.Errorf("%s: refused rows %q, want %q", when, got, want)
		}
	}
	check("at first")
	n.Recompute("test")
	check("after a recompute")
	for _, w := range want {
		_, text, _ := strings.Cut(w, ": ")
		if c := strings.Count(n.log.String(), text); c != 1 {
			t.Errorf("%s is logged %d times", text, c)
		}
	}
	n.changeSB(func(tx *idl.Tx) {
		for _, name := range []string{"vm1", "nf"} {
			tx.Update("Port_Binding", n.id[name], map[string]any{"options": map[string]string{}})
		}
		tx.Delete("Port_Binding", n.id["lr-sw"])
		tx.Delete("Port_Binding", n.id["sw-lr"])
		tx.Update("Datapath_Binding", n.id["lr"], map[string]any{"external_ids": map[string]string{"logical-router": "x", "name": "lr"}})
		tx.Delete("Chassis", n.id["hv2"])
	})
	n.sbOption("debug_drop_collector_set", "0")
	want = nil
	check("when nothing is asked for")
}

// TestACLsThatPersist: connections of options:persist-established are not ended with their ACL, and that is said (OVN 25.03).
func TestACLsThatPersist(t *testing.T) {
	t.Parallel()
	releases := sbtest.Releases()
	n := newNetworkOn(t, releases[len(releases)-1].WriteSchema(t), localIDs)
	n.row("acl", "ACL_ID", map[string]any{"id": 7})
	n.settle()
	if got := n.Status().RefusedRows; len(got) != 1 || got[0].Table != "ACL_ID" || !strings.Contains(got[0].Text, "persist-established") {
		t.Errorf("with an ACL that persists: %q", got)
	}
	n.changeSB(func(tx *idl.Tx) { tx.Delete("ACL_ID", n.id["acl"]) })
	n.settle()
	if got := n.Status().RefusedRows; len(got) != 0 {
		t.Errorf("without: %q", got)
	}
}

// TestUnmappedIsLogged: a physical network without a bridge is in the status and, once, in the log.
func TestUnmappedIsLogged(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("pub", "logical-switch", 4)
	n.port("pub", "ln", 2, "localnet", "network_name:elsewhere")
	n.port("pub", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.settle()
	n.Recompute("test")
	n.settle()
	if s := n.Status(); len(s.Unmapped) != 1 || s.Unmapped[0] != (Unmapped{"elsewhere", "ln"}) {
		t.Errorf("unmapped: %v", s.Unmapped)
	}
	if c := strings.Count(n.log.String(), "port ln asks for the physical network"); c != 1 {
		t.Errorf("logged %d times", c)
	}
}

// TestRequestedPatchPort: a patch port that is requested here is claimed, as a transit
// switch's port to a switch is (OVN 25.03), and released when it is no longer.
func TestRequestedPatchPort(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("ts", "logical-switch", 1)
	n.port("ts", "ts-ls", 1, "patch", "peer:ls-ts requested_chassis=hv1")
	owner := func() ovsdb.UUID { return n.w.SB.PortBinding.Get(n.id["ts-ls"]).Chassis }
	n.until("the claim", func() bool { return owner() == n.id["hv1"] && n.w.SB.PortBinding.Get(n.id["ts-ls"]).Up.V })
	n.changeSB(func(tx *idl.Tx) {
		tx.Update("Port_Binding", n.id["ts-ls"], map[string]any{"requested_chassis": []ovsdb.UUID{}})
	})
	n.until("the release", func() bool { return owner().IsZero() })
}

// TestEncapOfNorthd: where options:requested-encap-ip is set the encap of a port is ovn-northd's.
func TestEncapOfNorthd(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, strings.Replace(localIDs, "ovn-encap-ip=192.0.2.1", "ovn-encap-ip=192.0.2.1,192.0.2.9", 1))
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "requested-encap-ip:192.0.2.1")
	n.port("sw", "vm2", 2, "", "") // keeps the switch local
	n.plug("vm1", nil)
	n.plug("vm2", nil)
	n.settle()
	encap := n.w.Self().Encaps[0]
	n.changeSB(func(tx *idl.Tx) { tx.Update("Port_Binding", n.id["vm1"], map[string]any{"encap": encap}) })
	n.settle()
	if got := n.w.SB.PortBinding.Get(n.id["vm1"]); got.Encap != encap || got.Chassis != n.id["hv1"] {
		t.Errorf("the port has encap %v, ovn-northd wrote %v", got.Encap, encap)
	}
	n.unplug("vm1")
	n.until("the release", func() bool { return n.w.SB.PortBinding.Get(n.id["vm1"]).Chassis.IsZero() })
	if got := n.w.SB.PortBinding.Get(n.id["vm1"]); got.Encap != encap {
		t.Errorf("the release took ovn-northd's encap away: %v", got.Encap)
	}
}

// TestMissingEncap: a chassis without tunnel type or address says why it does not register, once.
func TestMissingEncap(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"ovn-encap-type", "ovn-encap-ip"} {
		var ids []string
		for _, w := range strings.Fields(localIDs) {
			if !strings.HasPrefix(w, key+"=") {
				ids = append(ids, w)
			}
		}
		sbServer := ovsdbtest.Start(t, sbSchema, "OVN_Southbound")
		sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{}}]`)
		c := startChassis(t, sbServer, localDB(t, strings.Join(ids, " ")))
		c.until("the refusal", func() bool { return strings.Contains(c.Status().Refused, "external_ids:"+key+" names nothing") })
		c.turn()
		if n := strings.Count(c.log.String(), "external_ids:"+key+" names nothing"); n != 1 {
			t.Errorf("%s: logged %d times", key, n)
		}
		c.setLocal(key, map[string]string{"ovn-encap-type": "geneve", "ovn-encap-ip": "192.0.2.1"}[key])
		c.until("the registration", func() bool { return c.w.Self() != nil && c.Status().Refused == "" })
	}
}
