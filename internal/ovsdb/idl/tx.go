package idl

import (
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Tx is a transaction that is being put together. The zero Tx is empty and
// ready to use. It is encoded when it is sent, by the schema of the server that
// is connected then: operations on tables and columns that the server does not
// have are left out and counted.
//
// Column values are plain Go: string, int or int64, bool, float64, ovsdb.UUID,
// ovsdb.NamedUUID; a slice of these for a set; a map for a map. A scalar stands
// for a set of one; the zero UUID, nil and an Opt without a value for the empty
// set. A value that does not fit its column's type fails the transaction.
type Tx struct {
	ops      []op
	comments []string
	locks    []string
	inserts  int
	parts    []partAt
	admit    func(Part) bool
}

// op is one operation in neutral form.
type op struct {
	kind    opKind
	table   string
	id      ovsdb.UUID // the row of all but insert
	name    ovsdb.NamedUUID
	row     map[string]any
	column  string   // mutate
	columns []string // read
	ints    bool     // read: they are integers
	mutator string
	value   any
}

type opKind string

const (
	opInsert opKind = "insert"
	opUpdate opKind = "update"
	opMutate opKind = "mutate"
	opDelete opKind = "delete"
	opWait   opKind = "wait"
	opRead   opKind = "select"
)

// Insert adds a row. The result refers to it in later values of the same
// transaction, and finds its UUID in the Result. Columns that row does not name
// get their defaults.
func (tx *Tx) Insert(table string, row map[string]any) ovsdb.NamedUUID {
	tx.inserts++
	name := ovsdb.NamedUUID(fmt.Sprintf("row%d", tx.inserts))
	tx.ops = append(tx.ops, op{kind: opInsert, table: table, name: name, row: row})
	return name
}

// Update sets columns of a row. A row that is gone by then is not an error: the
// operation's Count is 0.
func (tx *Tx) Update(table string, id ovsdb.UUID, row map[string]any) {
	tx.ops = append(tx.ops, op{kind: opUpdate, table: table, id: id, row: row})
}

// Mutate changes a column of a row relative to what it holds. mutator is
// "insert" or "delete" for sets and maps, "+=", "-=", "*=", "/=" or "%=" for
// numbers. To delete from a map, value is a map or a slice of keys.
func (tx *Tx) Mutate(table string, id ovsdb.UUID, column, mutator string, value any) {
	tx.ops = append(tx.ops, op{kind: opMutate, table: table, id: id, column: column, mutator: mutator, value: value})
}

// Delete removes a row.
func (tx *Tx) Delete(table string, id ovsdb.UUID) {
	tx.ops = append(tx.ops, op{kind: opDelete, table: table, id: id})
}

// Wait makes the transaction fail, with ErrTryAgain, unless the columns of the
// row hold these values when it is executed.
func (tx *Tx) Wait(table string, id ovsdb.UUID, row map[string]any) {
	tx.ops = append(tx.ops, op{kind: opWait, table: table, id: id, row: row})
}

// Comment adds a line to the comment that the server keeps in its log.
func (tx *Tx) Comment(text string) { tx.comments = append(tx.comments, text) }

// Assert makes the transaction fail unless this client holds the lock.
func (tx *Tx) Assert(lock string) { tx.locks = append(tx.locks, lock) }

// Len returns the number of operations, without comments and assertions.
func (tx *Tx) Len() int { return len(tx.ops) }
