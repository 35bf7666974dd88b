package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// TestFDBOfVIF: where a localnet port learns (localnet_learn_fdb), the MAC address of a
// VIF counts as known behind that port as well; that follows the rows in any order.
func TestFDBOfVIF(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("pub", "logical-switch", 4)
	n.port("pub", "ln", 2, "localnet", "network_name:phys")
	n.row("of vm1", "FDB", map[string]any{"dp_key": 4, "port_key": 1, "mac": "0a:00:00:00:00:01"})
	n.row("of ln", "FDB", map[string]any{"dp_key": 4, "port_key": 2, "mac": "0a:00:00:00:00:02"})
	const inport, localnet = "inport", "localnet"
	hasInport := func(r ir.Rule) bool { return strings.Contains(r.String(), "inport=") }
	check := func(when string, want ...string) {
		t.Helper()
		n.settle()
		var got []string
		for _, r := range n.rules {
			if r.Owner.UUID == n.id["of vm1"] && r.Stage == ir.LookupFDB {
				by := localnet
				if hasInport(r) {
					by = inport
				}
				got = append(got, by)
			}
			if r.Owner.UUID == n.id["of ln"] && r.Stage == ir.LookupFDB && !hasInport(r) {
				t.Errorf("%s: what is behind the localnet port has the rule of VIFs: %s", when, r)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: lookup rules by %v, want %v", when, got, want)
		}
		before := n.text()
		n.Recompute("test")
		n.settle()
		if diff := difference(before, n.text()); diff != "" {
			t.Errorf("%s: recompute changes the rules:\n%s", when, diff)
		}
	}
	set := func(options map[string]string) {
		options["network_name"] = "phys"
		n.changeSB(func(tx *idl.Tx) { tx.Update("Port_Binding", n.id["ln"], map[string]any{"options": options}) })
	}
	n.port("pub", "other", 3, "", "")
	n.plug("other", nil)
	check("no port", inport)
	n.port("pub", "vm1", 1, "", "")
	check("no learning", inport)
	set(map[string]string{"localnet_learn_fdb": "true"})
	check("learning", inport, localnet)
	n.changeSB(func(tx *idl.Tx) { tx.Update("Port_Binding", n.id["vm1"], map[string]any{"type": "localport"}) })
	check("no VIF", inport)
	n.changeSB(func(tx *idl.Tx) { tx.Update("Port_Binding", n.id["vm1"], map[string]any{"type": ""}) })
	check("a VIF again", inport, localnet)
	set(map[string]string{})
	check("no learning any more", inport)
}
