package mirror

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a chassis with a switch whose ports vm1 and vm2 are here.
type bench struct {
	*nodetest.Chassis
	t    *testing.T
	node *Mirrors
	ls   ovsdb.UUID
	vm   map[string]ovsdb.UUID
}

func newBench(t *testing.T) *bench {
	b := &bench{Chassis: nodetest.New(t), t: t, vm: map[string]ovsdb.UUID{}}
	b.node = New(b.World, b.Ports, b.Ifaces)
	b.OnRun = func() {
		b.node.OnRows()
		b.node.OnPorts()
		b.node.OnOVS()
	}
	b.ls = b.Switch(1)
	for i, name := range []string{"vm1", "vm2"} {
		b.vm[name] = b.Port(b.ls, name, int64(i+1), nil)
		b.Plug(name, int64(i+1))
	}
	return b
}

// mirror makes a Mirror row for ports.
func (b *bench) mirror(name, typ, filter, sink string, ports ...string) (id ovsdb.UUID) {
	b.t.Helper()
	var row ovsdb.NamedUUID
	r := b.SB(func(tx *idl.Tx) {
		row = tx.Insert("Mirror", map[string]any{"name": name, "type": typ, "filter": filter, "sink": sink, "index": 7})
		for _, p := range ports {
			tx.Mutate("Port_Binding", b.vm[p], "mirror_rules", "insert", []any{row})
		}
	})
	return r.UUID(row)
}

