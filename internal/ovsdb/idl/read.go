package idl

import "github.com/sluice-gw/sluice/internal/ovsdb"

// Read looks up a column of a row, a map of strings, that the tables do not hold; it
// is in OpResult.Map. It is for what somebody asks for now and then. A row that
// is gone is not an error: the operation's Count is 0.
func (tx *Tx) Read(table string, id ovsdb.UUID, column string) {
	tx.ops = append(tx.ops, op{kind: opRead, table: table, id: id, columns: []string{column}})
}

// ReadInts is Read for columns with one integer each; they are in OpResult.Ints, apart from those that
// the server does not have, or as something else.
func (tx *Tx) ReadInts(table string, id ovsdb.UUID, columns ...string) {
	tx.ops = append(tx.ops, op{kind: opRead, table: table, id: id, columns: columns, ints: true})
}

// decodeRows reads the answer to a Read or, with ints, a ReadInts (RFC 7047, section 5.2.2).
func decodeRows(d *ovsdb.Decoder, r *OpResult, ints bool) {
	var key []byte
	for d.BeginArray(); d.NextItem(); r.Count++ {
		for d.BeginObject(); d.NextKey(&key); {
			if !ints {
				r.Map = decodeMap(d, atomOf[string](), atomOf[string]())
				continue
			}
			if r.Ints == nil {
				r.Ints = map[string]int64{}
			}
			column := string(key)
			r.Ints[column] = d.Int()
		}
	}
}
