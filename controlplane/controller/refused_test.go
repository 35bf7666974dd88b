package controller

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/wire"
)

// refusing is the installed Southbound schema with constraints of the test's: one index more on a table, and a largest
// value of a column.
func refusing(t testing.TB, table string, index []string, ranged, column string, largest int) string {
	t.Helper()
	path := schemaWith(t, nil)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	tables := s["tables"].(map[string]any)
	if index != nil {
		x := tables[table].(map[string]any)
		indexes, _ := x["indexes"].([]any)
		x["indexes"] = append(indexes, index)
	}
	if column != "" {
		tables[ranged].(map[string]any)["columns"].(map[string]any)[column] = map[string]any{
			"type": map[string]any{"key": map[string]any{"type": "integer", "minInteger": 1, "maxInteger": largest}}}
	}
	if text, err = json.Marshal(s); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(filepath.Dir(path), "refusing.ovsschema")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// bound tells whether a port is claimed and reported up.
func (n *network) bound(port string) bool {
	pb := n.w.SB.PortBinding.Get(n.id[port])
	return pb.Chassis == n.w.SelfID() && pb.Up.V
}

func (n *network) wantRefused(want ...string) {
	n.t.Helper()
	got := n.Status().RefusedRows
	ok := len(got) == len(want)
	for i := range got {
		ok = ok && strings.Contains(got[i].Text, want[i])
	}
	if !ok {
		n.t.Errorf("refused: %q, want %q", got, want)
	}
	for _, w := range want {
		if c := strings.Count(n.log.String(), w+" is not written"); c != 1 {
			n.t.Errorf("%d lines of the log say that %s is not written", c, w)
		}
	}
}

// TestRefusedClaim: a claim that the database does not take as long as another port is here stops no other, nor nb_cfg. It
// comes through when that port goes.
func TestRefusedClaim(t *testing.T) {
	t.Parallel()
	n := newNetworkOn(t, refusing(t, "Port_Binding", []string{"chassis", "tag"}, "", "", 0), localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.chassis("hv2", "geneve", "192.0.2.2", nil)
	n.port("sw", "vm1", 1, "", "tag=1")
	n.port("sw", "vm2", 2, "", "tag=1 chassis=hv2") // on hv1 it would be vm1's double
	n.plug("vm1", nil)
	n.settle()
	for i := range 20 {
		n.port("sw", fmt.Sprint("more", i), 10+i, "", fmt.Sprint("tag=", 10+i))
	}
	n.changeVSW(func(tx *idl.Tx) { // all at once, as at the start
		var ports []any
		for row := range n.w.SB.PortBinding.All() {
			if row.LogicalPort != "vm1" {
				in := tx.Insert("Interface", map[string]any{"name": "if-" + row.LogicalPort, "external_ids": map[string]string{"iface-id": row.LogicalPort}})
				ports = append(ports, tx.Insert("Port", map[string]any{"name": "if-" + row.LogicalPort, "interfaces": []any{in}}))
			}
		}
		tx.Mutate("Bridge", n.w.Bridge().UUID, "ports", "insert", ports)
	})
	n.settle()
	n.until("the other claims", func() bool {
		for i := range 20 {
			if !n.bound(fmt.Sprint("more", i)) {
				return false
			}
		}
		return true
	})
	n.settle()
	if n.bound("vm2") {
		t.Fatal("the database took a claim that it was to refuse")
	}
	n.wantRefused("the claim of lport vm2")
	if text := n.Status().RefusedRows[0].Text; !strings.Contains(text, "constraint violation") || !strings.Contains(text, `"Port_Binding"`) {
		t.Errorf("not the server's words: %s", text)
	}
	if n.sbErr != "" {
		t.Errorf("the database counts as failing: %s", n.sbErr)
	}
	n.unplug("vm1")
	n.until("the refused claim", func() bool { return n.bound("vm2") })
	n.settle()
	if got := n.Status().RefusedRows; len(got) > 0 {
		t.Errorf("still refused: %q", got)
	}
}

// TestRefusedStation: an operation that the database refuses by itself is left out; when it is not wanted any more, nothing
// is said of it any more.
func TestRefusedStation(t *testing.T) {
	t.Parallel()
	n := newNetworkOn(t, refusing(t, "", nil, "FDB", "port_key", 10), localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "")
	n.port("sw", "far", 20, "", "")
	n.port("sw", "near", 7, "", "")
	n.plug("vm1", nil)
	n.settle()
	mac := func(last byte) wire.MAC { return wire.MAC{2, 0, 0, 0, 0, last} }
	n.plug("near", nil) // its claim is due together with the stations
	n.Learned(punt.Pending{Stations: []punt.Station{
		{Port: punt.Key{Datapath: 1, Port: 20}, MAC: mac(1)}, {Port: punt.Key{Datapath: 1, Port: 7}, MAC: mac(2)}}})
	n.settle()
	n.until("claim and station", func() bool { return n.bound("near") && n.w.SB.FDB.Len() == 1 })
	n.settle()
	n.wantRefused("station 02:00:00:00:00:01 of datapath 1")
	n.changeSB(func(tx *idl.Tx) { tx.Delete("Port_Binding", n.id["far"]) })
	n.settle()
	if got := n.Status().RefusedRows; len(got) > 0 {
		t.Errorf("still refused: %q", got)
	}
}

// TestLostRace: another chassis was first with a neighbor. The transaction that this costs holds up no claim.
func TestLostRace(t *testing.T) {
	t.Parallel()
	sbServer := ovsdbtest.Start(t, sbSchema, "OVN_Southbound")
	sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{"options":["map",[["northd_internal_version","23.03.1-20.27.0-70.6"]]]}}]`)
	n := &network{startChassis(t, sbServer, localDB(t, localIDs)), map[string]ovsdb.UUID{}}
	n.settle()
	n.datapath("sw", "logical-switch", 1)
	n.datapath("lr", "logical-router", 3)
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.router("sw", "lr", "00:00:00:00:ff:01", "patch", "")
	n.port("sw", "vm2", 2, "", "")
	n.settle()
	// From here to Settle nobody looks at the Southbound database: the chassis does not know the other's row.
	tx := &idl.Tx{}
	in := tx.Insert("Interface", map[string]any{"name": "if-vm2", "external_ids": map[string]string{"iface-id": "vm2"}, "ofport": 77})
	port := tx.Insert("Port", map[string]any{"name": "if-vm2", "interfaces": []any{in}})
	tx.Mutate("Bridge", n.w.Bridge().UUID, "ports", "insert", []any{port})
	n.cfg.VSW.Commit(tx, nil)
	n.await("the interface", n.cfg.VSW.Ready(), func() bool {
		for {
			v, more := n.cfg.VSW.Next()
			if !more {
				return n.w.VSW.InterfaceByName.One("if-vm2") != nil
			}
			n.OnVSW(v)
		}
	})
	sbServer.Transact(`[{"op":"insert","table":"MAC_Binding","row":{"logical_port":"lr-sw","ip":"10.0.0.9","mac":"02:00:00:00:00:99",` +
		`"datapath":["uuid","` + n.id["lr"].String() + `"]}}]`)
	key := uint32(n.w.SB.PortBinding.Get(n.id["lr-sw"]).TunnelKey)
	n.Learned(punt.Pending{Neighbors: []punt.Neighbor{{NeighborKey: punt.NeighborKey{Port: punt.Key{Datapath: 3, Port: key},
		IP: netip.MustParseAddr("10.0.0.9")}, MAC: wire.MAC{2, 0, 0, 0, 0, 0x11}}}})
	n.Settle()
	if !n.sbBusy {
		t.Fatal("nothing was sent")
	}
	n.await("the answer", n.cfg.SB.Ready(), func() bool {
		if s, more := n.cfg.SB.Next(); more {
			n.OnSB(s)
		}
		return !n.sbBusy
	})
	if !n.isolation.Searching() {
		t.Fatal("the race was not lost")
	}
	if !n.sbPause.IsZero() {
		t.Error("the database is left alone for a while")
	}
	n.until("the claim", func() bool { return n.bound("vm2") })
	n.settle()
	if got := n.Status().RefusedRows; len(got) > 0 {
		t.Errorf("still refused though the other chassis's row is there: %q", got)
	}
	for row := range n.w.SB.MACBinding.All() {
		if row.MAC != "02:00:00:00:00:99" {
			t.Errorf("the other chassis's row has %s", row.MAC)
		}
	}
}
