package bridge

import (
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// prefixFields are the fields of which the switch tracks prefixes, in order of
// preference. Where it does not, one rule for an address makes it look at all bits
// of every packet's address, and each address costs a flow of the datapath. By
// default that is so for IPv6.
var prefixFields = []string{"ip_src", "ip_dst", "ipv6_src", "ipv6_dst"}

// flowTables is the number of OpenFlow tables of a bridge; the last, 255, is the
// switch's own.
const flowTables = 255

// prefixes makes all tables of the integration bridge track as many of the fields
// as the switch can.
func (b *Bridge) prefixes(tx *idl.Tx, br *vsw.Bridge) {
	fields := prefixFields[:min(b.MaxPrefixes(), len(prefixFields))]
	if len(fields) == 0 {
		return
	}
	row := b.w.VSW.FlowTable.Get(commonTable(br))
	if row != nil && len(row.Prefixes) == len(fields) && !slices.ContainsFunc(fields, func(f string) bool { return !slices.Contains(row.Prefixes, f) }) {
		return
	}
	b.w.Log.Info("Setting flow table prefixes: " + strings.Join(fields, ", ") + ".")
	if row != nil {
		tx.Update("Flow_Table", row.UUID, map[string]any{"prefixes": fields})
		return
	}
	table := tx.Insert("Flow_Table", map[string]any{"prefixes": fields})
	all := make(map[int64]ovsdb.NamedUUID, flowTables)
	for i := range int64(flowTables) {
		all[i] = table
	}
	tx.Update("Bridge", br.UUID, map[string]any{"flow_tables": all})
}

// commonTable is the Flow_Table row that all tables of a bridge have; zero if they
// do not have one in common.
func commonTable(br *vsw.Bridge) ovsdb.UUID {
	if len(br.FlowTables) != flowTables {
		return ovsdb.UUID{}
	}
	first := br.FlowTables[0]
	for _, id := range br.FlowTables {
		if id != first {
			return ovsdb.UUID{}
		}
	}
	return first
}
