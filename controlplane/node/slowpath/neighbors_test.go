package slowpath

import (
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

func (b *bench) insert(table string, row map[string]any) ovsdb.UUID {
	var name ovsdb.NamedUUID
	r := b.SB(func(tx *idl.Tx) { name = tx.Insert(table, row) })
	return r.UUID(name)
}

func TestNeighbors(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5)
	row := func(ip, hw string) map[string]any {
		return map[string]any{"logical_port": "rp", "datapath": x.lr, "ip": ip, "mac": hw}
	}
	id := x.insert("MAC_Binding", row("10.0.0.9", "0a:00:00:00:00:09"))
	x.insert("MAC_Binding", row("fd00::9", "0a:00:00:00:00:09"))
	x.insert("MAC_Binding", row("bad", "0a:00:00:00:00:09"))
	want(t, "neighbors", x.text(), `
neighbor 2:1 10.0.0.9 at 0a:00:00:00:00:09
neighbor 2:1 fd00::9 at 0a:00:00:00:00:09`)

	x.Set(x.rp, map[string]any{"tunnel_key": 3})
	want(t, "neighbors of another key", x.text(), `
neighbor 2:3 10.0.0.9 at 0a:00:00:00:00:09
neighbor 2:3 fd00::9 at 0a:00:00:00:00:09`)

	x.SB(func(tx *idl.Tx) { tx.Update("MAC_Binding", id, map[string]any{"timestamp": 5}) })
	if n := x.node.TakeNeighbors(); len(n) != 0 {
		t.Errorf("told though only the timestamp changed: %v", n)
	}
	x.SB(func(tx *idl.Tx) { tx.Delete("MAC_Binding", id) })
	want(t, "neighbors without the row", x.text(), "neighbor 2:3 fd00::9 at 0a:00:00:00:00:09")

	x.Unplug("vm") // nothing is local any more
	want(t, "neighbors when nothing is local", x.text(), "")
	x.Plug("vm", 9)
	want(t, "neighbors when it is again", x.text(), "neighbor 2:3 fd00::9 at 0a:00:00:00:00:09")
}

// TestStaticNeighbors: a static binding gives way to a learned one unless it says otherwise.
func TestStaticNeighbors(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5)
	static := x.insert("Static_MAC_Binding", map[string]any{"logical_port": "rp", "datapath": x.lr, "ip": "10.0.0.9", "mac": "0a:00:00:00:00:01"})
	want(t, "static", x.text(), "neighbor 2:1 10.0.0.9 at 0a:00:00:00:00:01")
	x.insert("MAC_Binding", map[string]any{"logical_port": "rp", "datapath": x.lr, "ip": "10.0.0.9", "mac": "0a:00:00:00:00:02"})
	want(t, "learned", x.text(), "neighbor 2:1 10.0.0.9 at 0a:00:00:00:00:02")
	x.SB(func(tx *idl.Tx) {
		tx.Update("Static_MAC_Binding", static, map[string]any{"override_dynamic_mac": true})
	})
	want(t, "override", x.text(), "neighbor 2:1 10.0.0.9 at 0a:00:00:00:00:01")
	x.SB(func(tx *idl.Tx) { tx.Delete("Static_MAC_Binding", static) })
	want(t, "learned alone", x.text(), "neighbor 2:1 10.0.0.9 at 0a:00:00:00:00:02")
}

func TestNeighborBeforeItsPort(t *testing.T) {
	x := newTopology(t)
	x.vm("vm", 5)
	x.insert("MAC_Binding", map[string]any{"logical_port": "late", "datapath": x.lr, "ip": "10.0.0.9", "mac": "0a:00:00:00:00:02"})
	want(t, "neighbors", x.text(), "")
	late := x.Port(x.lr, "late", 9, map[string]any{"type": "patch"})
	want(t, "neighbors with the port", x.text(), "neighbor 2:9 10.0.0.9 at 0a:00:00:00:00:02")
	x.SB(func(tx *idl.Tx) { tx.Delete("Port_Binding", late) })
	want(t, "neighbors without the port", x.text(), "")
}
