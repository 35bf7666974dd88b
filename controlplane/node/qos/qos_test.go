package qos

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

const (
	eth1 = "eth1: linux-htb {max-rate=1000000000} {ovn_qos=true}\n"
	one  = "eth1: queue 7 {burst=3 max-rate=1 min-rate=2} {ovn_port=vm}"
)

func TestQueueOfPort(t *testing.T) {
	b := newBench(t)
	vm := b.vm("vm", 5, "qdisc_queue_id=7", "qos_max_rate=1", "qos_min_rate=2", "qos_burst=3")
	want(t, "rows", b.settle(t), eth1+one)

	b.Set(vm, map[string]any{"options": optionMap("qdisc_queue_id=7", "qos_min_rate=9")})
	want(t, "rows with other rates", b.settle(t), eth1+"eth1: queue 7 {min-rate=9} {ovn_port=vm}")
	b.Set(vm, map[string]any{"options": optionMap("qdisc_queue_id=8", "qos_min_rate=9")})
	want(t, "rows with another number", b.settle(t), eth1+"eth1: queue 8 {min-rate=9} {ovn_port=vm}")
	b.vm("vm2", 6, "qdisc_queue_id=7", "qos_burst=4")
	want(t, "rows of two ports", b.settle(t), eth1+"eth1: queue 7 {burst=4} {ovn_port=vm2}\neth1: queue 8 {min-rate=9} {ovn_port=vm}")
	b.Unplug("vm")
	want(t, "rows after one has gone", b.settle(t), eth1+"eth1: queue 7 {burst=4} {ovn_port=vm2}")
	b.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", b.World.SB.PortBindingByLogicalPort.One("vm2").UUID) })
	want(t, "rows after both have gone", b.settle(t), "")
}

func TestQueueOfLocalnetPort(t *testing.T) {
	b := newBench(t)
	ln := b.World.SB.PortBindingByLogicalPort.One("ln").UUID
	b.Set(ln, map[string]any{"options": optionMap("network_name=phys", "qdisc_queue_id=1", "qos_max_rate=5")})
	want(t, "rows while the switch is not local", b.settle(t), "")
	b.vm("vm", 5)
	want(t, "rows", b.settle(t), eth1+"eth1: queue 1 {max-rate=5} {ovn_port=ln}")
	b.Unplug("vm")
	want(t, "rows when it is not local any more", b.settle(t), "")
}

// TestNetworkOfPort: the option wins over the localnet port of the switch.
func TestNetworkOfPort(t *testing.T) {
	b := newBench(t)
	b.AddBridge("br-other")
	b.PlugInto("br-other", "eth2", map[string]any{"link_speed": int64(1e9), "status": map[string]string{"driver_name": "veth"}})
	b.vm("vm", 5, "qdisc_queue_id=7", "qos_max_rate=1", "qos_physical_network=other")
	want(t, "rows", b.settle(t), `
eth2: linux-htb {max-rate=34359738360} {ovn_qos=true}
eth2: queue 7 {max-rate=1} {ovn_port=vm}`)

	b.Configure(map[string]string{"ovn-bridge-mappings": "phys:br-phys"})
	b.node.Invalidate()
	b.Log()
	want(t, "rows without the mapping", b.settle(t), "")
	if log := b.Log(); strings.Count(log, "lport vm is not shaped: no bridge with a physical interface is mapped to network other") != 1 {
		t.Errorf("log is %q", log)
	}
}

// TestNetworkFollowsTheLocalnetPort: a port without the option depends on another row.
func TestNetworkFollowsTheLocalnetPort(t *testing.T) {
	b := newBench(t)
	ln := b.World.SB.PortBindingByLogicalPort.One("ln").UUID
	b.vm("vm", 5, "qdisc_queue_id=7", "qos_max_rate=1", "qos_min_rate=2", "qos_burst=3")
	b.settle(t)
	b.Set(ln, map[string]any{"options": optionMap("network_name=other")})
	want(t, "rows with another network", b.settle(t), "")
	b.Set(ln, map[string]any{"options": optionMap("network_name=phys")})
	want(t, "rows with the network again", b.settle(t), eth1+one)
	b.Log()
	b.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", ln) })
	want(t, "rows without localnet port", b.settle(t), "")
	if log := b.Log(); !strings.Contains(log, "lport vm is not shaped: its switch has no localnet port") {
		t.Errorf("log is %q", log)
	}
}

