package controller

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// TestInterfacesWithOneName: of several interfaces of one logical port the newest
// counts, as a replacement is plugged before the old one goes; when it goes, the
// newest of the rest does. The port's rules differ in nothing else, and a controller
// that starts then takes the same interface.
func TestInterfacesWithOneName(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"", "localport"} {
		sbServer, local := ovsdbtest.Start(t, sbSchema, "OVN_Southbound"), localDB(t, localIDs)
		sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{}}]`)
		n := &network{startChassis(t, sbServer, local), map[string]ovsdb.UUID{}}
		n.settle()
		n.datapath("sw", "logical-switch", 1)
		n.port("sw", "vm0", 9, "", "") // makes the datapath local
		n.plug("vm0", nil)
		n.port("sw", "vm1", 1, typ, "")
		plug := func(name string) {
			n.changeVSW(func(tx *idl.Tx) {
				in := tx.Insert("Interface", map[string]any{"name": name, "external_ids": map[string]string{"iface-id": "vm1"}})
				port := tx.Insert("Port", map[string]any{"name": name, "interfaces": []any{in}})
				tx.Mutate("Bridge", n.w.Bridge().UUID, "ports", "insert", []any{port})
			})
		}
		unplug := func(name string) {
			port := n.w.VSW.PortByName.One(name)
			n.changeVSW(func(tx *idl.Tx) { tx.Mutate("Bridge", n.w.Bridge().UUID, "ports", "delete", []ovsdb.UUID{port.UUID}) })
		}
		var first []string
		check := func(when, want string, ignored ...string) {
			t.Helper()
			n.settle()
			rules := n.rulesOf(ir.OwnerPortBinding, "vm1")
			text := strings.Join(rules, "\n")
			if !strings.Contains(text, "to_port "+want) {
				t.Errorf("%q, %s: %s is not used:\n%s", typ, when, want, text)
			}
			for i, r := range rules {
				rules[i] = strings.ReplaceAll(r, want, "IFACE")
			}
			slices.Sort(rules)
			if first == nil {
				first = rules
			}
			if diff := difference(first, rules); diff != "" {
				t.Errorf("%q, %s: other rules than for the first interface:\n%s", typ, when, diff)
			}
			var told []string
			for _, r := range n.w.Refusals() {
				_, rest, _ := strings.Cut(r.Text, "Ignoring the configuration on interface [")
				name, _, _ := strings.Cut(rest, "]")
				told = append(told, name)
			}
			slices.Sort(told)
			if !slices.Equal(told, ignored) {
				t.Errorf("%q, %s: ignored are %v, want %v", typ, when, told, ignored)
			}
		}
		plug("b-old")
		check("one interface", "b-old")
		plug("c-new")
		check("a newer one", "c-new", "b-old")
		plug("a-newest")
		check("the newest", "a-newest", "b-old", "c-new")
		fresh := startChassis(t, sbServer, local)
		fresh.until("the start", func() bool { return fresh.complete && fresh.settled() })
		if diff := difference(n.text(), fresh.text()); diff != "" {
			t.Errorf("%q: a controller that starts has something else:\n%s", typ, diff)
		}
		unplug("b-old")
		check("without the oldest", "a-newest", "c-new")
		unplug("a-newest")
		check("without the newest", "c-new")
		unplug("c-new")
		n.settle()
		for r := range maps.Values(n.rules) {
			if r.Owner.UUID == n.id["vm1"] && strings.Contains(r.String(), "to_port") {
				t.Errorf("%q: without an interface there is %v", typ, r)
			}
		}
	}
}
