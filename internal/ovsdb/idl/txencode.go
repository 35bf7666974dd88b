package idl

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// request is a transaction in the form of one server's schema.
type request struct {
	params  []byte // of "transact"; nil if every operation is left out
	slots   []slot // one for each operation in params
	leftOut []string
}

// slot says what an operation on the wire is.
type slot struct {
	op    int // index in Tx.ops, -1: a comment or an assertion
	kind  string
	table string
	ints  bool
}

// encode encodes the transaction for a server.
func (tx *Tx) encode(database string, db *schema.Database) (*request, error) {
	e := txEncoder{db: db, gone: make(names), req: new(request)}
	e.b = ovsdb.AppendString([]byte{'['}, database)
	for _, o := range tx.ops {
		if o.kind == opInsert && db.Tables[o.table] == nil {
			e.gone[o.name] = true
		}
	}
	for _, lock := range tx.locks {
		e.begin(slot{op: -1, kind: "assert"})
		e.b = ovsdb.AppendString(append(e.b, `,"lock":`...), lock)
		e.b = append(e.b, '}')
	}
	sent := 0
	for i := range tx.ops {
		ok, err := e.op(i, &tx.ops[i])
		if err != nil {
			return nil, &OpError{Index: i, Op: string(tx.ops[i].kind), Table: tx.ops[i].table, Tag: tagUnfit, Details: err.Error()}
		}
		if ok {
			sent++
		}
	}
	if sent == 0 {
		return &request{leftOut: e.req.leftOut}, nil
	}
	for _, c := range tx.comments {
		e.begin(slot{op: -1, kind: "comment"})
		e.b = ovsdb.AppendString(append(e.b, `,"comment":`...), c)
		e.b = append(e.b, '}')
	}
	e.req.params = append(e.b, ']')
	return e.req, nil
}

type txEncoder struct {
	db   *schema.Database
	b    []byte
	gone names // inserts that are left out
	req  *request
}

// begin starts an operation, which the caller ends with a brace.
func (e *txEncoder) begin(s slot) {
	e.b = append(e.b, `,{"op":"`...)
	e.b = append(append(e.b, s.kind...), '"')
	e.req.slots = append(e.req.slots, s)
}

func (e *txEncoder) leaveOut(what string) { e.req.leftOut = append(e.req.leftOut, what) }

// op encodes an operation; false: there is nothing of it that the server has.
func (e *txEncoder) op(i int, o *op) (bool, error) {
	table := e.db.Tables[o.table]
	if table == nil {
		e.leaveOut("table " + o.table)
		return false, nil
	}
	var row, columns, mutation []byte
	var err error
	switch o.kind {
	case opInsert:
		row, _, err = e.row(o, table)
	case opUpdate, opWait:
		if row, columns, err = e.row(o, table); columns == nil {
			return false, err // nothing to set or to look at
		}
	case opMutate:
		if mutation, err = e.mutation(o, table); mutation == nil {
			return false, err
		}
	case opRead:
		if columns = e.columns(o, table); columns == nil {
			return false, nil
		}
	}
	if err != nil {
		return false, err
	}
	e.begin(slot{op: i, kind: string(o.kind), table: o.table, ints: o.ints})
	if o.kind == opInsert {
		e.b = ovsdb.AppendString(append(e.b, `,"uuid-name":`...), string(o.name))
		e.member("row", row)
	} else {
		e.b = append(e.b, `,"where":[["_uuid","==",`...)
		e.b = append(ovsdb.AppendUUID(e.b, o.id), "]]"...)
	}
	switch o.kind {
	case opUpdate:
		e.member("row", row)
	case opMutate:
		e.member("mutations", mutation)
	case opRead:
		e.member("columns", columns)
	case opWait:
		e.b = append(e.b, `,"timeout":0,"until":"=="`...)
		e.member("columns", columns)
		e.b = append(append(append(e.b, `,"rows":[`...), row...), ']')
	}
	e.b = ovsdb.AppendString(append(e.b, `,"table":`...), o.table)
	e.b = append(e.b, '}')
	return true, nil
}

// columns encodes the array of the columns that are read, which is nil if the server has none of them.
func (e *txEncoder) columns(o *op, table *schema.Table) (list []byte) {
	for _, name := range o.columns {
		col, ok := table.Columns[name]
		if number := (schema.Column{Key: schema.Integer, Min: 1, Max: 1}); !ok || o.ints && col != number {
			e.leaveOut("column " + o.table + "." + name)
			continue
		}
		if list == nil {
			list = []byte{'['}
		} else {
			list = append(list, ',')
		}
		list = ovsdb.AppendString(list, name)
	}
	if list == nil {
		return nil
	}
	return append(list, ']')
}

func (e *txEncoder) member(name string, value []byte) {
	e.b = append(e.b, `,"`+name+`":`...)
	e.b = append(e.b, value...)
}

// row encodes the <row> of an operation and the array of its columns' names,
// which is nil if the server has none of them.
func (e *txEncoder) row(o *op, table *schema.Table) (row, columns []byte, err error) {
	row = []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(o.row)) {
		col, ok := table.Columns[name]
		if !ok {
			e.leaveOut("column " + o.table + "." + name)
			continue
		}
		if len(row) > 1 {
			row, columns = append(row, ','), append(columns, ',')
		}
		row = append(ovsdb.AppendString(row, name), ':')
		columns = ovsdb.AppendString(columns, name)
		if row, err = appendValue(row, col, o.row[name], whole, e.gone); err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", name, err)
		}
	}
	if columns != nil {
		columns = append(append([]byte{'['}, columns...), ']')
	}
	return append(row, '}'), columns, nil
}

// mutation encodes the mutations of an operation, nil if the server does not
// have the column.
func (e *txEncoder) mutation(o *op, table *schema.Table) ([]byte, error) {
	col, ok := table.Columns[o.column]
	if !ok {
		e.leaveOut("column " + o.table + "." + o.column)
		return nil, nil
	}
	if o.mutator == "delete" && col.IsMap() && !isMap(o.value) {
		col.Value = schema.None // a set of keys
	}
	b := ovsdb.AppendString([]byte("[["), o.column)
	b = ovsdb.AppendString(append(b, ','), o.mutator)
	b, err := appendValue(append(b, ','), col, o.value, partial, e.gone)
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", o.column, err)
	}
	return append(b, "]]"...), nil
}
