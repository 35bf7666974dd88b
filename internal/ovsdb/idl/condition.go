package idl

import (
	"bytes"
	"log/slog"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// Condition is one clause of what rows of a table are replicated: Column Op
// Value as in RFC 7047, section 5.1 <condition>. Op is "==", "!=", "<", "<=",
// ">", ">=", "includes" or "excludes". Value is plain Go as in Tx.
type Condition struct {
	Column string
	Op     string
	Value  any
}

// conditionSet is the argument of one SetConditions.
type conditionSet struct {
	seq   uint64
	where map[string][]Condition
}

// appendWhere appends the conditions of a table as the "where" of a monitor
// request: any of them has to hold.
func (cs *conditionSet) appendWhere(b []byte, table string, db *schema.Database, log *slog.Logger) []byte {
	clauses, ok := cs.where[table]
	if !ok {
		return append(b, "[true]"...)
	}
	b = append(b, '[')
	start := len(b)
	for _, c := range clauses {
		typ, ok := db.Column(table, c.Column)
		if !ok {
			continue // no row has such a column, so none passes
		}
		clause := ovsdb.AppendString([]byte{'['}, c.Column)
		clause = ovsdb.AppendString(append(clause, ','), c.Op)
		clause, err := appendValue(append(clause, ','), typ, c.Value, partial, nil)
		if err != nil {
			log.Error("condition left out", "table", table, "column", c.Column, "err", err)
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(append(b, clause...), ']')
	}
	if len(b) == start {
		b = append(b, "false"...)
	}
	return append(b, ']')
}

// setConditions takes new conditions and sends them if it can.
func (m *monitor) setConditions(where map[string][]Condition) (seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wanted = conditionSet{seq: m.wanted.seq + 1, where: where}
	m.sendConditions()
	return m.wanted.seq
}

// sendConditions sends what the server does not know yet, one change at a time.
// ovsdb-server sends the rows that a change adds and removes before it answers,
// so the answer means that they are in the queue. Locked.
func (m *monitor) sendConditions() {
	if !m.inStep || m.inFlight != nil || m.wanted.seq == m.acked.seq {
		return
	}
	change := m.conditionChange()
	if change == nil || m.version == monitorPlain {
		m.ack(m.wanted)
		return
	}
	sent := m.wanted
	m.inFlight = &sent
	b := append([]byte(`["`+monitorID+`","`+monitorID+`",`), change...)
	m.conn.Call("monitor_cond_change", append(b, ']'), &ovsdb.Call{
		Result: func(s *ovsdb.Stream) error {
			s.Raw()
			m.mu.Lock()
			defer m.mu.Unlock()
			m.inFlight = nil
			m.ack(sent)
			m.sendConditions()
			return s.Err()
		},
	})
}

// ack notes that the queued units obey cs. Locked.
func (m *monitor) ack(cs conditionSet) {
	m.acked = cs
	m.inbox.post(func() { m.obeyed(cs.seq) })
}

// conditionChange returns <monitor-cond-update-requests> for the tables whose
// conditions are new, nil if there are none. Locked.
func (m *monitor) conditionChange() []byte {
	b := []byte{'{'}
	for _, t := range m.reader.members {
		name := t.tableName()
		if _, ok := m.columns[name]; !ok {
			continue
		}
		now := m.wanted.appendWhere(nil, name, m.db, m.reader.log)
		if bytes.Equal(now, m.acked.appendWhere(nil, name, m.db, m.reader.log)) {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = ovsdb.AppendString(b, name)
		b = append(append(b, `:[{"where":`...), now...)
		b = append(b, `}]`...)
	}
	if len(b) == 1 {
		return nil
	}
	return append(b, '}')
}
