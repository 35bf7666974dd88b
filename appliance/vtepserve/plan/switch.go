package plan

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// Faults of a port, for Physical_Port.port_fault_status. The last is not in vtep(5).
const (
	portInvalidVLAN = "invalid_vlan_map"
	portInvalidACL  = "invalid_ACL_binding"
	portUnspecified = "unspecified_fault"
	portLinkDown    = "link_down"
)

// readSwitch reads what the switch's ports are bound to.
func (p *Plan) readSwitch() {
	p.self = p.db.PhysicalSwitchByName.One(p.cfg.Name)
	p.rows = map[string]*switchrows.PhysicalPort{}
	p.attached, p.places = map[ovsdb.UUID][]bridging.Attachment{}, map[bridging.Attachment]ovsdb.UUID{}
	p.segments, p.portFaults, p.filters = map[uint64]ovsdb.UUID{}, map[string][]string{}, map[bridging.Attachment]bridging.Filter{}
	if p.self != nil {
		for _, id := range p.self.Ports {
			if row := p.db.PhysicalPort.Get(id); row != nil && p.rows[row.Name] == nil {
				p.rows[row.Name] = row
			}
		}
	}
	bound := map[ovsdb.UUID]bool{}
	for _, row := range p.rows {
		for _, ls := range row.VLANBindings {
			bound[ls] = true
		}
	}
	p.readConflicts(bound)
	var found []Problem
	for _, name := range slices.Sorted(maps.Keys(p.rows)) {
		found = append(found, p.readBindings(p.rows[name])...)
	}
	for id, list := range p.attached {
		slices.SortFunc(list, bridging.Attachment.Compare)
		p.segments[segmentID(id)] = id
	}
	for name, pt := range p.ports {
		if pt.down {
			p.fault(name, portLinkDown)
		}
	}
	for r := range p.db.LogicalRouter.All() {
		found = append(found, Problem{"router-unsupported", fmt.Sprintf("logical router %s is not there: this switch does not route", r.Name)})
	}
	p.problems["switch"] = found
}

func (p *Plan) fault(name, fault string) {
	if !slices.Contains(p.portFaults[name], fault) {
		p.portFaults[name] = append(p.portFaults[name], fault)
		slices.Sort(p.portFaults[name])
	}
}

// readConflicts finds the bound logical switches whose tunnel key is that of another: a frame from a tunnel could belong to either. The first by name
// has it.
func (p *Plan) readConflicts(bound map[ovsdb.UUID]bool) {
	p.conflicting = map[ovsdb.UUID]string{}
	first := map[uint32]string{}
	var rows []*switchrows.LogicalSwitch
	for ls := range bound {
		if row := p.db.LogicalSwitch.Get(ls); row != nil {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *switchrows.LogicalSwitch) int { return strings.Compare(a.Name, b.Name) })
	for _, row := range rows {
		key := tunnelKey(row.TunnelKey)
		switch other, taken := first[key]; {
		case key == 0:
		case taken:
			p.conflicting[row.UUID] = other
		default:
			first[key] = row.Name
		}
	}
}

// tunnelKey is a VNI, 0 for none: OVN writes 0 for logical switches that it does not use.
func tunnelKey(key ovsdb.Opt[int64]) uint32 {
	if key.V > 0 && key.V < 1<<24 {
		return uint32(key.V)
	}
	return 0
}

// segmentID is the number of a logical switch in the data path: the start of its UUID, so that it stays the same in each run.
func segmentID(ls ovsdb.UUID) uint64 { return binary.BigEndian.Uint64(ls[:8]) }

// readBindings files the VLANs of a port.
func (p *Plan) readBindings(row *switchrows.PhysicalPort) (found []Problem) {
	for _, id := range row.ACLBindings {
		if p.lists[id].fault != "" {
			p.fault(row.Name, portInvalidACL)
		}
	}
	pt, there := p.ports[row.Name]
	if len(row.VLANBindings) == 0 {
		return found
	}
	if !there {
		pt.fault = fmt.Sprintf("it is not at bridge %s: ovs-vsctl add-port %[1]s %s", p.cfg.Bridge, row.Name)
	}
	if pt.fault != "" {
		p.fault(row.Name, portUnspecified)
		found = append(found, Problem{"port-fault", fmt.Sprintf("port %s does not work: %s", row.Name, pt.fault)})
	}
	for vlan, id := range row.VLANBindings {
		ls := p.db.LogicalSwitch.Get(id)
		if ls == nil {
			continue // its row comes or goes with the next change
		}
		if other := p.conflicting[id]; other != "" {
			p.fault(row.Name, portInvalidVLAN)
			found = append(found, Problem{"tunnel-key-conflict", fmt.Sprintf("logical switch %s has no tunnels: its tunnel key %d is that of %s, too. Give one of the two another", ls.Name, ls.TunnelKey.V, other)})
		}
		if pt.number == 0 {
			continue
		}
		a := bridging.Attachment{Port: pt.number, VLAN: uint16(vlan)}
		p.attached[id] = append(p.attached[id], a)
		p.places[a] = id
		if f := p.filter(row, vlan); len(f.In)+len(f.Out) > 0 {
			p.filters[a] = f
		}
	}
	return found
}
