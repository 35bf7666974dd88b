package plan

import (
	"cmp"
	"fmt"
	"slices"
)

// Problem is something that is wanted and is not so.
type Problem struct {
	Code string `json:"code"`
	Text string `json:"text"` // names the thing, the cause and what to do
}

// Problems are all there are, in a fixed order.
func (p *Plan) Problems() []Problem {
	all := []Problem{}
	for _, list := range p.problems {
		all = append(all, list...)
	}
	for ls, list := range p.unclear {
		if len(p.attached[ls]) > 0 {
			all = append(all, list...)
		}
	}
	for _, r := range p.refusals {
		all = append(all, Problem{"flow-refused", fmt.Sprintf("bridge %s does not take a flow: %s: %s", p.cfg.Bridge, r.Why, r.Flow)})
	}
	if p.tableFull() {
		all = append(all, Problem{"mac-table-full", fmt.Sprintf("%d stations are learned, as many as there is room for; frames for others go to all ports. More room: "+
			"ovs-vsctl set bridge %s other_config:%s=NUMBER", len(p.stations), p.cfg.Bridge, sizeKey)})
	}
	slices.SortFunc(all, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text)) })
	return slices.Compact(all)
}

// tableFull tells whether no more stations can be learned.
func (p *Plan) tableFull() bool { return p.known && len(p.stations) >= int(p.common.TableSize) }

// Faults of the switch, for Physical_Switch.switch_fault_status.
const (
	faultMACTable    = "mac_table_exhaustion"
	faultTunnels     = "tunnel_exhaustion"
	faultRouter      = "lr_support_fault"
	faultUnspecified = "unspecified_fault"
)

// faults are those of the switch, sorted.
func (p *Plan) faults() []string {
	full := p.tableFull()
	refused, tunnel := false, false
	for _, r := range p.refusals {
		full, refused = full || r.Full, refused || !r.Full
	}
	for _, u := range p.uplinks {
		tunnel = tunnel || u.row.Error.OK
	}
	var faults []string
	for _, f := range []struct {
		name string
		is   bool
	}{
		{faultMACTable, full}, {faultTunnels, tunnel}, {faultRouter, p.db.LogicalRouter.Len() > 0}, {faultUnspecified, refused || p.bridge == nil},
	} {
		if f.is {
			faults = append(faults, f.name)
		}
	}
	slices.Sort(faults)
	return faults
}
