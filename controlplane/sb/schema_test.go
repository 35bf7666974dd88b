package sb_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// start runs a replica until the test ends and returns when it is in step.
func start(t *testing.T, s *ovsdbtest.Server) *sb.Replica {
	t.Helper()
	return startWith(t, s, sb.Config{})
}

// startWith is start of a replica with more settings.
func startWith(t *testing.T, s *ovsdbtest.Server, cfg sb.Config) *sb.Replica {
	t.Helper()
	cfg.SessionConfig = ovsdb.SessionConfig{Remote: s.Remote, Logger: slog.New(slog.DiscardHandler)}
	r := sb.NewReplica(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-end
	})
	until(t, r, "the connection", func() bool { return r.State().Connected })
	return r
}

func until(t *testing.T, r *sb.Replica, what string, cond func() bool) {
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

// leftOutTables are in the database for ovsdb-server only.
var leftOutTables = []string{"Connection", "SSL", "RBAC_Role", "RBAC_Permission"}

// Every table and column of the installed schema is known with its type, so
// nothing of it stays at its zero value.
func TestInstalledSchemaIsKnown(t *testing.T) {
	text, err := os.ReadFile(sbSchema)
	if err != nil {
		t.Fatalf("%v (Debian package ovn-common)", err)
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
			if !strings.Contains(section, "\n  "+column+" ") {
				t.Errorf("column %s.%s is not in tables.txt", table, column)
			}
		}
	}
	// The types are compared by the replica itself: with an extra column for
	// each that is extra, whatever it misses is a column that the schema lacks.
	r := start(t, ovsdbtest.Start(t, sbSchema, "OVN_Southbound"))
	for _, missing := range r.State().Missing {
		if strings.Contains(missing, "the server's type") {
			t.Error(missing)
		}
	}
}

// writeSchema writes the installed schema without some columns and tables, and
// with a table and a column that nobody knows.
func writeSchema(t *testing.T, without ...string) string {
	t.Helper()
	text, err := os.ReadFile(sbSchema)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	tables := schema["tables"].(map[string]any)
	for _, name := range without {
		table, column, ok := strings.Cut(name, ".")
		if !ok {
			delete(tables, table)
			continue
		}
		columns := tables[table].(map[string]any)["columns"].(map[string]any)
		if columns[column] == nil {
			t.Fatalf("the schema has no %s", name)
		}
		delete(columns, column)
	}
	str := map[string]any{"type": "string"}
	tables["From_The_Future"] = map[string]any{"isRoot": true, "columns": map[string]any{"name": str}}
	tables["Chassis"].(map[string]any)["columns"].(map[string]any)["future"] = str
	delete(schema, "cksum")
	out, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "schema")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An older server lacks columns and tables, a newer one has others.
func TestOtherSchema(t *testing.T) {
	path := writeSchema(t, "Mirror", "Port_Binding.mirror_rules", "Static_MAC_Binding", "Chassis_Template_Var",
		"Port_Binding.additional_chassis", "MAC_Binding.timestamp", "Logical_Flow.tags")
	r := start(t, ovsdbtest.Start(t, path, "OVN_Southbound"))
	for _, want := range []string{"table Mirror", "table Chassis_Template_Var", "column Port_Binding.additional_chassis", "column MAC_Binding.timestamp"} {
		if !slices.Contains(r.State().Missing, want) {
			t.Errorf("%q is not in %q", want, r.State().Missing)
		}
	}
	var tx idl.Tx
	encap := tx.Insert("Encap", map[string]any{"type": "geneve", "ip": "10.0.0.1", "chassis_name": "c"})
	chassis := tx.Insert("Chassis", map[string]any{"name": "c", "hostname": "h", "encaps": []any{encap}})
	dp := tx.Insert("Datapath_Binding", map[string]any{"tunnel_key": 7})
	port := tx.Insert("Port_Binding", map[string]any{
		"logical_port": "p", "datapath": dp, "tunnel_key": 1, "chassis": chassis, "type": "",
		"additional_chassis": []any{chassis}, "up": true, "tag": 5, "parent_port": "q",
	})
	tx.Insert("Mirror", map[string]any{"name": "m"})
	var res idl.Result
	r.Commit(&tx, func(got idl.Result) { res = got })
	until(t, r, "the port", func() bool { return r.DB().PortBinding.Get(res.UUID(port)) != nil })
	if res.Err != nil || !slices.Equal(res.LeftOut, []string{"column Port_Binding.additional_chassis", "table Mirror"}) {
		t.Errorf("result %+v", res)
	}
	db := r.DB()
	p := db.PortBindingByLogicalPort.One("p")
	if p == nil || p.Chassis != res.UUID(chassis) || p.AdditionalChassis != nil || p.Tag != ovsdb.Some[int64](5) || p.Up != ovsdb.Some(true) {
		t.Fatalf("port %+v", p)
	}
	for name, found := range map[string]bool{
		"PortBindingByDatapath":      db.PortBindingByDatapath.One(res.UUID(dp)) == p,
		"PortBindingByParentPort":    db.PortBindingByParentPort.One("q") == p,
		"PortBindingByType":          db.PortBindingByType.One("") == p,
		"PortBindingByChassis":       db.PortBindingByChassis.One(res.UUID(chassis)) == p,
		"ChassisByName":              db.ChassisByName.One("c") == db.Chassis.Get(res.UUID(chassis)),
		"EncapByChassisName":         db.EncapByChassisName.One("c") == db.Encap.Get(res.UUID(encap)),
		"EncapByTypeIP":              db.EncapByTypeIP.One(sb.EncapByTypeIPKey{Type: "geneve", IP: "10.0.0.1"}) == db.Encap.Get(res.UUID(encap)),
		"DatapathBindingByTunnelKey": db.DatapathBindingByTunnelKey.One(7) == db.DatapathBinding.Get(res.UUID(dp)),
	} {
		if !found {
			t.Errorf("index %s does not find the row", name)
		}
	}
}
