package vsw_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

const schemaPath = "/usr/share/openvswitch/vswitch.ovsschema"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a replica until the test ends.
func start(t *testing.T, cfg vsw.Config) (r *vsw.Replica, until func(what string, cond func() bool)) {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	r = vsw.NewReplica(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-end
	})
	return r, func(what string, cond func() bool) {
		t.Helper()
		deadline := time.After(time.Minute)
		for !cond() {
			select {
			case <-r.Ready():
			case <-deadline:
				t.Fatalf("waited a minute for %s; %+v", what, r.State())
			}
			for _, ok := r.Next(); ok; _, ok = r.Next() {
			}
		}
	}
}

// leftOutTables are those that no chassis needs.
var leftOutTables = []string{"AutoAttach", "Flow_Table", "NetFlow", "sFlow"}

// Every table and column of the installed schema is known with its type.
func TestInstalledSchemaIsKnown(t *testing.T) {
	text, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatalf("%v (Debian package openvswitch-common)", err)
	}
	var schema struct {
		Tables map[string]struct{ Columns map[string]any }
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile("tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	extra := make(map[string][]string)
	for table, s := range schema.Tables {
		if slices.Contains(leftOutTables, table) {
			continue
		}
		_, section, ok := strings.Cut(string(known), "\n@table "+table+" ")
		if !ok {
			t.Errorf("table %s is not in tables.txt", table)
			continue
		}
		section, _, _ = strings.Cut(section, "\n@table ")
		for column := range s.Columns {
			extra[table] = append(extra[table], column)
			if !strings.Contains(section, "\n  "+column+" ") {
				t.Errorf("column %s.%s is not in tables.txt", table, column)
			}
		}
	}
	s := ovsdbtest.Start(t, schemaPath, "Open_vSwitch")
	r, until := start(t, vsw.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote}, Extra: extra})
	until("the connection", func() bool { return r.State().Connected })
	for _, missing := range r.State().Missing {
		if strings.Contains(missing, "the server's type") {
			t.Error(missing)
		}
	}
}

// A bridge with a port, written as a controller does, and the statistics that
// ovs-vswitchd rewrites, which are seen only on request.
func TestBridge(t *testing.T) {
	s := ovsdbtest.Start(t, schemaPath, "Open_vSwitch")
	r, until := start(t, vsw.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote}})
	with, untilWith := start(t, vsw.Config{
		SessionConfig: ovsdb.SessionConfig{Remote: s.Remote},
		Extra:         map[string][]string{"Interface": {"statistics"}},
	})
	var tx idl.Tx
	iface := tx.Insert("Interface", map[string]any{
		"name": "p", "type": "patch", "options": map[string]string{"peer": "q"},
		"external_ids": map[string]string{"iface-id": "lsp"}, "ofport_request": 7,
		"statistics": map[string]int64{"rx_bytes": 1 << 40},
	})
	port := tx.Insert("Port", map[string]any{"name": "p", "interfaces": iface, "tag": 5, "trunks": []int{1, 2}})
	bridge := tx.Insert("Bridge", map[string]any{"name": "br-int", "ports": []ovsdb.NamedUUID{port}, "fail_mode": "secure"})
	queue := tx.Insert("Queue", map[string]any{"dscp": 3})
	qos := tx.Insert("QoS", map[string]any{"type": "linux-htb", "queues": map[int64]ovsdb.NamedUUID{1: queue}})
	tx.Insert("Open_vSwitch", map[string]any{"bridges": bridge, "external_ids": map[string]string{"system-id": "c"}})
	var res *idl.Result // arrives before or after the rows
	r.Commit(&tx, func(got idl.Result) { res = &got })
	until("the bridge", func() bool { return res != nil && r.DB().BridgeByName.One("br-int") != nil })
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	db := r.DB()
	b, p, i := db.BridgeByName.One("br-int"), db.PortByName.One("p"), db.InterfaceByName.One("p")
	if b.UUID != res.UUID(bridge) || !slices.Equal(b.Ports, []ovsdb.UUID{p.UUID}) || b.FailMode != ovsdb.Some("secure") {
		t.Errorf("bridge %+v", b)
	}
	if p.UUID != res.UUID(port) || !slices.Equal(p.Interfaces, []ovsdb.UUID{i.UUID}) || p.Tag.V != 5 || !slices.Equal(p.Trunks, []int64{1, 2}) {
		t.Errorf("port %+v", p)
	}
	if i.UUID != res.UUID(iface) || i.Options["peer"] != "q" || i.ExternalIDs["iface-id"] != "lsp" || i.OFPortRequest.V != 7 || i.Statistics != nil {
		t.Errorf("interface %+v", i)
	}
	if q := db.QoS.Get(res.UUID(qos)); q == nil || q.Queues[1] != res.UUID(queue) || db.Queue.Get(q.Queues[1]).DSCP.V != 3 {
		t.Errorf("QoS %+v", q)
	}
	for o := range db.OpenVSwitch.All() {
		if o.ExternalIDs["system-id"] != "c" || !slices.Equal(o.Bridges, []ovsdb.UUID{b.UUID}) {
			t.Errorf("Open_vSwitch %+v", o)
		}
	}
	untilWith("the interface", func() bool { return with.DB().Interface.Len() == 1 })
	if got := with.DB().InterfaceByName.One("p").Statistics["rx_bytes"]; got != 1<<40 {
		t.Errorf("rx_bytes is %d", got)
	}
}
