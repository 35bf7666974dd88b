package idl

import (
	"iter"
	"maps"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Table holds the rows of one table. It belongs to the goroutine that calls
// Next of its replica.
type Table[R any] struct {
	name    string
	id      func(*R) *ovsdb.UUID
	columns []Column[R]
	byName  map[string]int // index in columns
	rows    map[ovsdb.UUID]*R
	indexes []indexer[R]
}

// maxColumns is the number of columns that fit in a columnSet.
const maxColumns = 64

// columnSet has bit i set for the column with index i.
type columnSet uint64

func (s columnSet) has(i int) bool { return s>>i&1 != 0 }
func (s *columnSet) add(i int)     { *s |= 1 << i }

// NewTable describes a table. id gives the field that holds the row's UUID.
// Generated code calls it; it panics on what only a broken generator can give.
func NewTable[R any](name string, id func(*R) *ovsdb.UUID, columns ...Column[R]) *Table[R] {
	if len(columns) > maxColumns {
		panic("idl: table " + name + " has more columns than fit in a columnSet")
	}
	t := &Table[R]{
		name:    name,
		id:      id,
		columns: columns,
		byName:  make(map[string]int, len(columns)),
		rows:    make(map[ovsdb.UUID]*R),
	}
	for i, c := range columns {
		t.byName[c.name] = i
	}
	return t
}

// Get returns the row with this UUID, nil if there is none.
func (t *Table[R]) Get(id ovsdb.UUID) *R { return t.rows[id] }

// All returns the rows in no particular order.
func (t *Table[R]) All() iter.Seq[*R] { return maps.Values(t.rows) }

// Len returns the number of rows.
func (t *Table[R]) Len() int { return len(t.rows) }

// put stores row, which is new or takes the place of old.
func (t *Table[R]) put(id ovsdb.UUID, old, row *R) {
	t.rows[id] = row
	for _, ix := range t.indexes {
		ix.replace(old, row)
	}
}

// remove takes the row old away.
func (t *Table[R]) remove(id ovsdb.UUID, old *R) {
	delete(t.rows, id)
	for _, ix := range t.indexes {
		ix.replace(old, nil)
	}
}

// equal compares all columns.
func (t *Table[R]) equal(a, b *R) bool {
	for i := range t.columns {
		if !t.columns[i].equal(a, b) {
			return false
		}
	}
	return true
}
