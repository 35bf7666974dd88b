package controller

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// TestTunnelsOfOtherReleases: what a controller of another release has made is
// adopted and not replaced: traffic goes on, and the flows stay as they are.
func TestTunnelsOfOtherReleases(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.chassis("hv2", "geneve", "192.0.2.2", nil)
	n.settle()
	port := n.w.VSW.PortByName.One("ovn-hv2-0").UUID
	check := func(when, id, local string) {
		t.Helper()
		p := n.w.VSW.PortByName.One("ovn-hv2-0")
		in := n.w.VSW.InterfaceByName.One("ovn-hv2-0")
		if p.UUID != port || p.ExternalIDs["ovn-chassis-id"] != id || in.Options["local_ip"] != local {
			t.Errorf("%s: port %v is %v with options %v, want %v to be %s with local_ip %q", when, p.UUID, p.ExternalIDs, in.Options, port, id, local)
		}
	}
	check("OVN 23.03", "hv2@192.0.2.2", "")
	release := func(version string) {
		for g := range n.w.SB.SBGlobal.All() {
			n.changeSB(func(tx *idl.Tx) {
				tx.Update("SB_Global", g.UUID, map[string]any{"options": map[string]string{"northd_internal_version": version}})
			})
			break
		}
		n.settle()
	}
	release("26.03.90-21.8.0-90.6")
	check("OVN 26.03", "hv2@192.0.2.2%192.0.2.1", "192.0.2.1")
	release("23.03.1-20.27.0-70.6")
	check("back at OVN 23.03", "hv2@192.0.2.2", "")
}

// TestGenerationInBridge: local programs read in the integration bridge's row what
// the switch has, also when the Southbound database is not to be told.
func TestGenerationInBridge(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.settle()
	told := func() (bridge, sb int64) {
		cfg, _ := strconv.ParseInt(n.w.Bridge().ExternalIDs["ovn-nb-cfg"], 10, 64)
		return cfg, n.w.SB.ChassisPrivateByName.One("hv1").NBCfg
	}
	n.until("the generation in the bridge", func() bool { b, sb := told(); return b == sb && b > 0 })
	ids := n.w.Bridge().ExternalIDs
	if at := n.w.SB.ChassisPrivateByName.One("hv1").NBCfgTimestamp; ids["ovn-nb-cfg-ts"] != strconv.FormatInt(at, 10) || ids["ovn-startup-ts"] == "" {
		t.Errorf("the bridge has %v, Chassis_Private says %d", ids, at)
	}
	_, before := told()
	for g := range n.w.SB.SBGlobal.All() {
		n.changeSB(func(tx *idl.Tx) {
			tx.Update("SB_Global", g.UUID, map[string]any{"nb_cfg": before + 1, "options": map[string]string{"enable_chassis_nb_cfg_update": "false"}})
		})
		break
	}
	n.until("the next generation in the bridge", func() bool { b, _ := told(); return b == before+1 })
	for range 20 {
		n.turn()
	}
	if _, sb := told(); sb != before {
		t.Errorf("Chassis_Private.nb_cfg is %d, which was not wanted; before %d", sb, before)
	}
}

// TestAnnouncedByAnother: a feature that another controller announced for this
// chassis is withdrawn, as ovn-northd would rely on it; marks of others stay.
func TestAnnouncedByAnother(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.settle()
	config := map[string]string{"is-vtep": "false", "ovn-from-the-future": "true"}
	for k, v := range n.w.Self().OtherConfig {
		config[k] = v
	}
	n.changeSB(func(tx *idl.Tx) { tx.Update("Chassis", n.w.SelfID(), map[string]any{"other_config": config}) })
	n.until("the withdrawal", func() bool { return n.w.Self().OtherConfig["ovn-from-the-future"] == "" })
	if got := n.w.Self().OtherConfig["is-vtep"]; got != "false" {
		t.Errorf("is-vtep is %q", got)
	}
	if want := `Removing unsupported key \"ovn-from-the-future\" from chassis record.`; !strings.Contains(n.log.String(), want) {
		t.Errorf("not logged: %s", want)
	}
}

