package vtep

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// FuzzSouthbound: whatever the Southbound database says, the rest is read, unless the text is no table updates at all and ends the
// connection; and what is written to both databases is derived from it without a panic.
func FuzzSouthbound(f *testing.F) {
	capability.Need(f, "ovs", sbSchema, vtepSchema)
	const (
		dp      = `["uuid","00000000-0000-0000-0000-000000000002"]`
		chassis = `["uuid","00000000-0000-0000-0000-000000000003"]`
		network = `{"SB_Global":{"00000000-0000-0000-0000-000000000001":{"insert":{}}},
			"Datapath_Binding":{"00000000-0000-0000-0000-000000000002":{"insert":{"tunnel_key":7}}},
			"Chassis":{"00000000-0000-0000-0000-000000000003":{"insert":{"name":"hv","encaps":["uuid","00000000-0000-0000-0000-000000000004"]}}},
			"Encap":{"00000000-0000-0000-0000-000000000004":{"insert":{"type":"vxlan","ip":"192.0.2.11","chassis_name":"hv"}}},
			"Port_Binding":{"00000000-0000-0000-0000-000000000005":{"insert":{"logical_port":"tor","type":"vtep","tunnel_key":1,"datapath":` + dp + `,
				"options":["map",[["vtep-physical-switch","sw"],["vtep-logical-switch","ls"]]]}},
			"00000000-0000-0000-0000-000000000006":{"insert":{"logical_port":"vm","tunnel_key":2,"mac":"02:00:00:00:00:01 10.0.0.1","chassis":` + chassis + `,"datapath":` + dp + `}}}}`
		last    = `{"SB_Global":{"00000000-0000-0000-0000-000000000001":{"insert":{"nb_cfg":99}}}}`
		switch1 = `{"Global":{"00000000-0000-0000-0000-000000000001":{"insert":{"switches":["uuid","00000000-0000-0000-0000-000000000002"]}}},
			"Physical_Switch":{"00000000-0000-0000-0000-000000000002":{"insert":{"name":"sw","tunnel_ips":"192.0.2.1","ports":["uuid","00000000-0000-0000-0000-000000000003"]}}},
			"Physical_Port":{"00000000-0000-0000-0000-000000000003":{"insert":{"name":"p","vlan_bindings":["map",[[5,["uuid","00000000-0000-0000-0000-000000000004"]]]]}}},
			"Logical_Switch":{"00000000-0000-0000-0000-000000000004":{"insert":{"name":"ls"}}}}`
	)
	for _, seed := range []string{
		`{}`,
		`{"Port_Binding":{"00000000-0000-0000-0000-000000000005":{"modify":{"options":["map",[["sluice-vtep-bindings",":,p:99999,:"],["vtep-logical-switch",""]]]}},
			"00000000-0000-0000-0000-000000000006":{"modify":{"mac":["set",["","x 1","ff:ff:ff:ff:ff:ff 10.0.0.1"]],"additional_chassis":` + chassis + `}}}}`,
		`{"Port_Binding":{"00000000-0000-0000-0000-000000000010":{"insert":{"type":"chassisredirect","logical_port":"cr-r","options":["map",[["distributed-port","r"]]],"chassis":` + chassis + `}},
			"00000000-0000-0000-0000-000000000011":{"insert":{"type":"patch","logical_port":"r","options":["map",[["peer","r"]]]}}}}`,
		`{"Chassis":{"00000000-0000-0000-0000-000000000012":{"insert":{"name":"sw","other_config":["map",[["is-vtep","true"]]]}}},"Encap":{"00000000-0000-0000-0000-000000000004":{"modify":{"ip":"fd00::1"}}}}`,
		`{"IGMP_Group":{"00000000-0000-0000-0000-000000000013":{"insert":{"address":"10.0.0.1","datapath":` + dp + `,"chassis":` + chassis + `}},
			"00000000-0000-0000-0000-000000000014":{"insert":{"address":"239.1.1.1","datapath":` + dp + `,"chassis":` + chassis + `}}}}`,
		`{"FDB":{"00000000-0000-0000-0000-000000000015":{"insert":{"mac":"02","dp_key":7,"port_key":1}}},"Datapath_Binding":{"00000000-0000-0000-0000-000000000002":{"modify":{"tunnel_key":-1}}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || text == "" || text[0] != '{' {
			return // no table updates
		}
		quiet := slog.New(slog.DiscardHandler)
		a := NewAgent(AgentConfig{Name: "sw", Switch: ovsdbtest.StartScript(t, vtepSchema, switch1).Remote,
			Southbound: ovsdbtest.StartScript(t, sbSchema, network, text, last).Remote, Log: quiet, Reconnect: quiet})
		ctx, cancel := context.WithCancel(context.Background())
		end := make(chan error, 2)
		go func() { end <- a.vtep.Run(ctx) }()
		go func() { end <- a.sb.Run(ctx) }()
		defer func() {
			cancel()
			<-end
			<-end
		}()
		limit := time.After(5 * time.Second)
		for done := false; !done; {
			a.take()
			a.plan.Settle()
			a.follow()
			a.ask()
			var down, up idl.Tx
			a.plan.Write(&down)
			(&southbound{roll: true, db: a.sb.DB(), tx: &up, taken: a.taken, seen: a.seen, log: quiet, limit: maxOps}).write(a.plan)
			a.status().Text()
			a.diff().Text()
			for g := range a.sb.DB().SBGlobal.All() {
				done = a.vtep.DB().PhysicalSwitch.Len() == 1 && (g.NBCfg == 99 || a.sb.State().Err != nil)
			}
			if done {
				break
			}
			select {
			case <-a.vtep.Ready():
			case <-a.sb.Ready():
			case <-limit:
				t.Fatalf("the last row does not arrive: %+v, %+v", a.vtep.State(), a.sb.State())
			}
		}
	})
}
