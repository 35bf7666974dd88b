package vtep

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb"
)

// unread are the tables that are nothing to a switch.
var unread = strings.Fields(`ACL_ID Address_Set Advertised_MAC_Binding Advertised_Route BFD Chassis_Private Chassis_Template_Var Controller_Event
	DHCP_Options DHCPv6_Options DNS ECMP_Nexthop Gateway_Chassis HA_Chassis HA_Chassis_Group IP_Multicast Learned_Route Load_Balancer
	Logical_DP_Group Logical_Flow MAC_Binding Meter Meter_Band Mirror Multicast_Group Port_Group Service_Monitor Static_MAC_Binding`)

// conditions are the rows of the Southbound database that a switch needs: the ports that name it or that have its chassis, and of the
// logical switches that these belong to all ports, with the router ports behind them, all that was learned and all multicast groups. They are told from
// others by the text.
func conditions(db *sb.DB, plan *vtepdb.Planner) (where map[string][]idl.Condition, text string) {
	where = map[string][]idl.Condition{}
	for _, t := range unread {
		where[t] = []idl.Condition{}
	}
	var b strings.Builder
	port := []idl.Condition{}
	add := func(column, op string, value any) {
		port = append(port, idl.Condition{Column: column, Op: op, Value: value})
		fmt.Fprintln(&b, column, value)
	}
	for _, name := range plan.Named() {
		add("options", "includes", map[string]string{"vtep-physical-switch": name})
	}
	for _, name := range plan.ChassisNames() {
		if c := db.ChassisByName.One(name); c != nil {
			add("chassis", "==", c.UUID)
		}
	}
	fdb, groups := []idl.Condition{}, []idl.Condition{}
	datapaths := plan.Datapaths()
	for _, dp := range slices.SortedFunc(maps.Keys(datapaths), ovsdb.UUID.Compare) {
		add("datapath", "==", dp)
		groups = append(groups, idl.Condition{Column: "datapath", Op: "==", Value: dp})
		fdb = append(fdb, idl.Condition{Column: "dp_key", Op: "==", Value: datapaths[dp]})
		fmt.Fprintln(&b, "key", datapaths[dp])
		var routers []string
		for _, row := range db.PortBindingByDatapath.Get(dp) {
			if peer := row.Options["peer"]; peer != "" {
				routers = append(routers, peer)
			}
		}
		for _, peer := range slices.Compact(slices.Sorted(slices.Values(routers))) {
			add("logical_port", "==", peer)
			add("logical_port", "==", crPrefix+peer)
		}
	}
	where["Port_Binding"], where["FDB"], where["IGMP_Group"] = port, fdb, groups
	return where, b.String()
}
