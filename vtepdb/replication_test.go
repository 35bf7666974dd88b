package vtepdb

import (
	"fmt"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// flood is the mode of the logical switch and where its unknown destinations go.
func (s *scene) flood() string {
	db := s.replica.DB()
	text := db.LogicalSwitchByName.One("ls").ReplicationMode.V
	for r := range db.McastMacsRemote.All() {
		text += fmt.Sprint(" ", sortedKeys(s.plan.flood(r)))
	}
	return text
}

func (s *scene) wantFlood(what, flood, codes string) {
	s.Helper()
	s.settle()
	if got := s.flood(); got != flood {
		s.Errorf("%s: flood is %s, want %s", what, got, flood)
	}
	if got := s.codes(); got != codes {
		s.Errorf("%s: problems are %q, want %q", what, got, codes)
	}
}

func (s *scene) fault(fault any) {
	id := s.replica.DB().PhysicalSwitchByName.One("sw").UUID
	s.change(func(tx *idl.Tx) { tx.Update("Physical_Switch", id, map[string]any{"switch_fault_status": fault}) })
}

func (s *scene) setting(key, value string) {
	global := s.global()
	s.change(func(tx *idl.Tx) {
		tx.Mutate("Global", global, "other_config", "delete", []string{key})
		if value != "" {
			tx.Mutate("Global", global, "other_config", "insert", map[string]string{key: value})
		}
	})
}

// TestServiceNode: a switch that cannot replicate is told a service node, and is remembered, as it ceases to complain; the gateway of
// a router goes before other service nodes.
func TestServiceNode(t *testing.T) {
	s := newScene(t)
	s.vm(ovsdb.NewUUID(), "vm1", s.hv1, 1)
	s.vm(ovsdb.NewUUID(), "vm2", s.hv2, 2)
	all := "[192.0.2.11 192.0.2.12]"
	s.wantFlood("at first", "source_node "+all, "")
	s.fault(noSourceNode)
	s.wantFlood("a switch that cannot", "service_node "+all, noServiceNode+" "+switchFault)
	s.fault(nil)
	s.wantFlood("a switch that is content", "service_node "+all, noServiceNode)
	s.plan = s.planner()
	s.plan.OnRows(everyRow(s.replica.DB()))
	s.wantFlood("after a restart", "service_node "+all, noServiceNode)
	if roll := s.plan.Roll(); !roll.Chassis[0].ServiceNode {
		t.Errorf("the chassis is to be %+v", roll.Chassis[0])
	}

	s.setChassis(s.hv2, &Chassis{Name: "hv2", IP: "192.0.2.12", ServiceNode: true})
	s.wantFlood("a service node", "service_node [192.0.2.12]", "")
	s.setChassis(s.hv1, &Chassis{Name: "hv1", IP: "192.0.2.11", ServiceNode: true})
	s.wantFlood("two service nodes", "service_node "+all, "")
	gateway := ovsdb.NewUUID()
	s.setPort(gateway, &Port{Name: "cr", Datapath: s.dp, Key: 9, Chassis: s.hv1, Gateway: true})
	s.wantFlood("a gateway", "service_node [192.0.2.11]", "")
	s.setPort(gateway, nil)
	s.wantFlood("no gateway", "service_node "+all, "")
	s.setting(serviceNodesKey, "192.0.2.99")
	s.setChassis(s.hv1, &Chassis{Name: "hv1", IP: "192.0.2.11"})
	s.setChassis(s.hv2, &Chassis{Name: "hv2", IP: "192.0.2.12"})
	s.wantFlood("an operator's service node", "service_node [192.0.2.99]", "")
	s.setting(serviceNodesKey, "node1")
	s.wantFlood("a name", "service_node "+all, noServiceNode+" "+UnsupportedSetting)
	s.setting(serviceNodesKey, "")

	s.setting(replicationKey, SourceNode)
	s.wantFlood("told to", "source_node "+all, "")
	s.setting(replicationKey, "")
	s.wantFlood("not told any more", "source_node "+all, "")
	s.setting(replicationKey, "both")
	s.wantFlood("told nonsense", "source_node "+all, UnsupportedSetting)
	s.setting(replicationKey, ServiceNode)
	s.wantFlood("told otherwise", "service_node "+all, noServiceNode)
	s.setting(replicationKey, "")
	s.setting("sluice-nonsense", "1")
	s.wantFlood("an unknown setting", "source_node "+all, UnsupportedSetting)
	s.setting("sluice-nonsense", "")

	s.fault(noSourceNode)
	s.settle()
	s.plan.Withdraw()
	s.settle()
	for g := range s.replica.DB().Global.All() {
		for key := range g.OtherConfig {
			if key != "test-mark" {
				t.Errorf("other_config:%s is left", key)
			}
		}
	}
}
