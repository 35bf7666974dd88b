package idl

import "github.com/sluice-gw/sluice/internal/ovsdb"

// Read looks up a column of a row, a map of strings, that the tables do not hold; it
// is in OpResult.Map. It is for what somebody asks for now and then. A row that
// is gone is not an error: the operation's Count is 0.
func (tx *Tx) Read(table string, id ovsdb.UUID, column string) {
	tx.ops = append(tx.ops, op{kind: opRead, table: table, id: id, column: column})
}

// decodeRows reads the answer to a Read, rows with one column (RFC 7047, section 5.2.2).
func decodeRows(d *ovsdb.Decoder, r *OpResult) {
	var key []byte
	for d.BeginArray(); d.NextItem(); r.Count++ {
		for d.BeginObject(); d.NextKey(&key); {
			r.Map = decodeMap(d, atomOf[string](), atomOf[string]())
		}
	}
}
