package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// conditionLines are the conditions as text, by table, with names for rows.
func (n *network) conditionLines() string {
	names := map[ovsdb.UUID]string{}
	for name, id := range n.id {
		names[id] = name
	}
	conds := n.conditions()
	var out strings.Builder
	for _, table := range slices.Sorted(maps.Keys(conds)) {
		fmt.Fprintf(&out, "%s:", table)
		for _, c := range conds[table] {
			value := fmt.Sprint(c.Value)
			switch v := c.Value.(type) {
			case ovsdb.UUID:
				value = names[v]
			case []ovsdb.UUID:
				value = "["
				for _, id := range v {
					value += names[id]
				}
				value += "]"
			}
			fmt.Fprintf(&out, " %s %s %s;", c.Column, c.Op, value)
		}
		out.WriteString("\n")
	}
	return out.String()
}

// TestConditions: what is asked of each table before and after the chassis is registered and has a datapath.
func TestConditions(t *testing.T) {
	t.Parallel()
	sbServer := ovsdbtest.Start(t, sbSchema, "OVN_Southbound")
	sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{}}]`)
	n := &network{startChassis(t, sbServer, localDB(t, "system-id=hv1")), map[string]ovsdb.UUID{}}
	n.until("the bridge", func() bool { return n.w.Bridge() != nil })
	want := func(when, want string) {
		t.Helper()
		if got := n.conditionLines(); got != strings.TrimPrefix(want, "\n") {
			t.Errorf("%s:\n%s", when, got)
		}
	}
	n.datapath("sw", "logical-switch", 5)
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	want("not registered", `
Advertised_MAC_Binding:
Advertised_Route:
Chassis_Template_Var: chassis == hv1;
Controller_Event:
DNS:
ECMP_Nexthop:
FDB:
IGMP_Group:
IP_Multicast:
Logical_Flow: logical_dp_group != [];
MAC_Binding:
Multicast_Group:
Port_Binding: type == patch; type == chassisredirect; type == external; options includes map[ipv6_ra_send_periodic:true]; type == l2gateway; type == l3gateway; logical_port == vm1; parent_port == vm1; mirror_port == vm1;
`)
	n.setLocal("ovn-encap-ip", "192.0.2.1")
	n.setLocal("ovn-encap-type", "geneve")
	n.until("registration", func() bool { return n.bound("vm1") })
	n.id["hv1"] = n.w.SelfID()
	want("registered", `
Advertised_MAC_Binding: datapath == sw;
Advertised_Route: datapath == sw;
Chassis_Private: name == hv1;
Chassis_Template_Var: chassis == hv1;
Controller_Event: chassis == hv1;
DNS: datapaths includes [sw];
ECMP_Nexthop: datapath == sw;
FDB: dp_key == 5;
IGMP_Group: chassis == hv1;
IP_Multicast: datapath == sw;
Logical_Flow: logical_dp_group != []; logical_datapath == sw;
MAC_Binding: datapath == sw;
Multicast_Group: datapath == sw;
Port_Binding: type == patch; type == chassisredirect; type == external; options includes map[ipv6_ra_send_periodic:true]; chassis == hv1; requested_chassis == hv1; options includes map[l2gateway-chassis:hv1]; options includes map[l3gateway-chassis:hv1]; logical_port == vm1; parent_port == vm1; mirror_port == vm1; datapath == sw;
`)
	n.setLocal("ovn-monitor-all", "true")
	n.settle()
	want("everything", "")
}
