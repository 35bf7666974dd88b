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

// TestMulticast: frames to a group go to the chassis that have members or multicast routers, those to a group for everybody everywhere.
func TestMulticast(t *testing.T) {
	d := deploy(t)
	d.vms()
	d.nbctl("set Logical_Switch sw other_config:mcast_snoop=true")
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	s.start()
	unicast := "02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\n"
	unknown := "unknown-dst 192.0.2.11\nunknown-dst 192.0.2.12"
	remote := func() string { return s.remote("ls1") }
	d.becomes("the remote MACs", remote, unicast+unknown)
	id := func(table, what string) string { return d.sbctl("--columns=_uuid find " + table + " " + what) }
	join := func(address, port, chassis string) string {
		return d.sbctl("create IGMP_Group address=" + address + " datapath=" + id("Datapath_Binding", "external_ids:name=sw") +
			" chassis=" + id("Chassis", "name="+chassis) + " ports=" + id("Port_Binding", "logical_port="+port))
	}
	join("224.0.0.251", "vm1", "hv1")
	row := join("239.1.1.1", "vm1", "hv1")
	d.becomes("the remote MACs", remote, "01:00:5e:01:01:01 192.0.2.11\n"+unicast+unknown)
	router := join("mrouters", "vm2", "hv2")
	d.becomes("the remote MACs", remote, "01:00:5e:01:01:01 192.0.2.11\n01:00:5e:01:01:01 192.0.2.12\n"+unicast+unknown)
	// An operator's group, elsewhere.
	s.ctl("add-mcast-remote ls1 01:00:5e:02:02:02 192.0.2.99")
	d.sbctl("destroy IGMP_Group " + router)
	d.becomes("the remote MACs", remote, "01:00:5e:01:01:01 192.0.2.11\n01:00:5e:02:02:02 192.0.2.99\n"+unicast+unknown)
	d.sbctl("destroy IGMP_Group " + row)
	d.becomes("the remote MACs", remote, "01:00:5e:02:02:02 192.0.2.99\n"+unicast+unknown)
}
