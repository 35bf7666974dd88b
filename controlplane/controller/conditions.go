package controller

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// conditions are the rows of the Southbound database that this chassis needs: what
// belongs to its ports and to the datapaths that are local, nearly as in ovn-controller
// (update_sb_monitors). Other than there:
//   - of the sub-ports only those of interfaces here are asked for, not all of the network;
//   - ports that mirror into an interface here (mirror_port) are asked for by its name;
//   - the ports of all interfaces are asked for by name, also those that are bound, which
//     the condition on their datapath brings as well;
//   - until this chassis is registered, its own template variables are asked for, by the
//     name that it will have, and ports with periodic router advertisements, but not all
//     of Advertised_Route: nothing is done with that.
//
// A table that is not in the map has all its rows: for ovn-monitor-all that is every one.
func (c *Controller) conditions() map[string][]idl.Condition {
	if c.w.Config.MonitorAll {
		return map[string][]idl.Condition{}
	}
	eq := func(column string, v any) idl.Condition { return idl.Condition{Column: column, Op: "==", Value: v} }
	pb := []idl.Condition{eq("type", "patch"), eq("type", "chassisredirect"), eq("type", "external"),
		{Column: "options", Op: "includes", Value: map[string]string{"ipv6_ra_send_periodic": "true"}}}
	out := map[string][]idl.Condition{}
	mine := []string{"Controller_Event", "IGMP_Group"}
	if self := c.w.Self(); self != nil {
		pb = append(pb, eq("chassis", self.UUID), eq("requested_chassis", self.UUID))
		for _, k := range []string{"l2gateway-chassis", "l3gateway-chassis"} {
			pb = append(pb, idl.Condition{Column: "options", Op: "includes", Value: map[string]string{k: self.Name}})
		}
		for _, t := range mine {
			out[t] = []idl.Condition{eq("chassis", self.UUID)}
		}
		out["Chassis_Private"] = []idl.Condition{eq("name", self.Name)}
		out["Chassis_Template_Var"] = []idl.Condition{eq("chassis", self.Name)}
	} else {
		pb = append(pb, eq("type", "l2gateway"), eq("type", "l3gateway"))
		for _, t := range mine {
			out[t] = []idl.Condition{}
		}
		out["Chassis_Template_Var"] = []idl.Condition{eq("chassis", c.w.Config.Chassis)}
	}
	for _, id := range c.ifaces.LocalIDs() {
		pb = append(pb, eq("logical_port", id), eq("parent_port", id), eq("mirror_port", id))
	}
	lf := []idl.Condition{{Column: "logical_dp_group", Op: "!=", Value: []ovsdb.UUID{}}}
	byDP := map[string][]idl.Condition{}
	tables := []string{"MAC_Binding", "Multicast_Group", "DNS", "IP_Multicast", "ECMP_Nexthop", "Advertised_Route", "Advertised_MAC_Binding"}
	for _, t := range tables {
		byDP[t] = []idl.Condition{}
	}
	fdb := []idl.Condition{}
	dps := make([]ovsdb.UUID, 0, len(c.local.All()))
	for dp := range c.local.All() {
		dps = append(dps, dp)
	}
	slices.SortFunc(dps, ovsdb.UUID.Compare)
	for _, dp := range dps {
		pb = append(pb, eq("datapath", dp))
		lf = append(lf, eq("logical_datapath", dp))
		fdb = append(fdb, eq("dp_key", int64(c.local.All()[dp])))
		for _, t := range tables {
			if t == "DNS" {
				byDP[t] = append(byDP[t], idl.Condition{Column: "datapaths", Op: "includes", Value: []ovsdb.UUID{dp}})
			} else {
				byDP[t] = append(byDP[t], eq("datapath", dp))
			}
		}
	}
	for t, conds := range byDP {
		out[t] = conds
	}
	out["FDB"], out["Port_Binding"], out["Logical_Flow"] = fdb, pb, lf
	return out
}

// conditionText is conditions in a form that can be compared.
func conditionText(conds map[string][]idl.Condition) string {
	var b []byte
	for _, t := range slices.Sorted(maps.Keys(conds)) {
		b = append(append(b, t...), '\n')
		for _, c := range conds[t] {
			b = append(append(append(b, c.Column...), ' '), c.Op...)
			switch v := c.Value.(type) {
			case ovsdb.UUID: // by far the most
				b = v.AppendText(b)
			case string:
				b = strconv.AppendQuote(b, v)
			default:
				b = fmt.Append(b, v)
			}
			b = append(b, '\n')
		}
	}
	return string(b)
}
