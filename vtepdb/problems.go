package vtepdb

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/wire"
)

// Problem is something that is wanted and not done, or that somebody has to look at.
type Problem struct {
	Code string `json:"code"` // docs/vtep.md has what to do about each
	// Subject is what has it: a switch, a logical port, a MAC address in a logical switch.
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Codes of problems.
const (
	noTunnelIP       = "no-tunnel-ip"
	unusableTunnelIP = "unusable-tunnel-ip"
	chassisConflict  = "chassis-conflict"
	pairApart        = "pair-apart"
	lportDuplicate   = "lport-duplicate"
	lportDatapath    = "lport-datapath"
	lportUnbound     = "lport-unbound"
	lportVLAN        = "lport-vlan"
	ownerConflict    = "owner-conflict"
	noVXLAN          = "chassis-without-vxlan"
	macDuplicate     = "mac-duplicate"
	macForeign       = "mac-foreign"
	macMoving        = "mac-moving"
	macMalformed     = "mac-malformed"
	locatorForeign   = "locator-foreign"
	floodForeign     = "flood-foreign"
	noServiceNode    = "no-service-node"
	tunnelDown       = "tunnel-down"
	switchFault      = "switch-fault"
	portFault        = "port-fault"
	// UnsupportedSetting is a setting that has no effect.
	UnsupportedSetting = "unsupported-setting"
	// Drifted is that somebody else changes what is from here.
	Drifted = "drift"
)

type problemKey struct{ code, subject string }

// problems are those that there are.
type problems struct {
	report func(Problem)
	by     map[problemKey]string
}

// set says what is wrong; "" ends the problem.
func (ps *problems) set(code, subject, text string) {
	key := problemKey{code, subject}
	switch was := ps.by[key]; {
	case text == was:
	case text == "":
		delete(ps.by, key)
	default:
		ps.by[key] = text
		ps.report(Problem{code, subject, text})
	}
}

// only ends the problems of a code whose subjects are not in the set.
func (ps *problems) only(code string, subjects map[string]bool) {
	for key := range ps.by {
		if key.code == code && !subjects[key.subject] {
			delete(ps.by, key)
		}
	}
}

// forget ends the problems of what is in a logical switch that is gone.
func (ps *problems) forget(ls string) {
	for key := range ps.by {
		switch key.code {
		case noVXLAN, noServiceNode, floodForeign, macDuplicate, macForeign, macMoving:
			mac, of := strings.CutPrefix(key.subject, ls+" ")
			if _, err := wire.ParseMAC(mac); of && err == nil || key.subject == ls {
				delete(ps.by, key)
			}
		}
	}
}

// Problems are the problems there are, by code and subject.
func (p *Planner) Problems() []Problem {
	out := make([]Problem, 0, len(p.problems.by))
	for key, text := range p.problems.by {
		out = append(out, Problem{key.code, key.subject, text})
	}
	if problem, ok := p.driftProblem(); ok {
		out = append(out, problem)
	}
	slices.SortFunc(out, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Code, b.Code), strings.Compare(a.Subject, b.Subject))
	})
	return out
}

// sorted collects and sorts names.
func sorted(names iter.Seq[string]) []string { return slices.Sorted(names) }

// sortedKeys are the names in a set.
func sortedKeys(set map[string]bool) []string { return sorted(maps.Keys(set)) }