// TestForeignPatchPort: a pair of patch ports that somebody else made serves as well,
// and is left to him.
func TestForeignPatchPort(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("pub", "logical-switch", 4)
	n.port("pub", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.patch("br-int", "br-phys", "ln", nil)
	made := n.w.VSW.PortByName.One("patch-br-int-to-ln").UUID
	n.port("pub", "ln", 2, "localnet", "network_name:phys")
	n.settle()
	n.wantPorts("br-int", "if-vm1", "patch-br-int-to-ln")
	n.changeSB(func(tx *idl.Tx) { tx.Delete("Port_Binding", n.id["ln"]) })
	n.settle()
	if p := n.w.VSW.PortByName.One("patch-br-int-to-ln"); p == nil || p.UUID != made {
		t.Errorf("the port is %v now", p)
	}
	if typ := n.w.Bridge().DatapathType; typ != "system" {
		t.Errorf("the bridge's datapath type is %q", typ)
	}
}

// patch makes a pair of patch ports as a controller of the integration bridge br names them.
func (n *network) patch(br, phys, lport string, ids map[string]string) {
	n.t.Helper()
	here, there := "patch-"+br+"-to-"+lport, "patch-"+lport+"-to-"+br
	n.changeVSW(func(tx *idl.Tx) {
		for _, end := range [][3]string{{br, here, there}, {phys, there, here}} {
			in := tx.Insert("Interface", map[string]any{"name": end[1], "type": "patch", "options": map[string]string{"peer": end[2]}})
			port := tx.Insert("Port", map[string]any{"name": end[1], "interfaces": []any{in}, "external_ids": ids})
			tx.Mutate("Bridge", n.w.VSW.BridgeByName.One(end[0]).UUID, "ports", "insert", []any{port})
		}
	})
}

// TestPatchPortsOfAnotherController: of the patch ports with a controller's mark those
// that lead to this integration bridge are ours and go when nobody wants them, at both
// ends; those of another integration bridge of this host stay.
func TestPatchPortsOfAnotherController(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	mark := map[string]string{"ovn-localnet-port": "ln"}
	n.patch("br-other", "br-phys", "ln", mark)
	n.patch("br-int", "br-phys", "ln", mark)
	n.until("the removal of ours", func() bool { return n.w.VSW.PortByName.One("patch-br-int-to-ln") == nil })
	n.settle()
	n.wantPorts("br-int")
	for name, want := range map[string]bool{"patch-br-other-to-ln": true, "patch-ln-to-br-other": true, "patch-ln-to-br-int": false} {
		if has := n.w.VSW.PortByName.One(name) != nil; has != want {
			t.Errorf("there is a port %s: %v, want %v", name, has, want)
		}
	}
}

// TestEncapOfAnother: an address that another chassis has is left out, and when no
// other is left this chassis withdraws: packets for it must not go to its old address.
func TestEncapOfAnother(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.chassis("hv2", "geneve,vxlan", "192.0.2.2", nil)
	n.setLocal("ovn-encap-ip", "192.0.2.1,192.0.2.2,192.0.2.3")
	encaps := func() (out []string) {
		for _, id := range n.w.Self().Encaps {
			e := n.w.SB.Encap.Get(id)
			out = append(out, e.Type+" "+e.IP)
		}
		slices.Sort(out)
		return out
	}
	want := []string{"geneve 192.0.2.1", "geneve 192.0.2.3", "vxlan 192.0.2.1", "vxlan 192.0.2.3"}
	n.until("the new encaps", func() bool { return slices.Equal(encaps(), want) })
	if s := n.Status(); len(s.Problems) != 2 || !strings.Contains(s.Problems[0], "'hv2' already has encap ip '192.0.2.2'") {
		t.Errorf("the status has the problems %q", s.Problems)
	}
	n.setLocal("ovn-encap-ip", "192.0.2.2")
	n.until("the withdrawal", func() bool { return n.w.Self() == nil && n.w.SB.ChassisPrivateByName.One("hv1") == nil })
	if s := n.Status(); !strings.Contains(s.Refused, "'hv2' already has encap ip '192.0.2.2'") {
		t.Errorf("the status says %q", s.Refused)
	}
	n.setLocal("ovn-encap-ip", "192.0.2.4")
	n.until("the registration", func() bool {
		return n.w.Self() != nil && slices.Equal(encaps(), []string{"geneve 192.0.2.4", "vxlan 192.0.2.4"})
	})
}
