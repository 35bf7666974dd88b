package idl

import (
	"fmt"
	"strings"
	"sync"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// monitorID names our monitor to the server; a connection has only one.
const monitorID = "data"

// monitor asks the server for rows and queues what it sends as units.
type monitor struct {
	database string
	extra    map[string][]string
	reader   *unitReader
	inbox    *inbox
	// synced is called on the session goroutine with the first unit of a
	// connection, which obeys the conditions seq. What it returns runs on the
	// owner's once that is applied.
	synced func(full bool, seq uint64) (after func())
	// obeyed is called on the owner's goroutine when conditions hold.
	obeyed func(seq uint64)

	missing []string // used by the session goroutine only

	// Guarded by mu. The session goroutine alone changes them, but for stale
	// and the conditions.
	mu       sync.Mutex
	conn     *ovsdb.Conn // nil while there is none
	db       *schema.Database
	columns  map[string][]string // to ask for, by table
	version  monitorVersion
	inStep   bool       // the monitor request has been answered
	last     ovsdb.UUID // the transaction that the queued units lead to
	stale    bool       // do not resume from last after this connection
	wanted   conditionSet
	inFlight *conditionSet // sent with monitor_cond_change, not acknowledged
	acked    conditionSet  // what the server goes by
}

// monitorVersion is a method to ask for rows; servers know those up to one.
type monitorVersion int

const (
	monitorPlain monitorVersion = 1 + iota
	monitorCond                 // with conditions, Open vSwitch 2.6
	monitorSince                // and resuming, Open vSwitch 2.12
)

var monitorMethods = map[monitorVersion]string{
	monitorPlain: "monitor",
	monitorCond:  "monitor_cond",
	monitorSince: "monitor_cond_since",
}

func (v monitorVersion) form() form {
	if v == monitorPlain {
		return formV1
	}
	return formV2
}

// up starts monitoring on a new connection.
func (m *monitor) up(conn *ovsdb.Conn, db *schema.Database) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bind(db)
	m.conn, m.db, m.inStep = conn, db, false
	m.request(monitorSince)
}

// bind fits the tables to the server's schema. Locked.
func (m *monitor) bind(db *schema.Database) {
	m.columns, m.missing = make(map[string][]string), nil
	for _, t := range m.reader.members {
		name := t.tableName()
		table := db.Tables[name]
		if table == nil {
			m.missing = append(m.missing, "table "+name)
			continue
		}
		columns, missing := t.bind(table, m.extra[name])
		m.columns[name] = columns
		m.missing = append(m.missing, missing...)
	}
}

// request asks for the rows. If they are to be resumed it is under the
// conditions that they were received under, because the server tells only what
// changed since. Locked.
func (m *monitor) request(version monitorVersion) {
	if version < monitorSince {
		m.last = ovsdb.UUID{}
	}
	if m.last.IsZero() {
		m.acked = m.wanted
	}
	m.version = version
	b := ovsdb.AppendString([]byte{'['}, m.database)
	b = append(b, `,"`+monitorID+`",{`...)
	for _, t := range m.reader.members {
		name := t.tableName()
		columns, ok := m.columns[name]
		if !ok {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = ovsdb.AppendString(b, name)
		b = append(b, `:[{"columns":[`...)
		for j, c := range columns {
			if j > 0 {
				b = append(b, ',')
			}
			b = ovsdb.AppendString(b, c)
		}
		b = append(b, ']')
		if version > monitorPlain {
			b = append(b, `,"where":`...)
			b = m.acked.appendWhere(b, name, m.db, m.reader.log)
		}
		b = append(b, `}]`...)
	}
	b = append(b, '}')
	if version == monitorSince {
		b = ovsdb.AppendString(append(b, ','), m.last.String())
	}
	m.conn.Call(monitorMethods[version], append(b, ']'), &ovsdb.Call{
		Result: m.reply,
		Failed: m.refused,
	})
}

// refused tries an older method with a server that does not know this one.
func (m *monitor) refused(err *ovsdb.RPCError) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.version == monitorPlain || !strings.Contains(err.Text, "unknown method") {
		return err
	}
	m.request(m.version - 1)
	return nil
}

// reply handles the answer to the monitor request: the rows, or what happened
// since the last transaction.
func (m *monitor) reply(s *ovsdb.Stream) error {
	full, last := true, ovsdb.UUID{}
	if m.version == monitorSince {
		var err error
		if full, last, err = readSince(s); err != nil {
			return err
		}
	}
	u, err := m.reader.read(s, m.version.form(), full)
	if err != nil {
		return err
	}
	if m.version == monitorSince && s.NextItem() {
		return fmt.Errorf("expected three items")
	}
	u.info.TxnID, u.info.Initial = last, full
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last, m.inStep = last, true
	u.after = m.synced(full, m.acked.seq)
	m.inbox.push(event{unit: u})
	m.sendConditions()
	return nil
}

// readSince reads [found, "last-txn-id", up to the updates.
func readSince(s *ovsdb.Stream) (full bool, last ovsdb.UUID, err error) {
	s.BeginArray()
	s.NextItem()
	full = string(s.Raw()) != "true"
	last = readTxnID(s)
	if !s.NextItem() {
		s.Fail(fmt.Errorf("expected [found, last transaction, updates]"))
	}
	return full, last, s.Err()
}

// readTxnID reads the next item of an array. A server that cannot resume
// sends zeros.
func readTxnID(s *ovsdb.Stream) ovsdb.UUID {
	if !s.NextItem() {
		s.Fail(fmt.Errorf("expected a transaction's UUID"))
		return ovsdb.UUID{}
	}
	text := s.Raw()
	if len(text) < 2 {
		s.Fail(fmt.Errorf("expected a transaction's UUID, got %q", text))
		return ovsdb.UUID{}
	}
	id, ok := ovsdb.DecodeUUID(text[1 : len(text)-1])
	if !ok {
		s.Fail(fmt.Errorf("expected a transaction's UUID, got %q", text))
	}
	return id
}

// update handles update, update2 and update3.
func (m *monitor) update(method string, rest *ovsdb.Stream) error {
	last := ovsdb.UUID{}
	f := formV2
	switch method {
	case "update":
		f = formV1
	case "update3":
		last = readTxnID(rest)
	}
	if !rest.NextItem() {
		return fmt.Errorf("expected updates")
	}
	u, err := m.reader.read(rest, f, false)
	if err != nil {
		return err
	}
	if rest.NextItem() {
		return fmt.Errorf("too many parameters")
	}
	u.info.TxnID = last
	m.mu.Lock()
	m.last = last
	m.mu.Unlock()
	m.inbox.push(event{unit: u})
	return nil
}

// down ends the use of a connection.
func (m *monitor) down() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stale || m.inFlight != nil {
		// It is not known whether rows of the conditions that were in
		// flight have been sent, so there is no state to resume from.
		m.last = ovsdb.UUID{}
	}
	m.conn, m.inStep, m.stale, m.inFlight = nil, false, false, nil
}

// distrust makes the next connection read everything.
func (m *monitor) distrust() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn == nil {
		m.last = ovsdb.UUID{}
	} else {
		m.stale = true
	}
}
