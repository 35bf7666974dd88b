package vtep

import (
	"strings"
	"testing"
)

// TestReplication: a switch that cannot replicate is told the service node, which a hypervisor is that says so, and its chassis
// tells the hypervisors.
func TestReplication(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	r := s.start()
	flood := func() string {
		var where []string
		for _, line := range strings.Split(s.remote("ls1"), "\n") {
			if ip, ok := strings.CutPrefix(line, "unknown-dst "); ok {
				where = append(where, ip)
			}
		}
		return s.ctl("get Logical_Switch ls1 replication_mode") + " " + strings.Join(where, " ")
	}
	mark := func() string { return d.sbctl("--if-exists get Chassis tor1 other_config:sluice-replication") }
	problems := func() string { return r.problems(t) }
	d.becomes("the flood", flood, "source_node 192.0.2.11 192.0.2.12")
	s.ctl("set Physical_Switch tor1 switch_fault_status=unsupported_source_node_replication")
	d.becomes("the flood", flood, "service_node 192.0.2.11 192.0.2.12")
	d.becomes("the mark", mark, "service_node")
	d.becomes("the problems", problems, "no-service-node ls1\nswitch-fault tor1")
	d.sbctl("set Chassis hv2 other_config:sluice-service-node=true")
	d.becomes("the flood", flood, "service_node 192.0.2.12")
	s.ctl("clear Physical_Switch tor1 switch_fault_status")
	d.becomes("the problems", problems, "")
	s.ctl("set Global . other_config:sluice-replication-mode=source_node")
	d.becomes("the flood", flood, "source_node 192.0.2.11 192.0.2.12")
	d.becomes("the mark", mark, "")
}
