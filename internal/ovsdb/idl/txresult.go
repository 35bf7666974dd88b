package idl

import (
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// result reads the answer to a transaction: an object or null for each
// operation, and an error behind them if it failed as a whole (RFC 7047,
// section 4.1.3).
func (req *request) result(s *ovsdb.Stream, tx *Tx) (Result, error) {
	res := req.emptyResult(tx)
	d := ovsdb.NewDecoder(new(ovsdb.Interner))
	n := 0
	for s.BeginArray(); s.NextItem(); n++ {
		sl := slot{op: -1, kind: "commit"}
		if n < len(req.slots) {
			sl = req.slots[n]
		}
		d.Reset(s.Raw())
		r := decodeOpResult(d, sl)
		if s.Err() == nil && d.End() != nil {
			return Result{}, fmt.Errorf("result of operation %d: %w", n, d.Err())
		}
		if r.Err != nil && res.Err == nil {
			res.Err = r.Err
		}
		if sl.op >= 0 {
			res.Ops[sl.op] = r
		}
	}
	if s.Err() == nil && res.Err == nil && n < len(req.slots) {
		return Result{}, fmt.Errorf("the server answers %d of %d operations", n, len(req.slots))
	}
	if res.Err == nil {
		res.inserted = make(map[ovsdb.NamedUUID]ovsdb.UUID)
		for i, r := range res.Ops {
			if tx.ops[i].kind == opInsert && !r.Skipped {
				res.inserted[tx.ops[i].name] = r.UUID
			}
		}
	}
	return res, s.Err()
}

// emptyResult returns a result in which operations that were not sent are
// marked.
func (req *request) emptyResult(tx *Tx) Result {
	res := Result{Ops: make([]OpResult, len(tx.ops)), LeftOut: req.leftOut}
	for i := range res.Ops {
		res.Ops[i].Skipped = true
	}
	for _, sl := range req.slots {
		if sl.op >= 0 {
			res.Ops[sl.op].Skipped = false
		}
	}
	return res
}

func decodeOpResult(d *ovsdb.Decoder, sl slot) OpResult {
	var r OpResult
	if d.Null() {
		return r // not executed
	}
	var tag, details string
	failed := false
	var key []byte
	for d.BeginObject(); d.NextKey(&key); {
		switch string(key) {
		case "count":
			r.Count = d.Int()
		case "rows":
			decodeRows(d, &r, sl.ints)
		case "uuid":
			r.UUID = d.UUID()
		case "error":
			if !d.Null() {
				tag, failed = d.Text(), true
			}
		case "details":
			if !d.Null() {
				details = d.Text()
			}
		default:
			d.Skip()
		}
	}
	if failed {
		r.Err = &OpError{Index: sl.op, Op: sl.kind, Table: sl.table, Tag: tag, Details: details}
	}
	return r
}