func TestEgressInterface(t *testing.T) {
	b := newBench(t)
	b.PlugInto("br-phys", "aaa", map[string]any{"type": "internal"})
	b.PlugInto("br-phys", "aab", map[string]any{"external_ids": map[string]string{"iface-id": "somebody"}})
	b.vm("vm", 5, "qdisc_queue_id=7", "qos_max_rate=1", "qos_min_rate=2", "qos_burst=3")
	want(t, "rows", b.settle(t), eth1+one)
	dpdk := b.PlugInto("br-phys", "dpdk0", map[string]any{"type": "dpdk"})
	want(t, "rows with an interface that is not marked", b.settle(t), eth1+one)
	mark := func(on map[string]string) {
		id := b.World.VSW.Port.Get(dpdk).Interfaces[0]
		b.VSW(func(tx *idl.Tx) { tx.Update("Interface", id, map[string]any{"external_ids": on}) })
	}
	mark(map[string]string{"ovn-egress-iface": "true"})
	want(t, "rows with a marked interface", b.settle(t), `
dpdk0: linux-htb {max-rate=34359738360} {ovn_qos=true}
dpdk0: queue 7 {burst=3 max-rate=1 min-rate=2} {ovn_port=vm}`)
	mark(map[string]string{})
	want(t, "rows with the mark gone", b.settle(t), eth1+one)
}

// TestEqualRowsAreKept: also in the form in which ovn-controller writes them.
func TestEqualRowsAreKept(t *testing.T) {
	b := newBench(t)
	port := b.World.VSW.PortByName.One("eth1").UUID
	b.VSW(func(tx *idl.Tx) {
		queue := tx.Insert("Queue", map[string]any{"other_config": map[string]string{"max-rate": "1", "min-rate": "0", "burst": "0"},
			"external_ids": map[string]string{"ovn_port": "vm"}})
		row := tx.Insert("QoS", map[string]any{"type": "linux-htb", "other_config": map[string]string{"max-rate": "34359738360"},
			"external_ids": map[string]string{"ovn_qos": "true"}, "queues": map[int64]any{7: queue}})
		tx.Update("Port", port, map[string]any{"qos": row})
	})
	b.vm("vm", 5, "qdisc_queue_id=7", "qos_max_rate=1")
	if n := b.write(); n != 0 {
		t.Errorf("%d operations for rows that are right", n)
	}
}

// TestRowsOfOthers: what is not marked as ours is neither used nor removed.
func TestRowsOfOthers(t *testing.T) {
	b := newBench(t)
	port := b.World.VSW.PortByName.One("eth1").UUID
	var theirs ovsdb.NamedUUID
	r := b.VSW(func(tx *idl.Tx) {
		queue := tx.Insert("Queue", map[string]any{"other_config": map[string]string{"max-rate": "1"}})
		theirs = tx.Insert("QoS", map[string]any{"type": "linux-hfsc", "queues": map[int64]any{3: queue}})
		tx.Update("Port", port, map[string]any{"qos": theirs})
		tx.Insert("Queue", map[string]any{})
	})
	const before = "eth1: linux-hfsc {} {}\neth1: queue 3 {max-rate=1} {}\norphan {} {}"
	b.vm("vm", 5, "qdisc_queue_id=7", "qos_max_rate=1")
	b.Log()
	want(t, "rows", b.settle(t), before)
	const why = "lport vm is not shaped: port eth1 has a QoS of somebody else"
	if log := b.Log(); strings.Count(log, why) != 1 || !strings.HasPrefix(b.refused(), why) {
		t.Errorf("log is %q, refused are %s", log, b.refused())
	}
	b.VSW(func(tx *idl.Tx) { tx.Update("Port", port, map[string]any{"qos": []ovsdb.UUID{}}) })
	const free = "\n: linux-hfsc {} {}\n: queue 3 {max-rate=1} {}\n" + eth1 + "eth1: queue 7 {max-rate=1} {ovn_port=vm}\n"
	want(t, "rows when the port is free", b.settle(t), free+"orphan {} {}")
	if got := b.refused(); got != "" {
		t.Errorf("refused are %s when the port is free", got)
	}

	b.VSW(func(tx *idl.Tx) { // their queue in our QoS, our queue in theirs
		row := b.World.VSW.Port.Get(port).QoS
		ours := b.World.VSW.QoS.Get(row).Queues[7]
		tx.Mutate("QoS", row, "queues", "insert", map[int64]any{9: tx.Insert("Queue", map[string]any{"dscp": 1})})
		tx.Mutate("QoS", r.UUID(theirs), "queues", "insert", map[int64]any{5: ours})
	})
	b.vm("vm9", 9, "qdisc_queue_id=9", "qos_max_rate=1")
	want(t, "rows that are mixed up", b.settle(t), free+"eth1: queue 9 {} {}\norphan {} {}")
	want(t, "refused", b.refused(), "lport vm9 is not shaped: queue 9 of port eth1 is somebody else's")
}

