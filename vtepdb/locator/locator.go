// Package locator has the rows of tunnel addresses in a hardware_vtep database, Physical_Locator of vtep(5), as a controller and a switch
// both refer to them.
package locator

import (
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// VXLAN is encapsulation_type, of which vtep(5) has no other.
const VXLAN = "vxlan_over_ipv4"

// Refs are the references of one transaction to tunnel addresses.
type Refs[R any] struct {
	tx   *idl.Tx
	rows *idl.Index[R, string]
	fit  func(*R) (ovsdb.UUID, bool)
	by   map[string]any
}

// New returns the references of a transaction. rows are those that the database has, by dst_ip; fit tells of one its UUID and whether it is
// VXLAN without a tunnel key of its own.
func New[R any](tx *idl.Tx, rows *idl.Index[R, string], fit func(*R) (id ovsdb.UUID, ok bool)) Refs[R] {
	return Refs[R]{tx, rows, fit, map[string]any{}}
}

// To is a reference to an address: a UUID, or the NamedUUID of a row that the transaction makes, once. The server collects rows to which
// nothing refers.
func (r Refs[R]) To(ip string) any {
	if ref, ok := r.by[ip]; ok {
		return ref
	}
	for _, row := range r.rows.Get(ip) {
		if id, ok := r.fit(row); ok {
			r.by[ip] = id
			return id
		}
	}
	r.by[ip] = r.tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": VXLAN, "dst_ip": ip})
	return r.by[ip]
}
