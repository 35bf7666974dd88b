package ovsdb

import (
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// serverMonitor is the id of the monitor of the _Server database, which tells
// what databases a server has and how they do (ovsdb-server(5), ovsdb(7)).
const serverMonitor = "server"

// serverRow is a row of table Database of database _Server.
type serverRow struct {
	name      string
	model     string // "standalone", "clustered" or "relay"
	connected bool
	leader    bool
	schema    string // empty: not known yet
	cluster   UUID
	index     int64 // of the raft log, clustered only
}

// clusterPosition is how far the data of a cluster has been seen. A server that
// is behind would take the client back in time.
type clusterPosition struct {
	cluster UUID
	index   int64
}

// askServer asks for the state of the database. A server that has no _Server
// database (before Open vSwitch 2.9) is asked for the schema only.
func (a *attempt) askServer() {
	params := []byte(`["_Server","` + serverMonitor + `",{"Database":[{"columns":` +
		`["name","model","connected","leader","schema","cid","index"]}]}]`)
	a.conn.Call("monitor", params, &Call{
		Result: a.serverRows,
		Failed: func(*RPCError) error {
			a.askSchema()
			return nil
		},
	})
}

func (a *attempt) askSchema() {
	params := append(AppendString([]byte{'['}, a.database), ']')
	a.conn.Call("get_schema", params, &Call{
		Result: func(s *Stream) error {
			text := s.Raw()
			if s.Err() != nil {
				return s.Err()
			}
			db, err := schema.Parse(text)
			if err != nil {
				return err
			}
			return a.start(db)
		},
	})
}

// serverUpdate handles an update of the state.
func (a *attempt) serverUpdate(rest *Stream) error {
	for rest.NextItem() {
		if err := a.serverRows(rest); err != nil {
			return err
		}
	}
	return rest.Err()
}

// serverRows reads <table-updates> of _Server and judges the database's row.
func (a *attempt) serverRows(s *Stream) error {
	d := NewDecoder(new(Interner))
	d.Reset(s.Raw())
	if s.Err() != nil {
		return s.Err()
	}
	var row *serverRow
	gone := false
	var key []byte
	for d.BeginObject(); d.NextKey(&key); { // tables: there is one
		for d.BeginObject(); d.NextKey(&key); { // rows
			newRow, oldRow := decodeServerRow(d)
			switch {
			case newRow != nil && newRow.name == a.database:
				row = newRow
			case newRow == nil && oldRow != nil && oldRow.name == a.database:
				gone = true
			}
		}
	}
	if err := d.End(); err != nil {
		return fmt.Errorf("database _Server: %w", err)
	}
	switch {
	case row != nil:
		return a.judge(row)
	case gone || a.since.IsZero():
		return &unfitError{"the server does not have database " + a.database}
	}
	return nil
}

// decodeServerRow reads a <row-update>.
func decodeServerRow(d *Decoder) (newRow, oldRow *serverRow) {
	var key []byte
	for d.BeginObject(); d.NextKey(&key); {
		row := new(serverRow)
		if string(key) == "new" {
			newRow = row
		} else {
			oldRow = row
		}
		for d.BeginObject(); d.NextKey(&key); {
			switch string(key) {
			case "name":
				row.name = d.Text()
			case "model":
				row.model = d.Text()
			case "connected":
				row.connected = d.Bool()
			case "leader":
				row.leader = d.Bool()
			case "schema":
				d.Elements(func() { row.schema = d.Text() })
			case "cid":
				d.Elements(func() { row.cluster = d.UUID() })
			case "index":
				d.Elements(func() { row.index = d.Int() })
			default:
				d.Skip()
			}
		}
	}
	return newRow, oldRow
}

// unfitError says why a server is not the one to use now.
type unfitError struct{ why string }

func (e *unfitError) Error() string { return e.why }

var (
	errNoSchema  = &unfitError{"the server does not have the database's schema yet"}
	errCutOff    = &unfitError{"clustered database server is disconnected from cluster"}
	errNotLeader = &unfitError{"clustered database server is not cluster leader"}
)

// judge goes on if the server is fit to serve the database, and otherwise says
// why not.
func (a *attempt) judge(row *serverRow) error {
	switch {
	case row.schema == "":
		return errNoSchema
	case row.model != "standalone" && !row.connected:
		return errCutOff
	case row.model != "standalone" && a.cfg.LeaderOnly && !row.leader:
		return errNotLeader
	}
	if row.model == "clustered" {
		seen := &a.cluster
		if a.forget.Swap(false) {
			*seen = clusterPosition{}
		}
		if seen.cluster == row.cluster && row.index < seen.index {
			return &unfitError{fmt.Sprintf("clustered database server has stale data: its index is %d, the client has seen %d",
				row.index, seen.index)}
		}
		seen.cluster, seen.index = row.cluster, row.index
	}
	if !a.since.IsZero() {
		return nil
	}
	db, err := schema.Parse([]byte(row.schema))
	if err != nil {
		return err
	}
	return a.start(db)
}
