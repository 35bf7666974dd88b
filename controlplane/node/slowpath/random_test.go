package slowpath

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// shuffle changes rows at random.
type shuffle struct {
	*topology
	r     *rand.Rand
	vms   map[string]ovsdb.UUID
	plug  map[string]bool
	cr    ovsdb.UUID
	gw    ovsdb.UUID
	binds map[string]ovsdb.UUID // Static_MAC_Binding and MAC_Binding rows
	key   int64
}

func (x *shuffle) pick(list ...string) string { return list[x.r.IntN(len(list))] }

func (x *shuffle) step() (did string) {
	x.key++
	name := x.pick("vm0", "vm1", "vm2")
	switch k := x.r.IntN(13); k {
	case 0, 1:
		if id, there := x.vms[name]; there {
			x.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", id) })
			delete(x.vms, name)
			return "delete " + name
		}
		x.vms[name] = x.Port(x.ls, name, 1000+x.key, map[string]any{"mac": []string{"0a:00:00:00:00:01 10.0.0.1"}, "chassis": x.Self})
		return "new " + name
	case 2:
		if x.plug[name] {
			x.Unplug(name)
		} else {
			x.Plug(name, 100+x.key)
		}
		x.plug[name] = !x.plug[name]
		return "plug or unplug " + name
	case 3, 4:
		if id, there := x.vms[name]; there {
			x.Set(id, x.vmRow())
		}
		return "change " + name
	case 5:
		var nat []string
		for range x.r.IntN(3) {
			nat = append(nat, fmt.Sprintf("0a:00:00:00:00:99 172.16.0.%d is_chassis_resident(%q)", x.key%250, x.pick("vm0", "vm1", "cr-rp")))
			x.key++
		}
		x.Set(x.sp, map[string]any{"nat_addresses": nat})
		return fmt.Sprint("NAT ", nat)
	case 6:
		options := map[string]string{"peer": "sp"}
		if x.r.IntN(2) == 0 {
			options = raOptions
		}
		x.Set(x.rp, map[string]any{"options": options, "tunnel_key": 1000 + x.key})
		return "router port"
	case 7:
		if x.cr.IsZero() {
			x.cr = x.Port(x.lr, "cr-rp", 1000+x.key, map[string]any{"type": "chassisredirect", "options": map[string]string{"distributed-port": "rp"}})
			return "new redirect port"
		}
		x.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", x.cr) })
		x.cr = ovsdb.UUID{}
		return "delete redirect port"
	case 8:
		x.SB(func(tx *idl.Tx) {
			ids := map[string]string{"logical-router": "x"}
			if x.r.IntN(2) == 0 {
				ids["disable_garp_rarp"] = "true"
			}
			tx.Update("Datapath_Binding", x.lr, map[string]any{"external_ids": ids, "tunnel_key": 100 + x.key})
		})
		return "router datapath"
	case 9:
		if port := x.World.VSW.PortByName.One("patch"); port != nil {
			x.VSW(func(tx *idl.Tx) {
				tx.Mutate("Bridge", x.World.Bridge().UUID, "ports", "delete", []ovsdb.UUID{port.UUID})
			})
			return "localnet port unplugged"
		}
		x.plugLocalnet()
		return "localnet port plugged"
	case 10:
		x.Set(x.gw, map[string]any{"nat_addresses": []string{fmt.Sprintf("0a:00:00:00:00:98 172.16.1.%d", x.key%250)},
			"chassis": [][]ovsdb.UUID{{}, {x.Self}}[x.r.IntN(2)]})
		return "gateway"
	default:
		return x.binding()
	}
}

func (x *shuffle) vmRow() map[string]any {
	return map[string]any{"tunnel_key": 1000 + x.key,
		"mac":     []string{x.pick("0a:00:00:00:00:01 10.0.0.1", "0a:00:00:00:00:02", "unknown", "0a:00:00:00:00:03 fd00::3")},
		"chassis": [][]ovsdb.UUID{{}, {x.Self}, {x.Self}}[x.r.IntN(3)],
		"options": []map[string]string{{}, {}, {"disable_garp_rarp": "true"}}[x.r.IntN(3)]}
}

func (x *shuffle) binding() string {
	table := x.pick("MAC_Binding", "Static_MAC_Binding")
	port, ip := x.pick("rp", "cr-rp", "vm0"), x.pick("10.0.0.7", "10.0.0.8")
	k := table + port + ip
	id, there := x.binds[k]
	hw := fmt.Sprintf("0a:00:00:00:01:%02x", x.key%256)
	switch {
	case !there:
		x.binds[k] = x.insert(table, map[string]any{"logical_port": port, "ip": ip, "mac": hw, "datapath": x.lr})
	case x.r.IntN(3) == 0:
		x.SB(func(tx *idl.Tx) { tx.Delete(table, id) })
		delete(x.binds, k)
	case table == "MAC_Binding":
		x.SB(func(tx *idl.Tx) { tx.Update(table, id, map[string]any{"mac": hw}) })
	default:
		x.SB(func(tx *idl.Tx) { tx.Update(table, id, map[string]any{"override_dynamic_mac": x.r.IntN(2) == 0}) })
	}
	return "binding " + k
}

// TestIncrementalEqualsRecompute: after any sequence of changes the slow path has
// been told what a new node would tell it of the rows as they are.
func TestIncrementalEqualsRecompute(t *testing.T) {
	x := &shuffle{topology: newTopology(t), r: rand.New(rand.NewPCG(3, 4)), vms: map[string]ovsdb.UUID{}, plug: map[string]bool{},
		binds: map[string]ovsdb.UUID{}}
	x.gw = x.Port(x.ls, "gw", 3, map[string]any{"type": "l3gateway", "options": map[string]string{"peer": "rgw", "l3gateway-chassis": nodetest.Name}})
	empty := 0
	for step := range 300 {
		did := x.step()
		got := x.text()
		if diff := cmp.Diff(x.anew(), got); diff != "" {
			t.Fatalf("step %d, %s (-anew +incremental):\n%s", step, did, diff)
		}
		if got == "" {
			empty++
		}
	}
	if empty > 150 {
		t.Errorf("the slow path knew nothing in %d of 300 steps: the sequence tests little", empty)
	}
}
