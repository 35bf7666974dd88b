package portsec

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// bench is the node on a chassis, and the rules that it has made.
type bench struct {
	*nodetest.Chassis
	node  *PortSec
	set   *rules.Set
	rules map[ir.RuleID]ir.Rule
}

func newBench(t *testing.T) *bench {
	b := &bench{Chassis: nodetest.New(t), set: rules.NewSet(), rules: map[ir.RuleID]ir.Rule{}}
	b.node = New(b.World, b.Ports, b.Local, b.set)
	b.node.Recompute()
	b.OnRun = func() {
		b.node.OnRows()
		b.node.OnPorts()
		b.node.OnDatapaths()
	}
	return b
}

// text is all rules, one a line, in order.
func (b *bench) text() string {
	var d backend.Delta
	b.set.Take(&d)
	for _, id := range d.Del {
		delete(b.rules, id)
	}
	for _, r := range d.Put {
		b.rules[r.ID] = r
	}
	return text(slices.Collect(maps.Values(b.rules)))
}

func text(rs []ir.Rule) string {
	var lines []string
	for _, r := range rs {
		lines = append(lines, r.String())
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n") + "\n"
}

// anew is the text of the rules that a new node makes of the same rows.
func (b *bench) anew() string {
	set := rules.NewSet()
	New(b.World, b.Ports, b.Local, set).Recompute()
	var d backend.Delta
	set.Take(&d)
	return text(d.Put)
}

func TestRulesFollowThePort(t *testing.T) {
	b := newBench(t)
	ls := b.Switch(3)
	sec := map[string]any{"port_security": []string{"0a:00:00:00:00:01 10.0.0.4"}}
	vm := b.Port(ls, "vm", 7, sec)
	if got := b.text(); got != "\n" {
		t.Fatalf("rules of a port without interface:\n%s", got)
	}
	b.Plug("vm", 5)
	made := b.text()
	if !strings.Contains(made, "datapath=3 match(inport=7, ") || !strings.Contains(made, "match(outport=7)") {
		t.Fatalf("rules of a port with an interface:\n%s", made)
	}
	b.Set(vm, map[string]any{"tunnel_key": 8})
	if got := b.text(); got != strings.NewReplacer("inport=7", "inport=8", "outport=7", "outport=8").Replace(made) {
		t.Fatalf("rules after the tunnel key changed:\n%s", got)
	}
	b.Set(vm, map[string]any{"options": map[string]string{"requested-chassis": "other"}})
	if got := b.text(); got != "\n" {
		t.Fatalf("rules of a port of another chassis:\n%s", got)
	}
	b.Set(vm, map[string]any{"options": map[string]string{}})
	if got := b.text(); !strings.Contains(got, "inport=8") {
		t.Fatalf("no rules after the port came back:\n%s", got)
	}
	b.SB(func(tx *idl.Tx) { tx.Update("Datapath_Binding", ls, map[string]any{"tunnel_key": 4}) })
	if got := b.text(); !strings.Contains(got, "datapath=4 ") || strings.Contains(got, "datapath=3 ") {
		t.Fatalf("rules after the datapath's key changed:\n%s", got)
	}
	b.Set(vm, map[string]any{"port_security": []string{}})
	if got := b.text(); got != "\n" {
		t.Fatalf("rules of a port without security:\n%s", got)
	}
	b.Set(vm, sec)
	b.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", vm) })
	if got := b.text(); got != "\n" {
		t.Fatalf("rules of a port that is gone:\n%s", got)
	}
}

func TestKindsOfPorts(t *testing.T) {
	sec := []string{"0a:00:00:00:00:01"}
	for _, tc := range []struct {
		name string
		row  map[string]any
		plug bool
		want bool
	}{
		{"VIF", map[string]any{}, true, true},
		{"localport", map[string]any{"type": "localport"}, true, true},
		{"container", map[string]any{"parent_port": "parent", "tag": 5}, false, true},
		{"patch", map[string]any{"type": "patch"}, false, false},
		{"l3gateway", map[string]any{"type": "l3gateway", "options": map[string]string{"l3gateway-chassis": nodetest.Name}}, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			ls := b.Switch(3)
			b.Port(ls, "parent", 1, nil)
			b.Plug("parent", 1) // also makes the datapath local
			tc.row["port_security"] = sec
			b.Port(ls, "p", 7, tc.row)
			if tc.plug {
				b.Plug("p", 5)
			}
			if got := b.text() != "\n"; got != tc.want {
				t.Errorf("has rules: %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRefusedEntryIsNamedOnce(t *testing.T) {
	b := newBench(t)
	ls := b.Switch(3)
	b.Plug("vm", 5)
	b.Log()
	vm := b.Port(ls, "vm", 7, map[string]any{"port_security": []string{"0a:00:00:00:00:01 10.0.0.4", "0a:00:00:00:00:02 nonsense"}})
	const want = `WARN lport vm: port_security "0a:00:00:00:00:02 nonsense": "nonsense" is not an IP address`
	if log := b.Log(); strings.Count(log, want) != 1 {
		t.Errorf("log is %q", log)
	}
	if got := b.text(); !strings.Contains(got, "ip4.src=0xa000004") || strings.Contains(got, "0xa0000000002") {
		t.Errorf("want the rules of the good entry only:\n%s", got)
	}
	if got := b.World.Refusals(); len(got) != 1 || got[0].Table != "Port_Binding" || !strings.HasPrefix("WARN "+got[0].Text, want) {
		t.Errorf("refused are %v", got)
	}
	b.Set(vm, map[string]any{"tunnel_key": 8})
	if log := b.Log(); log != "" {
		t.Errorf("named again: %q", log)
	}
	b.Set(vm, map[string]any{"port_security": []string{"0a:00:00:00:00:02"}})
	if got := b.World.Refusals(); len(got) != 0 {
		t.Errorf("refused are %v after the correction", got)
	}
	b.Set(vm, map[string]any{"port_security": []string{"unknown"}})
	if got := b.text(); got != "\n" {
		t.Errorf("rules without any good entry:\n%s", got)
	}
	b.Log()
	b.Set(vm, map[string]any{"port_security": []string{" ", ""}})
	if got, log := b.World.Refusals(), b.Log(); len(got) != 0 || log != "" {
		t.Errorf("an empty entry is refused: %v, logged %q", got, log)
	}
	b.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", vm) })
	if got := b.World.Refusals(); len(got) != 0 {
		t.Errorf("refused are %v after the port went", got)
	}
}

// TestOtherPartsAreLeftAlone: rules of the same row that another node made stay.
func TestOtherPartsAreLeftAlone(t *testing.T) {
	b := newBench(t)
	ls := b.Switch(3)
	b.Plug("vm", 5)
	vm := b.Port(ls, "vm", 7, map[string]any{"port_security": []string{"0a:00:00:00:00:01"}})
	owner := ir.Owner{Kind: ir.OwnerPortBinding, UUID: vm}
	other := rules.Key{Owner: owner, Part: 1}
	b.set.Put(other, []ir.Rule{ir.NewRule(ir.PhyToLog, 1, 0, ir.Match{}, nil, allow, owner)})
	b.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", vm) })
	b.node.Recompute()
	if !b.set.Has(other) || b.set.Has(rules.Key{Owner: owner, Part: Part}) {
		t.Error("want the physical rules to stay and the others to go")
	}
}
