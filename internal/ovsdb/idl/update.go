package idl

import (
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// update decodes the part of an update that concerns one table.
type update[R any] struct {
	batch[R]
	member *member[R]
}

func (u *update[R]) rows() int { return len(u.deltas) }

func (u *update[R]) apply() (changed bool, err error) {
	changes, err := u.batch.apply()
	if len(changes) > 0 {
		u.member.deliver(changes)
	}
	return len(changes) > 0, err
}

// add finishes a row. A row that could not be read is recorded as such, so that
// a full read does not take it for deleted.
func (u *update[R]) add(d delta[R], err error) error {
	if err != nil {
		d.kind, d.row = deltaKeep, nil
		err = fmt.Errorf("table %s, row %s: %w", u.table.name, d.id, err)
	}
	u.deltas = append(u.deltas, d)
	return err
}

// decodeV2 reads a <row-update2> (ovsdb-server(7), section 4.1.14): an object
// with exactly one of "initial", "insert", "modify" and "delete".
func (u *update[R]) decodeV2(dec *ovsdb.Decoder, id ovsdb.UUID) error {
	d := delta[R]{id: id}
	members := 0
	var key []byte
	for dec.BeginObject(); dec.NextKey(&key); members++ {
		switch string(key) {
		case "initial", "insert":
			d.kind = deltaPut
			d.row, d.set = u.decodeRow(dec, id)
		case "modify":
			d.kind = deltaPatch
			d.row, d.set = u.decodeRow(dec, id)
		case "delete":
			d.kind = deltaDelete
			dec.Skip()
		default:
			dec.Fail(fmt.Errorf("unknown kind of update %q", key))
		}
	}
	if members != 1 {
		dec.Fail(fmt.Errorf("expected one of initial, insert, modify and delete, got %d members", members))
	}
	return u.add(d, dec.End())
}

// decodeV1 reads a <row-update> (RFC 7047, section 4.1.3): "new" has the whole
// row, and only a deleted row has none.
func (u *update[R]) decodeV1(dec *ovsdb.Decoder, id ovsdb.UUID) error {
	d := delta[R]{id: id, kind: deltaDelete}
	members := 0
	var key []byte
	for dec.BeginObject(); dec.NextKey(&key); {
		switch string(key) {
		case "new":
			d.kind = deltaPut
			d.row, d.set = u.decodeRow(dec, id)
			members++
		case "old":
			dec.Skip()
			members++
		default:
			dec.Fail(fmt.Errorf("unknown kind of update %q", key))
		}
	}
	if members == 0 {
		dec.Fail(fmt.Errorf("expected old or new, got no member"))
	}
	return u.add(d, dec.End())
}

// decodeRow reads a <row> into a new row. Columns that were not asked for are
// passed over.
func (u *update[R]) decodeRow(dec *ovsdb.Decoder, id ovsdb.UUID) (row *R, set columnSet) {
	t := u.table
	row = new(R)
	*t.id(row) = id
	var key []byte
	for dec.BeginObject(); dec.NextKey(&key); {
		i, ok := t.byName[string(key)]
		if !ok || !u.member.monitored.has(i) {
			dec.Skip()
			continue
		}
		t.columns[i].decode(dec, row)
		if dec.Err() != nil {
			dec.Wrap("column " + t.columns[i].name)
			return row, set
		}
		set.add(i)
	}
	return row, set
}