// settle writes until nothing is left to write, and returns the mirrors as text:
// name, ports from which, ports to which, output port with its interface.
func (b *bench) settle() string {
	b.t.Helper()
	for range 2 {
		if b.node.Pending() {
			b.VSW(b.node.Write)
		}
	}
	if b.node.Pending() {
		b.VSW(b.node.Write)
		if b.node.Pending() {
			b.t.Fatal("the node does not come to rest")
		}
	}
	var lines []string
	ports := func(ids ...ovsdb.UUID) string {
		var names []string
		for _, id := range ids {
			names = append(names, b.World.VSW.Port.Get(id).Name)
		}
		slices.Sort(names)
		return strings.Join(names, "+")
	}
	for _, id := range b.World.Bridge().Mirrors {
		m := b.World.VSW.Mirror.Get(id)
		line := fmt.Sprintf("%s from %s to %s into ", m.Name, ports(m.SelectSrcPort...), ports(m.SelectDstPort...))
		if p := b.World.VSW.Port.Get(m.OutputPort); p != nil {
			in := b.World.VSW.Interface.Get(p.Interfaces[0])
			line += fmt.Sprintf("%s %s %v", p.Name, in.Type, in.Options)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (b *bench) want(what, want string) {
	b.t.Helper()
	if got := b.settle(); got != want {
		b.t.Errorf("%s: mirrors are\n%s\nwant\n%s", what, got, want)
	}
}

func (b *bench) refused(want ...string) {
	b.t.Helper()
	got := b.World.Refusals()
	if len(got) != len(want) {
		b.t.Fatalf("refused are %v, want %q", got, want)
	}
	for i, w := range want {
		if got[i].Table != "Mirror" || got[i].Text != w {
			b.t.Errorf("refused is %v, want %s", got[i], w)
		}
	}
}

const gre = "m from  to if-vm1 into ovn-m gre map[key:7 remote_ip:192.0.2.99]"

func TestTunnels(t *testing.T) {
	b := newBench(t)
	m := b.mirror("m", "gre", "to-lport", "192.0.2.99", "vm1")
	b.mirror("e6", "erspan", "from-lport", "2001:db8::9", "vm1", "vm2")
	b.mirror("unused", "gre", "to-lport", "192.0.2.98")
	const e6 = "e6 from if-vm1+if-vm2 to  into ovn-e6 ip6erspan map[erspan_idx:7 erspan_ver:1 key:7 remote_ip:2001:db8::9]\n"
	b.want("at first", e6+gre)

	b.SB(func(tx *idl.Tx) {
		tx.Update("Mirror", m, map[string]any{"sink": "192.0.2.7", "index": 8, "filter": "from-lport"})
	})
	b.want("changed", e6+"m from if-vm1 to  into ovn-m gre map[key:8 remote_ip:192.0.2.7]")
	b.SB(func(tx *idl.Tx) {
		tx.Update("Mirror", m, map[string]any{"sink": "192.0.2.99", "index": 7, "filter": "to-lport"})
	})

	b.Unplug("vm2")
	b.want("one port went", strings.Replace(e6, "+if-vm2", "", 1)+gre)
	b.SB(func(tx *idl.Tx) {
		tx.Update("Port_Binding", b.vm["vm1"], map[string]any{"mirror_rules": []ovsdb.UUID{m}})
	})
	b.want("nobody has it any more", gre)
	if b.World.VSW.PortByName.One("ovn-e6") != nil {
		t.Error("its tunnel is left over")
	}
	b.refused()
}

// TestRepair: what somebody else changes is put right; what is somebody else's stays.
func TestRepair(t *testing.T) {
	b := newBench(t)
	b.mirror("m", "gre", "to-lport", "192.0.2.99", "vm1")
	b.want("at first", gre)
	br := b.World.Bridge().UUID
	const theirs = "\nx from  to  into "
	b.VSW(func(tx *idl.Tx) {
		tx.Mutate("Bridge", br, "mirrors", "insert", []any{tx.Insert("Mirror", map[string]any{"name": "x"})})
	})
	for name, damage := range map[string]func(tx *idl.Tx){
		"mirror": func(tx *idl.Tx) { tx.Mutate("Bridge", br, "mirrors", "delete", []ovsdb.UUID{b.own()}) },
		"ports": func(tx *idl.Tx) {
			tx.Update("Mirror", b.own(), map[string]any{"select_dst_port": []ovsdb.UUID{}, "select_src_port": []ovsdb.UUID{b.World.VSW.PortByName.One("if-vm2").UUID}})
		},
		"tunnel": func(tx *idl.Tx) {
			tx.Mutate("Bridge", br, "ports", "delete", []ovsdb.UUID{b.World.VSW.PortByName.One("ovn-m").UUID})
		},
		"tunnel options": func(tx *idl.Tx) {
			tx.Update("Interface", b.World.VSW.InterfaceByName.One("ovn-m").UUID, map[string]any{"options": map[string]string{"remote_ip": "192.0.2.1"}})
		},
		"output": func(tx *idl.Tx) {
			tx.Update("Mirror", b.own(), map[string]any{"output_port": b.World.VSW.PortByName.One("if-vm2").UUID})
		},
		"mark of the port": func(tx *idl.Tx) { // as ovn-controllers before 24.03 leave it
			tx.Update("Port", b.World.VSW.PortByName.One("ovn-m").UUID, map[string]any{"external_ids": map[string]string{}})
		},
	} {
		b.VSW(damage)
		b.want(name, gre+theirs)
		if p := b.World.VSW.PortByName.One("ovn-m"); p.ExternalIDs[ownedKey] != "true" {
			t.Errorf("%s: the tunnel's port is not marked: %v", name, p.ExternalIDs)
		}
	}
	// A start finds nothing to do.
	again := New(b.World, b.Ports, b.Ifaces)
	tx := &idl.Tx{}
	if again.Write(tx); tx.Len() > 0 {
		t.Errorf("a new writer wrote %+v", tx)
	}
}

// own is our Mirror row.
func (b *bench) own() ovsdb.UUID {
	for row := range b.World.VSW.Mirror.All() {
		if row.Name == "m" {
			return row.UUID
		}
	}
	return ovsdb.UUID{}
}

// TestRefused: what cannot be done is named, and the rest is done.
func TestRefused(t *testing.T) {
	b := newBench(t)
	b.PlugInto(nodetest.Bridge, "ovn-taken", nil)
	taken := b.mirror("taken", "gre", "to-lport", "192.0.2.99", "vm1")
	bad := b.mirror("bad", "gre", "to-lport", "host7", "vm1")
	b.mirror("m", "gre", "to-lport", "192.0.2.99", "vm1")
	b.want("with bad ones", gre)
	b.refused(`mirror bad: sink "host7" is not an IP address`,
		`mirror taken: the name ovn-taken of its tunnel's interface is taken: rename the mirror or the interface`)
	b.SB(func(tx *idl.Tx) { // they go, and nobody has them
		tx.Update("Port_Binding", b.vm["vm1"], map[string]any{"mirror_rules": []ovsdb.UUID{}})
		tx.Delete("Mirror", bad)
		tx.Delete("Mirror", taken)
	})
	b.want("without", "")
	b.refused()
}
