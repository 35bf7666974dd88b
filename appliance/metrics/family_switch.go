package metrics

import "github.com/sluice-gw/sluice/appliance/admin"

// switchFamilies are about Open vSwitch.
func switchFamilies() []family {
	return []family{
		status("openflow_connected", gauge, "Whether Open vSwitch is connected.", func(s *admin.Status, put put) { put(truth(s.Switch.Connected)) }),
		status("openflow_connections_total", counter, "Connections to Open vSwitch since the start.",
			func(s *admin.Status, put put) { put(float64(s.Switch.Connections)) }),
		status("openflow_revision", gauge, "Revision of the rules that Open vSwitch has.", func(s *admin.Status, put put) { put(float64(s.Switch.Revision)) }),
		status("openflow_flows", gauge, "Flows that are wanted in Open vSwitch.", func(s *admin.Status, put put) { put(float64(s.Switch.Flows)) }),
		status("openflow_groups", gauge, "Groups that are wanted in Open vSwitch.", func(s *admin.Status, put put) { put(float64(s.Switch.Groups)) }),
		status("openflow_meters", gauge, "Meters that are wanted in Open vSwitch.", func(s *admin.Status, put put) { put(float64(s.Switch.Meters)) }),
		status("openflow_flow_changes_total", counter, "Flows that were found right (adopted), added or corrected (added), and removed.", func(s *admin.Status, put put) {
			put(float64(s.Switch.Adopted), "adopted")
			put(float64(s.Switch.Added), "added")
			put(float64(s.Switch.Removed), "removed")
		}, "change"),
		status("openflow_refused_rules", gauge, "Rules that are not in Open vSwitch, by the kind of refusal.", func(s *admin.Status, put put) {
			n := map[string]int{}
			for _, r := range s.Switch.Refused {
				n[r.Kind] += r.Rules
			}
			for kind, rules := range n {
				put(float64(rules), kind)
			}
		}, "kind"),
		status("openflow_dropped_packet_outs_total", counter, "Packets of the controller that found no room or no connection on their way to Open vSwitch.",
			func(s *admin.Status, put put) { put(float64(s.Switch.DroppedOut)) }),
	}
}

// slowPathFamilies are about packets that the controller handles.
func slowPathFamilies() []family {
	return []family{
		status("slow_path_received_packets_total", counter, "Packets that Open vSwitch handed to the controller, by action.", func(s *admin.Status, put put) {
			for action, n := range s.SlowPath.Received {
				put(float64(n), action)
			}
		}, "action"),
		status("slow_path_dropped_packets_total", counter, "Packets that the controller dropped, by action and reason.", func(s *admin.Status, put put) {
			for action, reasons := range s.SlowPath.Dropped {
				for reason, n := range reasons {
					put(float64(n), action, reason)
				}
			}
		}, "action", "reason"),
		status("slow_path_sent_packets_total", counter, "Packets that the controller sent, announcements and advertisements included.",
			func(s *admin.Status, put put) { put(float64(s.SlowPath.Sent)) }),
		status("slow_path_resumed_packets_total", counter, "Packets that went on in Open vSwitch after the controller had seen them.",
			func(s *admin.Status, put put) { put(float64(s.SlowPath.Resumed)) }),
		status("slow_path_learned_total", counter, "Neighbors and stations that were learned.", func(s *admin.Status, put put) { put(float64(s.SlowPath.Learned)) }),
		status("slow_path_queued_packets", gauge, "Packets that wait for the controller.", func(s *admin.Status, put put) { put(float64(s.SlowPath.Queued)) }),
		status("slow_path_held_packets", gauge, "Packets that wait for a neighbor.", func(s *admin.Status, put put) { put(float64(s.SlowPath.Held)) }),
	}
}