// TestNoopIsReplaced: ovn-controllers before 23.06 leave such rows behind.
func TestNoopIsReplaced(t *testing.T) {
	b := newBench(t)
	port := b.World.VSW.PortByName.One("eth1").UUID
	b.VSW(func(tx *idl.Tx) {
		tx.Update("Port", port, map[string]any{"qos": tx.Insert("QoS", map[string]any{"type": "linux-noop"})})
	})
	want(t, "rows without need", b.settle(t), "eth1: linux-noop {} {}")
	b.vm("vm", 5, "qdisc_queue_id=7", "qos_max_rate=1", "qos_min_rate=2", "qos_burst=3")
	want(t, "rows", b.settle(t), ": linux-noop {} {}\n"+eth1+one)
}

func TestOrphansAreCollected(t *testing.T) {
	b := newBench(t)
	b.VSW(func(tx *idl.Tx) {
		tx.Insert("Queue", map[string]any{"external_ids": map[string]string{"ovn_port": "gone"}})
		tx.Insert("QoS", map[string]any{"type": "linux-htb", "external_ids": map[string]string{"ovn_qos": "true"}})
	})
	want(t, "rows", b.settle(t), "")
}

func TestTwoPortsWithOneQueue(t *testing.T) {
	b := newBench(t)
	b.vm("vm", 5, "qdisc_queue_id=7", "qos_max_rate=1", "qos_min_rate=2", "qos_burst=3")
	b.vm("vm2", 6, "qdisc_queue_id=7", "qos_max_rate=9")
	want(t, "rows", b.settle(t), eth1+one)
	want(t, "refused", b.refused(), "lport vm2 is not shaped: queue 7 of eth1 is that of lport vm")
}

// TestQueueChangesHands: the number of a port that went is given to another.
func TestQueueChangesHands(t *testing.T) {
	b := newBench(t)
	vm := b.vm("vm", 5, "qdisc_queue_id=7", "qos_max_rate=1")
	b.settle(t)
	b.vm("vm2", 6, "qdisc_queue_id=7", "qos_max_rate=1")
	b.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", vm) })
	want(t, "rows", b.settle(t), eth1+"eth1: queue 7 {max-rate=1} {ovn_port=vm2}")
}

func TestBrokenOptions(t *testing.T) {
	b := newBench(t)
	b.Log()
	vm := b.vm("vm", 5, "qdisc_queue_id=61441", "qos_max_rate=1")
	want(t, "rows", b.settle(t), "")
	if log := b.Log(); strings.Count(log, `lport vm is not shaped: options:qdisc_queue_id="61441" is not a number of 0 to 61440`) != 1 {
		t.Errorf("log is %q", log)
	}
	b.Set(vm, map[string]any{"options": optionMap("qdisc_queue_id=7", "qos_max_rate=-1")})
	if log := b.Log(); !strings.Contains(log, `options:qos_max_rate="-1"`) {
		t.Errorf("log is %q", log)
	}
	b.Set(vm, map[string]any{"options": optionMap("qdisc_queue_id=7")})
	want(t, "rows without any rate", b.settle(t), "")
}
