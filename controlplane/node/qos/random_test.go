package qos

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// TestIncrementalEqualsRecompute: after any sequence of changes, what was written is
// what a new node finds right, and no more is written for it.
func TestIncrementalEqualsRecompute(t *testing.T) {
	b := newBench(t)
	b.AddBridge("br-other")
	r := rand.New(rand.NewPCG(5, 6))
	ln := b.World.SB.PortBindingByLogicalPort.One("ln").UUID
	b.vm("keep", 50) // the switch stays local
	vms := map[string]ovsdb.UUID{}
	plugged := map[string]bool{}
	shaped := 0
	for step := range 200 {
		name := fmt.Sprintf("vm%d", r.IntN(4))
		id, there := vms[name]
		did := name
		options := optionMap(fmt.Sprintf("qdisc_queue_id=%d", r.IntN(5)), fmt.Sprintf("qos_max_rate=%d", r.IntN(3)), fmt.Sprintf("qos_burst=%d", r.IntN(2)))
		if r.IntN(4) == 0 {
			options["qos_physical_network"] = []string{"phys", "other", "none"}[r.IntN(3)]
		}
		switch k := r.IntN(9); {
		case k == 0:
			did = "network of ln"
			b.Set(ln, map[string]any{"options": optionMap("network_name="+[]string{"phys", "other"}[r.IntN(2)], fmt.Sprintf("qdisc_queue_id=%d", r.IntN(2)*9), "qos_max_rate=1")})
		case k == 1:
			did = "eth2 plugged or unplugged"
			if port := b.World.VSW.PortByName.One("eth2"); port != nil {
				b.VSW(func(tx *idl.Tx) {
					tx.Mutate("Bridge", b.World.VSW.BridgeByName.One("br-other").UUID, "ports", "delete", []ovsdb.UUID{port.UUID})
				})
			} else {
				b.PlugInto("br-other", "eth2", nil)
			}
		case k == 2:
			did = name + " plugged or unplugged"
			if plugged[name] {
				b.Unplug(name)
			} else {
				b.Plug(name, int64(200+step))
			}
			plugged[name] = !plugged[name]
		case k == 3:
			did = "rows removed by hand"
			b.VSW(func(tx *idl.Tx) {
				for p := range b.World.VSW.Port.All() {
					tx.Update("Port", p.UUID, map[string]any{"qos": []ovsdb.UUID{}})
				}
			})
		case !there:
			vms[name] = b.Port(b.ls, name, int64(1000+step), map[string]any{"options": options})
		case k == 4:
			did = "delete " + name
			b.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", id) })
			delete(vms, name)
		default:
			b.Set(id, map[string]any{"options": options})
		}
		if b.settle(t) != "" {
			shaped++
		}
		anew := New(b.World, b.Ports, b.Local)
		anew.Recompute()
		tx := &idl.Tx{}
		if anew.Write(tx); tx.Len() != 0 {
			t.Fatalf("step %d, %s: a new node would write %d operations more; the rows are\n%s", step, did, tx.Len(), b.text())
		}
	}
	if shaped < 50 {
		t.Errorf("queues in %d of 200 steps: the sequence tests little", shaped)
	}
}
