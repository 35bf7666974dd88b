package metrics

import "github.com/sluice-gw/sluice/appliance/admin"

// chassisFamilies are about the chassis, the databases and the engine.
func chassisFamilies() []family {
	return []family{
		status("chassis_info", gauge, "1, with what this chassis is called and whose logical flows it has.", func(s *admin.Status, put put) {
			put(1, s.Controller.Chassis, s.Controller.Hostname, s.Controller.Northd)
		}, "chassis", "hostname", "northd"),
		status("chassis_registered", gauge, "Whether the chassis is registered in the Southbound database.",
			func(s *admin.Status, put put) { put(truth(s.Controller.Registered)) }),
		status("chassis_paused", gauge, "Whether the controller is paused (debug/pause).",
			func(s *admin.Status, put put) { put(truth(s.Controller.Paused)) }),
		status("chassis_complete", gauge, "Whether all rows that the chassis needs have arrived once.",
			func(s *admin.Status, put put) { put(truth(s.Controller.Complete)) }),
		status("database_connected", gauge, "Whether an OVSDB server is connected.", func(s *admin.Status, put put) {
			put(truth(s.Controller.Southbound.Connected), "southbound")
			put(truth(s.Controller.Local.Connected), "local")
		}, "database"),
		status("database_refused_transaction", gauge, "Whether the last transaction on the database failed.", func(s *admin.Status, put put) {
			put(truth(s.Controller.Southbound.Refusal != ""), "southbound")
			put(truth(s.Controller.Local.Refusal != ""), "local")
		}, "database"),
		status("revision_wanted", gauge, "Revision of the rules that were sent last.",
			func(s *admin.Status, put put) { put(float64(s.Controller.Revision)) }),
		status("revision_acknowledged", gauge, "Revision of the rules that the switch and the target of the offload have.",
			func(s *admin.Status, put put) { put(float64(s.Controller.Acknowledged)) }),
		status("nb_cfg_wanted", gauge, "nb_cfg that the Southbound database asks for.",
			func(s *admin.Status, put put) { put(float64(s.Controller.NbCfg)) }),
		status("nb_cfg_done", gauge, "nb_cfg that is acknowledged; -1 for none yet.",
			func(s *admin.Status, put put) { put(float64(s.Controller.NbCfgDone)) }),
		status("logical_flows", gauge, "Logical flows in the replica of the Southbound database.",
			func(s *admin.Status, put put) { put(float64(s.Controller.LogicalFlows)) }),
		status("rules", gauge, "Rules that are wanted.", func(s *admin.Status, put put) { put(float64(s.Controller.Rules)) }),
		status("local_datapaths", gauge, "Logical datapaths with a part on this chassis.",
			func(s *admin.Status, put put) { put(float64(s.Controller.LocalDatapaths)) }),
		status("local_ports", gauge, "Logical ports that are bound to this chassis.",
			func(s *admin.Status, put put) { put(float64(s.Controller.LocalPorts)) }),
		status("conntrack_zones", gauge, "Conntrack zones in use.", func(s *admin.Status, put put) { put(float64(s.Controller.Zones)) }),
		status("engine_recomputes_total", counter, "Full computations of a node of the engine, by the input and event that caused them.", func(s *admin.Status, put put) {
			for _, n := range s.Controller.Engine {
				for cause, times := range n.Recomputes {
					put(float64(times), n.Node, cause)
				}
			}
		}, "node", "cause"),
		status("engine_incremental_runs_total", counter, "Changes that a node of the engine handled incrementally.", func(s *admin.Status, put put) {
			for _, n := range s.Controller.Engine {
				put(float64(n.Computes), n.Node)
			}
		}, "node"),
		status("engine_seconds_total", counter, "Time spent in a node of the engine.", func(s *admin.Status, put put) {
			for _, n := range s.Controller.Engine {
				put(n.Seconds, n.Node)
			}
		}, "node"),
		status("degraded_logical_flows", gauge, "Logical flows that are not, or not wholly, in force.", func(s *admin.Status, put put) {
			for _, d := range s.Controller.Degraded {
				put(float64(d.Flows), d.Reason)
			}
		}, "reason"),
		status("refused_row_parts", gauge, "Parts of rows that are not in force, by table.", func(s *admin.Status, put put) {
			n := map[string]int{}
			for _, r := range s.Controller.RefusedRows {
				n[r.Table]++
			}
			for table, rows := range n {
				put(float64(rows), table)
			}
		}, "table"),
		status("claim_conflicts", gauge, "Ports that another chassis insists on.", func(s *admin.Status, put put) { put(float64(len(s.Controller.Conflicts))) }),
		status("unmapped_networks", gauge, "Physical networks that ovn-bridge-mappings does not lead to a bridge.",
			func(s *admin.Status, put put) { put(float64(len(s.Controller.Unmapped))) }),
		status("refused_settings", gauge, "Settings that are not, or not wholly, in force.", func(s *admin.Status, put put) { put(float64(len(s.Controller.Problems))) }),
	}
}
