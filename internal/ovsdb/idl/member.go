package idl

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// Member is a table as a replica sees it, whatever its row type. Bind makes it.
type Member interface {
	tableName() string
	// bind fits the table to the schema of the server that is connected now
	// and returns the columns to ask for, and in words what it lacks.
	bind(server *schema.Table, extra []string) (columns, missing []string)
	// begin starts a batch for an update that is arriving.
	begin(full bool) tableUpdate
	// values are the columns of a row by name, nil if there is none. It runs on the goroutine that owns the table.
	values(id ovsdb.UUID) map[string]any
}

// tableUpdate is the part of a unit that concerns one table.
type tableUpdate interface {
	// decodeV1 and decodeV2 add one row's <row-update> or <row-update2>.
	decodeV1(d *ovsdb.Decoder, id ovsdb.UUID) error
	decodeV2(d *ovsdb.Decoder, id ovsdb.UUID) error
	// rows returns the number of row updates.
	rows() int
	// apply changes the table and delivers the changes. It is the only method
	// that runs on the goroutine that owns the table.
	apply() (changed bool, err error)
}

// Bind joins a table to a replica. deliver gets the changes of each unit.
func Bind[R any](t *Table[R], deliver func([]Change[R])) Member {
	return &member[R]{table: t, deliver: deliver}
}

type member[R any] struct {
	table   *Table[R]
	deliver func([]Change[R])
	// For the connection that is up; used by the session goroutine only.
	monitored columnSet
	diffs     columnSet
}

func (m *member[R]) tableName() string { return m.table.name }

func (m *member[R]) values(id ovsdb.UUID) map[string]any {
	row := m.table.Get(id)
	if row == nil {
		return nil
	}
	out := make(map[string]any, len(m.table.columns))
	for i := range m.table.columns {
		out[m.table.columns[i].name] = m.table.columns[i].get(row)
	}
	return out
}

func (m *member[R]) bind(server *schema.Table, extra []string) (columns, missing []string) {
	m.monitored, m.diffs = 0, 0
	for i := range m.table.columns {
		c := &m.table.columns[i]
		if c.extra && !slices.Contains(extra, c.name) {
			continue
		}
		typ, ok := server.Columns[c.name]
		if !ok {
			missing = append(missing, fmt.Sprintf("column %s.%s", m.table.name, c.name))
			continue
		}
		if err := c.accepts(typ); err != nil {
			missing = append(missing, fmt.Sprintf("column %s.%s (%v)", m.table.name, c.name, err))
			continue
		}
		columns = append(columns, c.name)
		m.monitored.add(i)
		if typ.Composite() {
			m.diffs.add(i)
		}
	}
	return columns, missing
}

func (m *member[R]) begin(full bool) tableUpdate {
	return &update[R]{
		batch:  batch[R]{table: m.table, full: full, diffs: m.diffs},
		member: m,
	}
}
