package vtepdb

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// The rows of a switch that is in order.
const (
	goodRows = `{
	"Global":{"00000000-0000-0000-0000-000000000001":{"insert":{"switches":["uuid","00000000-0000-0000-0000-000000000002"]}}},
	"Physical_Switch":{"00000000-0000-0000-0000-000000000002":{"insert":{"name":"sw","tunnel_ips":"192.0.2.1","ports":["uuid","00000000-0000-0000-0000-000000000003"]}}},
	"Physical_Port":{"00000000-0000-0000-0000-000000000003":{"insert":{"name":"p","vlan_bindings":["map",[[5,["uuid","00000000-0000-0000-0000-000000000004"]]]]}}},
	"Logical_Switch":{"00000000-0000-0000-0000-000000000004":{"insert":{"name":"ls"}}}}`
	lastRow = `{"Manager":{"00000000-0000-0000-0000-0000000000ff":{"insert":{"target":"the last"}}}}`
)

// FuzzRows: whatever a switch's database says, the rest is read, unless the text is no table updates at all and ends the connection; and
// a planner derives and writes something from it and never panics.
func FuzzRows(f *testing.F) {
	capability.Need(f, "ovs", schemaPath)
	for _, seed := range []string{
		`{}`,
		`{"Global":{"00000000-0000-0000-0000-000000000001":{"modify":{"other_config":["map",[["sluice-bfd","true"],["sluice-service-nodes",",,x"],["sluice-replication-mode","service_node"]]]}}}}`,
		`{"Physical_Switch":{"00000000-0000-0000-0000-000000000002":{"modify":{"tunnel_ips":["set",["x","192.0.2.1"]],"switch_fault_status":"unsupported_source_node_replication","tunnels":["uuid","00000000-0000-0000-0000-00000000000a"]}}},
		  "Tunnel":{"00000000-0000-0000-0000-00000000000a":{"insert":{"bfd_status":["map",[["enabled","true"]]],"remote":["uuid","00000000-0000-0000-0000-00000000000b"]}}}}`,
		`{"Ucast_Macs_Local":{"00000000-0000-0000-0000-000000000010":{"insert":{"MAC":"x","logical_switch":["uuid","00000000-0000-0000-0000-000000000004"]}}},
		  "Ucast_Macs_Remote":{"00000000-0000-0000-0000-000000000011":{"insert":{"MAC":"ff:ff:ff:ff:ff:ff"}}},
		  "Mcast_Macs_Remote":{"00000000-0000-0000-0000-000000000012":{"insert":{"MAC":"unknown-dst","locator_set":["uuid","00000000-0000-0000-0000-000000000013"]}}},
		  "Physical_Locator_Set":{"00000000-0000-0000-0000-000000000013":{"insert":{"locators":["uuid","00000000-0000-0000-0000-000000000014"]}}},
		  "Physical_Locator":{"00000000-0000-0000-0000-000000000014":{"insert":{"dst_ip":"192.0.2.11","tunnel_key":7}}}}`,
		`{"Logical_Switch":{"00000000-0000-0000-0000-000000000015":{"insert":{"name":"ls","tunnel_key":["set",[1,2]]}},"00000000-0000-0000-0000-000000000004":{"delete":null}}}`,
		`{"Physical_Port":{"00000000-0000-0000-0000-000000000003":{"modify":{"vlan_bindings":["map",[[-1,["uuid","x"]],["5",5]]],"other_config":["map",[["sluice-vlan:5b000000-0000-4000-8000-000000000001:x",""]]]}}}}`,
	} {
		f.Add(seed)
	}
	dp, hv, port, vm := ovsdb.NewUUID(), ovsdb.NewUUID(), ovsdb.NewUUID(), ovsdb.NewUUID()
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || text == "" || text[0] != '{' {
			return // no table updates
		}
		s := ovsdbtest.StartScript(t, schemaPath, goodRows, text, lastRow)
		r := rows.NewReplica(rows.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote, Logger: slog.New(slog.DiscardHandler)}})
		ctx, cancel := context.WithCancel(context.Background())
		end := make(chan error, 1)
		go func() { end <- r.Run(ctx) }()
		defer func() {
			cancel()
			<-end
		}()
		p := New(Config{DB: r.DB(), Now: time.Now, Report: func(Problem) {}})
		p.SetOwner(owner)
		p.SetDatapath(dp, 7)
		p.SetChassis(hv, &Chassis{Name: "hv", IP: "192.0.2.11", BFD: true, ServiceNode: true})
		p.SetPort(port, &Port{Name: "tor", Kind: VTEP, Datapath: dp, Key: 1, Switch: "sw", LogicalSwitch: "ls", Bindings: "p:6"})
		p.SetPort(vm, &Port{Name: "vm", Datapath: dp, Key: 2, Chassis: hv, MACs: []Address{{wire.MAC{2, 0, 0, 0, 0, 1}, ""}}})
		plan := func() (stations int) {
			p.Settle()
			var tx idl.Tx
			p.Write(&tx)
			for _, part := range tx.Parts() {
				if part.Table == "Ucast_Macs_Remote" {
					stations++
				}
			}
			p.Roll()
			p.Claims(func(Claim) bool { return true })
			p.Sightings(func(Sighting) bool { return true })
			p.Problems()
			p.Bindings()
			return stations
		}
		limit := time.After(5 * time.Second)
		for first := true; ; {
			for c, ok := r.Next(); ok; c, ok = r.Next() {
				p.OnRows(c)
				if n := plan(); first && n != 1 {
					t.Fatalf("%d stations are written at first", n)
				}
				first = false
			}
			if !first && (r.State().Err != nil || r.DB().ManagerByTarget.One("the last") != nil) {
				break
			}
			select {
			case <-r.Ready():
			case <-limit:
				t.Fatalf("the last row does not arrive: %+v", r.State())
			}
		}
		p.Withdraw()
		plan()
	})
}
