package idl

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// unit is what the server sent at once: a transaction, a few that it merged, or
// a complete read.
type unit struct {
	info    Info
	updates []tableUpdate // by index of the member, nil if it has none
	rows    int
	after   func() // run by the owner once the unit is applied, may be nil
}

// apply changes the tables. It reports whether anything changed.
func (u *unit) apply() (changed bool, err error) {
	var errs []error
	for _, t := range u.updates {
		if t == nil {
			continue
		}
		c, err := t.apply()
		changed = changed || c
		if err != nil {
			errs = append(errs, err)
		}
	}
	if u.after != nil {
		u.after()
	}
	return changed, errors.Join(errs...)
}

// form is a format of <table-updates>.
type form int

const (
	formV1 form = 1 // RFC 7047, section 4.1.3
	formV2 form = 2 // ovsdb-server(7), section 4.1.14
)

// unitReader decodes units.
type unitReader struct {
	members []Member
	byName  map[string]int
	decoder *ovsdb.Decoder
	log     *slog.Logger
}

func newUnitReader(members []Member, log *slog.Logger) *unitReader {
	r := &unitReader{
		members: members,
		byName:  make(map[string]int, len(members)),
		decoder: ovsdb.NewDecoder(new(ovsdb.Interner)),
		log:     log,
	}
	for i, m := range members {
		r.byName[m.tableName()] = i
	}
	return r
}

// read decodes <table-updates>. full: rows that are not in it are gone. An
// error means that the connection is unusable; a row that cannot be read is
// left out, logged and counted.
func (r *unitReader) read(s *ovsdb.Stream, f form, full bool) (*unit, error) {
	u := &unit{updates: make([]tableUpdate, len(r.members))}
	if full {
		for i, m := range r.members {
			u.updates[i] = m.begin(true)
		}
	}
	var key []byte
	for s.BeginObject(); s.NextKey(&key); {
		i, ok := r.byName[string(key)]
		if !ok {
			s.Raw()
			continue
		}
		if u.updates[i] == nil {
			u.updates[i] = r.members[i].begin(false)
		}
		r.table(s, f, u, i)
	}
	for _, t := range u.updates {
		if t != nil {
			u.rows += t.rows()
		}
	}
	if u.info.Dropped > maxDroppedLogs {
		r.log.Error("more rows could not be read", "rows", u.info.Dropped-maxDroppedLogs)
	}
	return u, s.Err()
}

// maxDroppedLogs bounds the lines that one unit can write.
const maxDroppedLogs = 10

// table decodes the <table-update> of one table.
func (r *unitReader) table(s *ovsdb.Stream, f form, u *unit, i int) {
	t := u.updates[i]
	var key []byte
	for s.BeginObject(); s.NextKey(&key); {
		id, ok := ovsdb.DecodeUUID(key)
		var err error
		if !ok {
			err = fmt.Errorf("table %s: %q is not a UUID", r.members[i].tableName(), key)
			s.Raw()
		} else {
			r.decoder.Reset(s.Raw())
			if s.Err() != nil {
				return
			}
			if f == formV1 {
				err = t.decodeV1(r.decoder, id)
			} else {
				err = t.decodeV2(r.decoder, id)
			}
		}
		if err != nil {
			if u.info.Dropped++; u.info.Dropped <= maxDroppedLogs {
				r.log.Error("row left out: it could not be read", "err", err)
			}
		}
	}
}
