package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// View is the plan for people.
type View struct {
	Registered      bool                `json:"registered"`
	Faults          []string            `json:"faults"`
	Ports           []PortView          `json:"ports"`
	LogicalSwitches []LogicalSwitchView `json:"logical_switches"`
	Tunnels         []TunnelView        `json:"tunnels"`
	Problems        []Problem           `json:"problems"`
}

// PortView is a port of the switch.
type PortView struct {
	Name   string   `json:"name"`
	Lists  []string `json:"acl_bindings,omitempty"` // VLAN:LIST
	Faults []string `json:"faults,omitempty"`
}

// LogicalSwitchView is a logical switch with a VLAN here.
type LogicalSwitchView struct {
	Name            string   `json:"name"`
	TunnelKey       uint32   `json:"tunnel_key"` // 0: none
	ReplicationMode string   `json:"replication_mode"`
	Bindings        []string `json:"bindings"` // PORT:VLAN
	Local           int      `json:"local_stations"`
	Remote          int      `json:"remote_stations"`
	Unknown         []string `json:"unknown,omitempty"` // where frames for unknown stations go
}

// TunnelView is the other end of a tunnel.
type TunnelView struct {
	Remote string            `json:"remote"`
	BFD    map[string]string `json:"bfd_status,omitempty"`
}

// Registered tells whether the switch has its row.
func (p *Plan) Registered() bool { return p.self != nil }

// View shows the plan as of the last Settle.
func (p *Plan) View() View {
	v := View{Registered: p.self != nil, Ports: []PortView{}, LogicalSwitches: []LogicalSwitchView{}, Tunnels: []TunnelView{}, Faults: p.faults(), Problems: p.Problems()}
	if v.Faults == nil {
		v.Faults = []string{}
	}
	for _, name := range slices.Sorted(maps.Keys(p.ports)) {
		v.Ports = append(v.Ports, PortView{name, p.listNames(name), p.portFaults[name]})
	}
	local := map[uint64]int{}
	for s := range p.stations {
		local[s.segment]++
	}
	for id := range p.attached {
		ls := p.db.LogicalSwitch.Get(id)
		if ls == nil {
			continue
		}
		e := LogicalSwitchView{Name: ls.Name, TunnelKey: tunnelKey(ls.TunnelKey), ReplicationMode: ls.ReplicationMode.Or(serviceNode),
			Local: local[segmentID(id)], Remote: len(p.db.UcastMacsRemoteByLogicalSwitch.Get(id))}
		for _, row := range p.rows {
			for vlan, to := range row.VLANBindings {
				if to == id {
					e.Bindings = append(e.Bindings, fmt.Sprintf("%s:%d", row.Name, vlan))
				}
			}
		}
		slices.Sort(e.Bindings)
		for _, at := range p.unknown[id] {
			e.Unknown = append(e.Unknown, at.IP.String())
		}
		v.LogicalSwitches = append(v.LogicalSwitches, e)
	}
	slices.SortFunc(v.LogicalSwitches, func(a, b LogicalSwitchView) int { return cmp.Compare(a.Name, b.Name) })
	for _, ip := range slices.Sorted(maps.Keys(p.tunnels)) {
		v.Tunnels = append(v.Tunnels, TunnelView{ip, p.bfdStatus(p.tunnels[ip], ip)})
	}
	return v
}
