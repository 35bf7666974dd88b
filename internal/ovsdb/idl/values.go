package idl

import (
	"iter"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Values are the columns of a row by name, as its row type has them: string, int64, float64, bool or ovsdb.UUID, an Opt, a slice or a
// map of these. It is nil for a row that is not there. It is for people: rows' types are for programs.
func (r *Replica) Values(table string, id ovsdb.UUID) map[string]any {
	if i, ok := r.monitor.reader.byName[table]; ok {
		return r.monitor.reader.members[i].values(id)
	}
	return nil
}

// Operation is an operation of a Tx that changes something.
type Operation struct {
	Kind  string // "insert", "update", "mutate" or "delete"
	Table string
	Row   ovsdb.UUID      // of all but insert
	Name  ovsdb.NamedUUID // of insert
	// Columns are what insert and update set, by name, and the operand of mutate.
	Columns map[string]any
	Mutator string // of mutate
}

// Operations are the operations of a transaction that change something, in their order.
func (tx *Tx) Operations() iter.Seq[Operation] {
	return func(yield func(Operation) bool) {
		for _, o := range tx.ops {
			if o.kind == opWait || o.kind == opRead {
				continue
			}
			e := Operation{Kind: string(o.kind), Table: o.table, Row: o.id, Name: o.name, Columns: o.row}
			if o.kind == opMutate {
				e.Columns, e.Mutator = map[string]any{o.column: o.value}, o.mutator
			}
			if !yield(e) {
				return
			}
		}
	}
}
