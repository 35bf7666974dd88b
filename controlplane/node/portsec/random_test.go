package portsec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// TestIncrementalEqualsRecompute: after any sequence of changes of rows the rules
// are those that a new node makes of the rows as they are.
func TestIncrementalEqualsRecompute(t *testing.T) {
	b := newBench(t)
	r := rand.New(rand.NewPCG(1, 2))
	dps := []ovsdb.UUID{b.Switch(3), b.Switch(4)}
	ports := map[string]ovsdb.UUID{}
	plugged := map[string]bool{}
	name := func() string { return fmt.Sprintf("p%d", r.IntN(5)) }
	security := func() []string {
		var out []string
		for range r.IntN(3) {
			out = append(out, someEntries[r.IntN(len(someEntries))])
		}
		out = append(out, []string{"nonsense"}[:r.IntN(2)]...)
		slices.Sort(out)
		return slices.Compact(out)
	}
	for step := range 150 {
		n := name()
		id, there := ports[n]
		did := n
		switch k := r.IntN(8); {
		case !there:
			row := map[string]any{"port_security": security()}
			if n == "p4" {
				row["parent_port"], row["tag"] = "p0", 5
			}
			did = "new port " + n
			ports[n] = b.Port(dps[r.IntN(2)], n, int64(step+1), row)
		case k == 0:
			did = "delete port " + n
			b.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", id) })
			delete(ports, n)
		case k == 1:
			did = "move " + n
			b.Set(id, map[string]any{"tunnel_key": int64(1000 + step)})
		case k == 2:
			did = "other datapath for " + n
			b.Set(id, map[string]any{"datapath": dps[r.IntN(2)], "tunnel_key": int64(1000 + step)})
		case k == 3:
			did = "datapath key"
			b.SB(func(tx *idl.Tx) {
				tx.Update("Datapath_Binding", dps[r.IntN(2)], map[string]any{"tunnel_key": int64(1000 + step)})
			})
		case k == 4:
			did = "requested-chassis of " + n
			b.Set(id, map[string]any{"options": map[string]string{"requested-chassis": []string{"", "other", nodetest.Name}[r.IntN(3)]}})
		case k == 5 && !plugged[n]:
			did = "plug " + n
			b.Plug(n, int64(step+1))
			plugged[n] = true
		case k == 5:
			did = "unplug " + n
			b.Unplug(n)
			plugged[n] = false
		default:
			did = "security of " + n
			b.Set(id, map[string]any{"port_security": security()})
		}
		if diff := cmp.Diff(b.anew(), b.text()); diff != "" {
			t.Fatalf("step %d, %s (-anew +incremental):\n%s", step, did, diff)
		}
	}
	if len(b.rules) == 0 {
		t.Error("no rules at the end: the sequence tests nothing")
	}
}
