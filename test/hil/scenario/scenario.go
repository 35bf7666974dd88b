package scenario

import (
	"fmt"
	"net/netip"
)

// Scenario is a file, parsed.
type Scenario struct {
	// Name is the file's, without directory and extension.
	Name string
	// Idea is its prose.
	Idea     string
	Topology Topology
	// Sections follow the topology.
	Sections []Section
}

// Section is a part of a scenario that is played before the next one.
type Section struct {
	// OVN are commands of ovn-nbctl, one a line.
	OVN string
	// Steps send packets, one after the other.
	Steps []Step
	// Streams flow while the Faults happen.
	Streams []Stream
	Faults  []Fault
	// Restored are looked at when the streams have recovered.
	Restored []Restored
}

// Topology is the hardware of a scenario.
type Topology struct {
	Chassis  []string
	Trunks   []Trunk
	Hosts    []Host
	Physical []Physical
}

// Host is a VM or container.
type Host struct {
	Name string
	// Chassis and Port are where it is plugged and the logical port that this is; or Trunk is the VM in which it runs, with its VLAN, 0 for
	// the VM itself.
	Chassis, Port string
	Trunk         string
	VLAN          int
	MAC           string
	Addrs         []netip.Prefix
	Gateways      []netip.Addr
	Serves        []uint16
}

// Trunk is a VM on a chassis that runs containers, plugged into a logical port.
type Trunk struct{ Name, Chassis, Port string }

// Physical is a host of the physical network, which all chassis reach as physnet1.
type Physical struct {
	Name     string
	VLAN     int // 0 is untagged
	Addrs    []netip.Prefix
	Gateways []netip.Addr
}

// Step is a line that sends packets from a host and says what must come of it.
type Step struct {
	// Text is the line, and Line its number.
	Text string
	Line int
	// Host sends.
	Host string

	action action
}

// hosts are the names of all hosts.
func (t *Topology) hosts() (names []string) {
	for _, h := range t.Hosts {
		names = append(names, h.Name)
	}
	for _, p := range t.Physical {
		names = append(names, p.Name)
	}
	return names
}

// names are the topology's hosts, and what a scenario's lines may therefore name.
func (t *Topology) names() (hosts, chassis map[string]bool, err error) {
	hosts, chassis = map[string]bool{}, map[string]bool{}
	trunks := map[string]bool{}
	add := func(kind string, to map[string]bool, name string) {
		if (hosts[name] || chassis[name] || trunks[name]) && err == nil {
			err = fmt.Errorf("%s %s: there is another thing of that name", kind, name)
		}
		to[name] = true
	}
	for _, name := range t.Chassis {
		add("chassis", chassis, name)
	}
	on := func(kind, name, where string) {
		if !chassis[where] && err == nil {
			err = fmt.Errorf("%s %s: there is no chassis %s", kind, name, where)
		}
	}
	for _, tr := range t.Trunks {
		add("trunk", trunks, tr.Name)
		on("trunk", tr.Name, tr.Chassis)
	}
	for _, h := range t.Hosts {
		add("host", hosts, h.Name)
		switch {
		case h.Trunk == "":
			on("host", h.Name, h.Chassis)
		case !trunks[h.Trunk] && err == nil:
			err = fmt.Errorf("host %s: there is no trunk %s", h.Name, h.Trunk)
		}
	}
	for _, p := range t.Physical {
		add("physical host", hosts, p.Name)
	}
	return hosts, chassis, err
}
