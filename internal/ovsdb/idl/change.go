package idl

import "github.com/sluice-gw/sluice/internal/ovsdb"

// Change is what one server transaction did to one row. An insert has no Old, a
// delete has no New. Old and New are different in at least one monitored column.
// Rows are immutable: Old stays as it was.
type Change[R any] struct {
	ID       ovsdb.UUID
	Old, New *R
}

// Info describes the unit of changes that Next returned.
type Info struct {
	// TxnID is the server's identity of the transaction that the tables are at
	// now, zero if the server does not give it (before Open vSwitch 2.12) or
	// does not keep it.
	TxnID ovsdb.UUID
	// Initial: the changes come from a complete read of the database rather
	// than from one transaction: the first, or one after a connection could
	// not be resumed. In the second case too they are only what is different.
	Initial bool
	// Dropped is the number of rows of this unit that were left out because
	// they could not be read. Each is logged by name.
	Dropped int
}
