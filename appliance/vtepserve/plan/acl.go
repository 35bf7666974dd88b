package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// Faults of an access list, for ACL.acl_fault_status, and of one of its entries, for ACL_entry.acle_fault_status.
const (
	faultList     = "invalid_acl"
	faultListRoom = "resource_shortage"
	faultEntry    = "invalid_acl_entry"
)

// maxListFlows is how many flows a list may take at each attachment: an entry takes one for each version of IP and each block of ports, and a range of ports
// can be 30 blocks.
const maxListFlows = 10000

// accessList is a row of ACL as it is in force.
type accessList struct {
	filter bridging.Filter
	fault  string // "" for none
}

// readLists reads the access lists. An entry that cannot be is left out; the others of its list are in force.
func (p *Plan) readLists() {
	p.lists, p.invalid = map[ovsdb.UUID]accessList{}, map[ovsdb.UUID]error{}
	entries := map[ovsdb.UUID]bridging.Entry{}
	for row := range p.db.ACLEntry.All() {
		e, err := readEntry(row)
		if err != nil {
			p.invalid[row.UUID] = err
			continue
		}
		entries[row.UUID] = e
	}
	var found []Problem
	for row := range p.db.ACL.All() {
		var l accessList
		flows := 0
		for _, r := range p.entriesOf(row) {
			e, valid := entries[r.UUID]
			if !valid {
				l.fault = faultList
				found = append(found, Problem{"acl-entry", fmt.Sprintf("entry %d of access list %s (%s) is not in force: %v", r.Sequence, row.ACLName, r.UUID, p.invalid[r.UUID])})
				continue
			}
			into := &l.filter.In
			if r.Direction == "egress" {
				into = &l.filter.Out
			}
			*into = append(*into, e)
			flows += len(e.Any)
		}
		if flows > maxListFlows {
			l = accessList{fault: faultListRoom}
			found = append(found, Problem{"acl-size", fmt.Sprintf("access list %s is not in force: it takes %d flows for each VLAN, and %d is the most. "+
				"Fewer entries, or ranges of ports that begin and end at multiples of a power of two, take fewer", row.ACLName, flows, maxListFlows)})
		}
		p.lists[row.UUID] = l
	}
	p.problems["lists"] = found
}

// entriesOf are the entries of a list in their order. Of those with one sequence number those that deny come first.
func (p *Plan) entriesOf(list *switchrows.ACL) (rows []*switchrows.ACLEntry) {
	for _, id := range list.ACLEntries {
		if row := p.db.ACLEntry.Get(id); row != nil {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *switchrows.ACLEntry) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Action, b.Action), ovsdb.UUID.Compare(a.UUID, b.UUID))
	})
	return rows
}

// filter is the access list of a VLAN of a port: its own, or that of the whole port.
func (p *Plan) filter(row *switchrows.PhysicalPort, vlan int64) bridging.Filter {
	id, own := row.ACLBindings[vlan]
	if !own {
		id = row.ACLBindings[0]
	}
	return p.lists[id].filter
}

// filtersOf are the lists of attachments.
func (p *Plan) filtersOf(list []bridging.Attachment) map[bridging.Attachment]bridging.Filter {
	var all map[bridging.Attachment]bridging.Filter
	for _, a := range list {
		if f, there := p.filters[a]; there {
			if all == nil {
				all = map[bridging.Attachment]bridging.Filter{}
			}
			all[a] = f
		}
	}
	return all
}

// listNames are the access lists of a port by name.
func (p *Plan) listNames(port string) (names []string) {
	row := p.rows[port]
	if row == nil {
		return nil
	}
	for _, vlan := range slices.Sorted(maps.Keys(row.ACLBindings)) {
		if list := p.db.ACL.Get(row.ACLBindings[vlan]); list != nil {
			names = append(names, fmt.Sprintf("%d:%s", vlan, list.ACLName))
		}
	}
	return names
}

// listFaults keeps the faults of access lists and their entries.
func (w *writer) listFaults() {
	for row := range w.db.ACLEntry.All() {
		var faults []string
		if w.invalid[row.UUID] != nil {
			faults = []string{faultEntry}
		}
		if !slices.Equal(row.ACLEFaultStatus, faults) && w.tx.Len() < maxOps {
			w.tx.Update("ACL_entry", row.UUID, map[string]any{"acle_fault_status": faults})
		}
	}
	for row := range w.db.ACL.All() {
		var faults []string
		if f := w.Plan.lists[row.UUID].fault; f != "" {
			faults = []string{f}
		}
		if !slices.Equal(row.ACLFaultStatus, faults) && w.tx.Len() < maxOps {
			w.tx.Update("ACL", row.UUID, map[string]any{"acl_fault_status": faults})
		}
	}
}
