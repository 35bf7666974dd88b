package idl

import (
	"errors"
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

var (
	errSeveral  = errors.New("the column has several values, expected at most one")
	errUnknown  = errors.New("the server changed a row that it never sent")
	errCanceled = errors.New("the server has ended the monitoring: its database or schema changes")
)

// deltaKind says what a delta does to its row.
type deltaKind uint8

const (
	deltaPut    deltaKind = iota // the row is now exactly delta.row
	deltaPatch                   // the columns in delta.set changed
	deltaDelete                  // the row is gone
	deltaKeep                    // the update could not be read: the row stays
)

// delta is the update of one row, decoded but not applied: the table belongs to
// another goroutine and may be several units behind.
type delta[R any] struct {
	id   ovsdb.UUID
	kind deltaKind
	set  columnSet
	row  *R
}

// batch is what one unit does to one table.
type batch[R any] struct {
	table  *Table[R]
	full   bool      // rows that are not in the batch are gone
	diffs  columnSet // columns for which a patch holds a difference
	deltas []delta[R]
}

// apply brings the table up to date and returns what changed. Rows that the
// batch changes but the table does not have are reported in err; the rest is
// applied all the same.
func (b *batch[R]) apply() (changes []Change[R], err error) {
	t := b.table
	changes = make([]Change[R], 0, len(b.deltas))
	if b.full {
		changes = b.sweep(changes)
	}
	for i := range b.deltas {
		d := &b.deltas[i]
		old := t.rows[d.id]
		switch d.kind {
		case deltaPut:
			if old != nil && t.equal(old, d.row) {
				continue
			}
			t.put(d.id, old, d.row)
			changes = append(changes, Change[R]{ID: d.id, Old: old, New: d.row})
		case deltaPatch:
			if old == nil {
				err = fmt.Errorf("table %s, row %s: %w", t.name, d.id, errUnknown)
				continue
			}
			row := b.patched(old, d)
			if t.equal(old, row) {
				continue
			}
			t.put(d.id, old, row)
			changes = append(changes, Change[R]{ID: d.id, Old: old, New: row})
		case deltaDelete:
			if old == nil {
				continue // it never passed our condition, or was unreadable
			}
			t.remove(d.id, old)
			changes = append(changes, Change[R]{ID: d.id, Old: old})
		}
	}
	return changes, err
}

// patched returns a copy of old with the columns of d changed.
func (b *batch[R]) patched(old *R, d *delta[R]) *R {
	row := new(R)
	*row = *old
	for i := range b.table.columns {
		if !d.set.has(i) {
			continue
		}
		c := &b.table.columns[i]
		if b.diffs.has(i) {
			c.patch(row, d.row)
		} else {
			c.assign(row, d.row)
		}
	}
	return row
}

// sweep removes the rows that a full read does not mention any more.
func (b *batch[R]) sweep(changes []Change[R]) []Change[R] {
	t := b.table
	if len(t.rows) == 0 {
		return changes
	}
	seen := make(map[ovsdb.UUID]struct{}, len(b.deltas))
	for i := range b.deltas {
		seen[b.deltas[i].id] = struct{}{}
	}
	for id, old := range t.rows {
		if _, ok := seen[id]; !ok {
			t.remove(id, old)
			changes = append(changes, Change[R]{ID: id, Old: old})
		}
	}
	return changes
}
