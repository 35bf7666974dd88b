package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// duplicate starts a chassis whose system-id another host has, with a port and a
// gateway on it and a third chassis to tunnel to.
func duplicate(t *testing.T) *network {
	sbServer, local := ovsdbtest.Start(t, sbSchema, "OVN_Southbound"), localDB(t, localIDs)
	sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{"options":["map",[["northd_internal_version","23.03.1-20.27.0-70.6"]]]}},` +
		`{"op":"insert","table":"Encap","uuid-name":"e","row":{"type":"geneve","ip":"192.0.2.77","chassis_name":"hv1"}},` +
		`{"op":"insert","table":"Chassis","uuid-name":"c","row":{"name":"hv1","hostname":"victim","encaps":["named-uuid","e"],` +
		`"other_config":["map",[["sluice-identity","another"]]]}},` +
		`{"op":"insert","table":"Chassis_Private","row":{"name":"hv1","chassis":["named-uuid","c"]}},` +
		`{"op":"insert","table":"Encap","uuid-name":"f","row":{"type":"geneve","ip":"192.0.2.2","chassis_name":"hv2"}},` +
		`{"op":"insert","table":"Chassis","row":{"name":"hv2","encaps":["named-uuid","f"]}},` +
		`{"op":"insert","table":"Datapath_Binding","uuid-name":"d","row":{"tunnel_key":1,"external_ids":["map",[["logical-switch","00000000-0000-0000-0000-000000000001"]]]}},` +
		`{"op":"insert","table":"Port_Binding","row":{"datapath":["named-uuid","d"],"logical_port":"vm1","tunnel_key":1,"chassis":["named-uuid","c"],"up":true}},` +
		`{"op":"insert","table":"Port_Binding","row":{"datapath":["named-uuid","d"],"logical_port":"gw","tunnel_key":2,"type":"l2gateway",` +
		`"options":["map",[["l2gateway-chassis","hv1"]]],"chassis":["named-uuid","c"]}}]`)
	n := &network{startChassis(t, sbServer, local), map[string]ovsdb.UUID{}}
	n.until("the refusal", func() bool {
		return n.w.Bridge() != nil && strings.Contains(n.Status().Refused, "also registered by another host: victim")
	})
	n.plug("vm1", nil)
	n.until("the ports", func() bool { return !slices.Contains(n.portsOfVictim(), nil) })
	return n
}

// portsOfVictim are the two ports' rows.
func (n *network) portsOfVictim() (ports []*sb.PortBinding) {
	for _, name := range []string{"vm1", "gw"} {
		ports = append(ports, n.w.SB.PortBindingByLogicalPort.One(name))
	}
	return ports
}

// TestDuplicateIsNobody: a chassis whose system-id is another host's does nothing in
// that host's name: it has no rules and no tunnels, nothing is resident on it, and its
// graceful exit takes nothing away from the other.
func TestDuplicateIsNobody(t *testing.T) {
	t.Parallel()
	n := duplicate(t)
	victim := n.w.Named().UUID
	for range 20 {
		n.turn()
	}
	n.until("rest", func() bool { return true })
	if len(n.rules) > 0 || n.rev > 0 {
		t.Errorf("%d rules went out with %d revisions", len(n.rules), n.rev)
	}
	if got := n.tunnelPorts("br-int"); len(got) > 0 {
		t.Errorf("there are tunnels: %v", got)
	}
	for _, pb := range n.portsOfVictim() {
		if p := n.ports.Get(pb.UUID); p.Bound || p.Resident || p.Root {
			t.Errorf("%s counts as a port of this chassis: %+v", pb.LogicalPort, p)
		}
	}
	if s := n.Status(); s.Registered {
		t.Error("the status says that it is registered")
	}
	done := false
	n.Leave(func(err error) {
		if done = true; err != nil {
			t.Error(err)
		}
	})
	n.until("the exit", func() bool { return done })
	if row := n.w.Named(); row == nil || row.UUID != victim || n.w.SB.ChassisPrivateByName.One("hv1") == nil {
		t.Error("the exit took the other host's rows away")
	}
	for _, pb := range n.portsOfVictim() {
		if pb.Chassis != victim {
			t.Errorf("the exit released the other host's port %s", pb.LogicalPort)
		}
	}
	if !n.portsOfVictim()[0].Up.V {
		t.Error("the exit took the other host's port down")
	}
}

// TestDuplicateEnds: when the other host has gone, this one registers and works.
func TestDuplicateEnds(t *testing.T) {
	t.Parallel()
	n := duplicate(t)
	n.changeSB(func(tx *idl.Tx) {
		for _, pb := range n.portsOfVictim() {
			tx.Update("Port_Binding", pb.UUID, map[string]any{"chassis": []ovsdb.UUID{}})
		}
		tx.Delete("Chassis", n.w.Named().UUID)
		tx.Delete("Chassis_Private", n.w.SB.ChassisPrivateByName.One("hv1").UUID)
	})
	n.until("the registration", func() bool { return n.w.Self() != nil && n.Status().Refused == "" })
	n.settle()
	if pb := n.portsOfVictim()[0]; pb.Chassis != n.w.SelfID() {
		t.Error("its port is not claimed")
	}
	if got := n.tunnelPorts("br-int"); len(got) != 1 {
		t.Errorf("the tunnels are %v", got)
	}
	if len(n.rules) == 0 {
		t.Error("there are no rules")
	}
}
