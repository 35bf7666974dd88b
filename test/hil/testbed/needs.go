package testbed

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/test/hil/scenario"
)

// chassisNeeds is what a scenario needs of a chassis.
type chassisNeeds struct {
	name   string
	faults []scenario.FaultKind
	hosts  []hostNeeds
	trunks []trunkNeeds
}

// hostNeeds is what a scenario needs of a host.
type hostNeeds struct {
	name   string
	vlan   int
	faults []scenario.FaultKind
}

type trunkNeeds struct {
	name  string
	hosts []hostNeeds
}

// needsOf are those of a scenario, by chassis, and of its physical hosts.
func needsOf(s *scenario.Scenario) (chassis []chassisNeeds, physical []hostNeeds) {
	faults := map[string][]scenario.FaultKind{}
	for _, section := range s.Sections {
		for _, f := range section.Faults {
			if !slices.Contains(faults[f.Of], f.Kind) {
				faults[f.Of] = append(faults[f.Of], f.Kind)
			}
		}
	}
	host := func(name string, vlan int) hostNeeds { return hostNeeds{name, vlan, faults[name]} }
	for _, name := range s.Topology.Chassis {
		n := chassisNeeds{name: name, faults: faults[name]}
		for _, h := range s.Topology.Hosts {
			if h.Chassis == name {
				n.hosts = append(n.hosts, host(h.Name, 0))
			}
		}
		for _, tr := range s.Topology.Trunks {
			if tr.Chassis != name {
				continue
			}
			t := trunkNeeds{name: tr.Name}
			for _, h := range s.Topology.Hosts {
				if h.Trunk == tr.Name {
					t.hosts = append(t.hosts, host(h.Name, h.VLAN))
				}
			}
			n.trunks = append(n.trunks, t)
		}
		chassis = append(chassis, n)
	}
	for _, p := range s.Topology.Physical {
		physical = append(physical, host(p.Name, p.VLAN))
	}
	return chassis, physical
}

// lacks are the faults that there is no command for.
func (c commands) lacks(needed []scenario.FaultKind) (kinds []scenario.FaultKind) {
	for _, kind := range needed {
		if c[kind].Text == "" {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// lacks are the faults that cannot happen to the chassis, each with the cause.
func (c *Chassis) lacks(needed []scenario.FaultKind) (what []string) {
	for _, kind := range needed {
		command := kind
		switch {
		case kind == scenario.ControllerKilledAmid && c.offloads():
			what = append(what, "a way to see when the controller programs filters, to kill it in the middle")
			continue
		case kind == scenario.ControllerKilledAmid:
			command = scenario.ControllerKilled
		case !c.offloads() && (kind == scenario.FiltersDeleted || kind == scenario.QdiscsDeleted):
			continue // nothing happens where nothing is offloaded
		}
		if c.Faults[command].Text == "" {
			what = append(what, fmt.Sprintf("a command for %q", command))
		}
	}
	return what
}

func (c *Chassis) offloads() bool { return c.OffloadStatus.Text != "" }

// needed says what a host needs.
func (n hostNeeds) needed() string {
	var b strings.Builder
	b.WriteString("a host")
	if n.vlan != 0 {
		fmt.Fprintf(&b, " in VLAN %d", n.vlan)
	}
	if len(n.faults) > 0 {
		fmt.Fprintf(&b, " with commands for %q", n.faults)
	}
	return b.String() + " for " + n.name
}
