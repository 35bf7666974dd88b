package admin

import (
	"slices"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/engine"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/lflow"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
)

func TestEngineStats(t *testing.T) {
	nodes := []*engine.Node{{Name: "SB"}, {Name: "logical_rules", Stats: engine.Stats{Recomputes: 3, Computes: 1234567}}}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "Node: SB\n- recompute:            0\n- compute:              0\n- abort:                0\n" +
			"Node: logical_rules\n- recompute:            3\n- compute:        1234567\n- abort:                0\n"},
		{[]string{"lflow_output"}, "Node: lflow_output\n- recompute:            3\n- compute:        1234567\n- abort:                0\n"},
		{[]string{"logical_flow_output", "compute"}, "1234567"},
		{[]string{"logical_rules", "recompute"}, "3"},
		{[]string{"runtime_data"}, ""}, // its node is not in this graph
	} {
		if got := engineStats(nodes, c.args); got != c.want {
			t.Errorf("%q: got\n%s\nwant\n%s", c.args, got, c.want)
		}
	}
}

func TestCacheStats(t *testing.T) {
	got := cacheStats(lflow.MemoStats{Programs: 3, Matches: 4, Peak: 9, Rotations: 2, Bytes: 1025})
	want := `Enabled: true
high-watermark  : 9
total           : 7
cache-expr      : 3
cache-matches   : 4
trim count      : 2
Mem usage (KB)  : 2
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBindingsText(t *testing.T) {
	got := bindingsText([]controller.LocalBinding{
		{Name: "a", Children: []controller.LocalPort{{Name: "c1", Kind: binding.Container}, {Name: "v1", Kind: binding.Virtual}}},
		{Name: "b"},
	})
	want := `Local bindings:
name: [a], OVS interface name : [NULL], num binding lports : [2]
no primary lport
child lport[1] : [c1], type : [CONTAINER]
child lport[2] : [v1], type : [VIRTUAL]
----------------------------------------
name: [b], OVS interface name : [NULL], num binding lports : [0]
----------------------------------------
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRefusals(t *testing.T) {
	flow := func(first byte) ir.Owner { return ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: [16]byte{first}} }
	got := refusals([]backend.Failure{
		{Rule: 1, Owner: flow(9), Kind: backend.Invalid, Detail: "OFPBMC_BAD_FIELD"},
		{Rule: 2, Owner: flow(7), Kind: backend.Full, Detail: "table full"},
		{Rule: 3, Owner: flow(3), Kind: backend.Full, Detail: "table full"},
		{Rule: 4, Owner: ir.Owner{Kind: ir.OwnerPortBinding, UUID: [16]byte{1}}, Kind: backend.Unsupported, Detail: "no tunnel metadata"},
		{Rule: 5, Kind: backend.Unsupported, Detail: "no such table"},
	})
	want := []Refusal{{"full", "table full", 2, "Logical_Flow 03000000"}, {"invalid", "OFPBMC_BAD_FIELD", 1, "Logical_Flow 09000000"},
		{"unsupported", "no such table", 1, "the pipeline itself"}, {"unsupported", "no tunnel metadata", 1, "Port_Binding 01000000"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The page names everything that is not as it should be.
func TestStatusText(t *testing.T) {
	s := Status{
		Controller: controller.Status{Hostname: "h1", Refused: "encap geneve 10.0.0.1 belongs to chassis hv9", Paused: true,
			Southbound:  controller.Database{Error: "connection refused"},
			Local:       controller.Database{Connected: true, Remote: "unix:/x", Since: time.Unix(0, 0), Schema: "8.3.1", Refusal: "no such table"},
			NbCfgDone:   -1,
			Degraded:    []controller.Degradation{{Reason: "action dns_lookup", Flows: 2, Example: "u1"}, {Reason: "bad match", Flows: 1, Example: "u2"}},
			RefusedRows: slices.Repeat([]controller.RefusedRow{{Table: "Port_Binding", Text: "lport vm: port_security \"x\""}}, 22),
			Conflicts:   []controller.Conflict{{Port: "lp1", Text: "lp1 is claimed by hv2, too"}},
			Problems:    []string{"ovn-encap-type: x"},
		},
		Switch: Switch{Error: "no such file", Refused: []Refusal{{"full", "table full", 2, "logical flow 03"}}},
		SlowPath: SlowPath{Received: map[string]uint64{"arp": 2, "dhcp": 3}, Sent: 4, Held: 1,
			Dropped: map[string]map[string]uint64{"arp": {"queue full": 7, "bad arguments": 1}}},
	}
	want := `chassis:           without a name: set external_ids:system-id (host h1), NOT registered: encap geneve 10.0.0.1 belongs to chassis hv9
paused:            yes: nothing is changed until debug/resume
southbound:        NOT connected to any server: connection refused
local:             connected to unix:/x since 1970-01-01T00:00:00Z, schema 8.3.1
  the last transaction failed: no such table
ovn-northd:        version not known
switch:            NOT connected: no such file
rules:             0, of 0 logical flows on 0 local datapaths; 0 ports, 0 conntrack zones
revision:          0, the switch has 0; nb_cfg 0, done -1
complete:          no: nothing is removed before all rows have arrived
recomputes:        0
slow path:         5 packets received, 4 sent, 0 resumed, 1 waiting for a neighbor
  1 of arp dropped: bad arguments
  7 of arp dropped: queue full
degraded flows:    3
  2: action dns_lookup (for example u1)
  1: bad match (for example u2)
refused rules:     2
  2: full: table full (for example of logical flow 03)
refused rows:      22
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  Port_Binding: lport vm: port_security "x"
  and 2 more: --output json has all
claim conflicts:   1
  lp1 is claimed by hv2, too
unmapped networks: none
refused settings:  1
  ovn-encap-type: x
`
	if got := s.Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
