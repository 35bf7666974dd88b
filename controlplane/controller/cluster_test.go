package controller

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// TestClusterLeaderKilled: the Southbound database is a cluster of three. Its leader is
// killed while another client has just added a port and the controller is about to write
// that it has it. Nothing is lost, and computing everything anew changes no rule.
func TestClusterLeaderKilled(t *testing.T) {
	t.Parallel()
	cluster := ovsdbtest.StartCluster(t, sbSchema, "OVN_Southbound", 3)
	n := newNetworkOf(t, cluster.Leader(), cluster.Remote(), localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm0", 100, "", "")
	n.plug("vm0", nil)
	n.settle()
	var names []string
	for round := range 3 {
		leader := cluster.Leader()
		follower := cluster.Members[slices.IndexFunc(cluster.Members, func(s *ovsdbtest.Server) bool { return s != leader })]
		name := fmt.Sprint("vm", round+1)
		names = append(names, name)
		n.plug(name, nil)
		follower.Transact(fmt.Sprintf(`[{"op":"insert","table":"Port_Binding","row":{"logical_port":%q,"datapath":["uuid","%s"],"tunnel_key":%d,"type":"","up":false}}]`,
			name, n.id["sw"], round+1))
		n.until("the port", func() bool { return n.w.SB.PortBindingByLogicalPort.One(name) != nil })
		leader.Kill()
		n.until("the claim of "+name, func() bool {
			pb := n.w.SB.PortBindingByLogicalPort.One(name)
			return pb != nil && pb.Chassis == n.w.SelfID() && pb.Up.V
		})
		leader.Restart()
	}
	n.settle()
	for _, name := range append(names, "vm0") {
		pb := n.w.SB.PortBindingByLogicalPort.One(name)
		if pb == nil || pb.Chassis != n.w.SelfID() || !pb.Up.V {
			t.Fatalf("port %s is %+v", name, pb)
		}
		n.id[name] = pb.UUID
		if len(n.rulesOf(ir.OwnerPortBinding, name)) == 0 {
			t.Errorf("port %s has no rules", name)
		}
	}
	t.Logf("connections of the controller: %+v", n.cfg.SB.State().Counters)
	before := n.text()
	n.Recompute("test")
	n.settle()
	if diff := difference(before, n.text()); diff != "" {
		t.Errorf("computing everything anew changes the rules:\n%s", diff)
	}
}
