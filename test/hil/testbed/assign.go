package testbed

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sluice-gw/sluice/test/hil/scenario"
)

// assignment is which of the equipment plays what of a scenario, by the scenario's names.
type assignment struct {
	chassis map[string]*Chassis
	trunks  map[string]*Trunk
	hosts   map[string]place
}

// place is where a host of a scenario is played.
type place struct {
	slot    *Slot
	chassis *Chassis // nil on the physical network
	device  string   // on the chassis, "" if it is behind a trunk
	shared  bool     // switches that are not tested bring it frames
}

// assign maps a scenario onto the equipment. Its error is a *scenario.LackError.
func (e *Equipment) assign(s *scenario.Scenario) (*assignment, error) {
	chassis, physical := needsOf(s)
	a := &assignment{chassis: map[string]*Chassis{}, trunks: map[string]*Trunk{}, hosts: map[string]place{}}
	var lacks []string
	got := match(len(chassis), len(e.Chassis), func(i, j int) bool { return len(e.seat(chassis[i], &e.Chassis[j], nil)) == 0 },
		func(i, j int) bool { return chassis[i].name == e.Chassis[j].Name.Text })
	taken := map[int]string{}
	for i, j := range got {
		if j >= 0 {
			taken[j] = chassis[i].name
			a.chassis[chassis[i].name] = &e.Chassis[j]
			e.seat(chassis[i], &e.Chassis[j], a)
		}
	}
	for i, j := range got {
		if j < 0 {
			lacks = append(lacks, e.noChassis(chassis[i], taken))
		}
	}
	for i, j := range match(len(physical), len(e.Physical), func(i, j int) bool { return physical[i].vlan == e.Physical[j].VLAN },
		func(i, j int) bool { return physical[i].name == e.Physical[j].Name.Text }) {
		if j < 0 {
			lacks = append(lacks, physical[i].needed()+" on the physical network")
			continue
		}
		a.hosts[physical[i].name] = place{slot: &e.Physical[j], shared: true}
	}
	if len(lacks) > 0 {
		return nil, &scenario.LackError{What: lacks}
	}
	return a, nil
}

var token = regexp.MustCompile(`[\w.-]+`)

// renamed is a text of the scenario with the names of the chassis that play its own.
func (a *assignment) renamed(text string) string {
	return token.ReplaceAllStringFunc(text, func(word string) string {
		if c := a.chassis[word]; c != nil {
			return c.Name.Text
		}
		return word
	})
}

// noChassis says why there is none.
func (e *Equipment) noChassis(n chassisNeeds, taken map[int]string) string {
	var why []string
	for j := range e.Chassis {
		if lacks := e.seat(n, &e.Chassis[j], nil); len(lacks) > 0 {
			why = append(why, fmt.Sprintf("%s lacks %s", e.Chassis[j].Name.Text, strings.Join(lacks, ", ")))
		} else {
			why = append(why, fmt.Sprintf("%s plays %s", e.Chassis[j].Name.Text, taken[j]))
		}
	}
	return fmt.Sprintf("a chassis for %s (%s)", n.name, strings.Join(why, "; "))
}

// seat gives what a scenario needs of a chassis, hosts and trunks, those of one of the equipment, and returns what it lacks. It writes down
// who got what, unless there is nowhere to.
func (e *Equipment) seat(n chassisNeeds, c *Chassis, a *assignment) (lacks []string) {
	lacks = c.lacks(n.faults)
	var hosts []*Host
	for i := range e.Hosts {
		if e.Hosts[i].Chassis.Text == c.Name.Text {
			hosts = append(hosts, &e.Hosts[i])
		}
	}
	for i, j := range match(len(n.hosts), len(hosts), func(i, j int) bool { return len(hosts[j].Faults.lacks(n.hosts[i].faults)) == 0 },
		func(i, j int) bool { return n.hosts[i].name == hosts[j].Name.Text }) {
		if j < 0 {
			lacks = append(lacks, n.hosts[i].needed())
		} else if a != nil {
			a.hosts[n.hosts[i].name] = place{slot: &hosts[j].Slot, chassis: c, device: hosts[j].Device.Text}
		}
	}
	var trunks []*Trunk
	for i := range e.Trunks {
		if e.Trunks[i].Chassis.Text == c.Name.Text {
			trunks = append(trunks, &e.Trunks[i])
		}
	}
	for i, j := range match(len(n.trunks), len(trunks), func(i, j int) bool { return trunks[j].seat(n.trunks[i], c, nil) },
		func(i, j int) bool { return n.trunks[i].name == trunks[j].Name.Text }) {
		if j < 0 {
			var inside []string
			for _, h := range n.trunks[i].hosts {
				inside = append(inside, h.needed())
			}
			lacks = append(lacks, fmt.Sprintf("a trunk for %s with %s", n.trunks[i].name, strings.Join(inside, ", ")))
		} else if a != nil {
			a.trunks[n.trunks[i].name] = trunks[j]
			trunks[j].seat(n.trunks[i], c, a)
		}
	}
	return lacks
}

// seat does so for the hosts in a trunk, and reports whether there is one for each.
func (t *Trunk) seat(n trunkNeeds, c *Chassis, a *assignment) bool {
	for _, need := range n.hosts {
		slot := t.host(need)
		if slot == nil {
			return false
		}
		if a != nil {
			a.hosts[need.name] = place{slot: slot, chassis: c, shared: true}
		}
	}
	return true
}

func (t *Trunk) host(n hostNeeds) *Slot {
	for i := range t.Hosts {
		if s := &t.Hosts[i]; s.VLAN == n.vlan && len(s.Faults.lacks(n.faults)) == 0 {
			return s
		}
	}
	return nil
}
