package qos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a chassis with a switch (localnet port ln, network phys) and the bridge
// br-phys of that network with interface eth1.
type bench struct {
	*nodetest.Chassis
	node *QoS
	ls   ovsdb.UUID
}

func newBench(t *testing.T) *bench {
	b := &bench{Chassis: nodetest.New(t)}
	b.Configure(map[string]string{"ovn-bridge-mappings": "phys:br-phys,other:br-other"})
	b.node = New(b.World, b.Ports, b.Local)
	b.node.Recompute()
	b.OnRun = func() {
		b.node.OnRows()
		b.node.OnPorts()
		b.node.OnDatapaths()
		b.node.OnOVS()
	}
	b.AddBridge("br-phys")
	b.PlugInto("br-phys", "eth1", map[string]any{"link_speed": int64(1e9)})
	b.ls = b.Switch(1)
	b.Port(b.ls, "ln", 1, map[string]any{"type": "localnet", "options": map[string]string{"network_name": "phys"}})
	return b
}

// vm makes a VIF of this chassis with options as "key=value".
func (b *bench) vm(name string, key int64, options ...string) ovsdb.UUID {
	b.Plug(name, 100+key)
	return b.Port(b.ls, name, key, map[string]any{"options": optionMap(options...)})
}

func optionMap(options ...string) map[string]string {
	m := map[string]string{}
	for _, o := range options {
		k, v, _ := strings.Cut(o, "=")
		m[k] = v
	}
	return m
}

// write commits what the node wants, if it has something to look at, and tells how
// many operations that were.
func (b *bench) write() (ops int) {
	if !b.node.Pending() {
		return 0
	}
	b.VSW(func(tx *idl.Tx) { b.node.Write(tx); ops = tx.Len() })
	return ops
}

// settle writes until nothing is left to write, and returns the rows as text.
func (b *bench) settle(t *testing.T) string {
	t.Helper()
	b.write()
	if n := b.write(); n != 0 || b.node.Pending() {
		t.Fatalf("%d operations in a second transaction, pending %v", n, b.node.Pending())
	}
	return b.text()
}

// refused is what is refused at present, one a line.
func (b *bench) refused() string {
	var out []string
	for _, r := range b.World.Refusals() {
		out = append(out, r.Text)
	}
	return strings.Join(out, "\n")
}

// text is every QoS with its ports and queues, and every Queue that no QoS has.
func (b *bench) text() string {
	var lines []string
	used := map[ovsdb.UUID]bool{}
	for q := range b.World.VSW.QoS.All() {
		var ports []string
		for p := range b.World.VSW.Port.All() {
			if p.QoS == q.UUID {
				ports = append(ports, p.Name)
			}
		}
		slices.Sort(ports)
		at := strings.Join(ports, "+")
		lines = append(lines, fmt.Sprintf("%s: %s %s %s", at, q.Type, sorted(q.OtherConfig), sorted(q.ExternalIDs)))
		for id, ref := range q.Queues {
			used[ref] = true
			lines = append(lines, fmt.Sprintf("%s: queue %d %s", at, id, queueText(b.World.VSW.Queue.Get(ref))))
		}
	}
	for q := range b.World.VSW.Queue.All() {
		if !used[q.UUID] {
			lines = append(lines, "orphan "+queueText(q))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func queueText(q *vsw.Queue) string { return sorted(q.OtherConfig) + " " + sorted(q.ExternalIDs) }

func sorted(m map[string]string) string {
	var words []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		words = append(words, k+"="+m[k])
	}
	return "{" + strings.Join(words, " ") + "}"
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != strings.TrimSpace(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, strings.TrimSpace(want))
	}
}
