package preview

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// The databases.
const (
	nbDatabase  = "OVN_Northbound"
	sbDatabase  = "OVN_Southbound"
	vswDatabase = "Open_vSwitch"
)

// server is an ovsdb-server with one private copy of a database.
type server struct {
	*process
	database, socket string
}

// serve starts a server of a file in dir, which becomes its own.
func serve(ctx context.Context, dir, file, database string) (*server, error) {
	socket := file + ".sock"
	p, err := start(dir, "ovsdb-server", "--no-chdir", "-vconsole:warn", "-vsyslog:off", "-vfile:off",
		"--unixctl="+file+".ctl", "--remote=punix:"+socket, file)
	if err != nil {
		return nil, err
	}
	s := &server{p, database, socket}
	if err := s.listens(ctx); err != nil {
		p.end()
		return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return s, nil
}

// listens waits until the server does.
func (s *server) listens(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if nc, err := net.Dial("unix", s.socket); err == nil {
			return nc.Close()
		}
		select {
		case <-s.done:
			return s.ended()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// remote is where it listens.
func (s *server) remote() string { return "unix:" + s.socket }

// client is one that only asks.
type client struct{}

func (client) Ready(context.Context) error        { return nil }
func (client) Notify(string, *ovsdb.Stream) error { return nil }

// errAnswered ends the connection of a client when it has what it came for.
var errAnswered = errors.New("answered")

// transact executes operations, a JSON array each, and returns their results (RFC 7047, 4.1.3). What the server refuses is
// an *opError.
func (s *server) transact(ctx context.Context, ops []json.RawMessage) ([]json.RawMessage, error) {
	params := []json.RawMessage{json.RawMessage(ovsdb.AppendString(nil, s.database))}
	text, err := json.Marshal(append(params, ops...))
	if err != nil {
		return nil, err
	}
	nc, err := (&net.Dialer{}).DialContext(ctx, "unix", s.socket)
	if err != nil {
		return nil, err
	}
	conn := ovsdb.NewConn(nc, client{}, 0)
	var reply []byte
	conn.Call("transact", text, &ovsdb.Call{Result: func(r *ovsdb.Stream) error {
		reply = slices.Clone(r.Raw())
		return errAnswered
	}})
	if err := conn.Run(ctx); !errors.Is(err, errAnswered) {
		return nil, err
	}
	var results []json.RawMessage
	if err := json.Unmarshal(reply, &results); err != nil {
		return nil, fmt.Errorf("the private ovsdb-server answers %.100q: %w", reply, err)
	}
	for i, r := range results {
		e := opError{n: i + 1, of: len(ops)}
		if err := json.Unmarshal(r, &e); err != nil {
			return nil, fmt.Errorf("the private ovsdb-server answers %.100q: %w", r, err)
		}
		if e.Err != "" {
			return nil, &e
		}
	}
	return results, nil
}

// opError is the server's answer to an operation that it refuses.
type opError struct {
	Err     string `json:"error"`
	Details string `json:"details"`
	Syntax  string `json:"syntax"` // what it did not understand
	n, of   int    // the operation, from 1; beyond of: the commit of all
}

// Error has all that the server said.
func (e *opError) Error() string {
	text := fmt.Sprintf("operation %d of %d: ", e.n, e.of)
	if e.n > e.of {
		text = "the operations together: "
	}
	text += e.Err
	if e.Details != "" {
		text += ": " + e.Details
	}
	if e.Syntax != "" {
		text += " (at " + e.Syntax + ")"
	}
	return text
}

// op is one operation.
func op(format string, args ...any) []json.RawMessage {
	return []json.RawMessage{json.RawMessage(fmt.Sprintf(format, args...))}
}

// integer reads the only row of a table that has one.
func (s *server) integer(ctx context.Context, table, column string) (int64, error) {
	results, err := s.transact(ctx, op(`{"op":"select","table":%q,"where":[],"columns":[%q]}`, table, column))
	if err != nil {
		return 0, err
	}
	var r struct{ Rows []map[string]int64 }
	if err := json.Unmarshal(results[0], &r); err != nil || len(r.Rows) != 1 {
		return 0, fmt.Errorf("the copy of %s has %d rows in %s, not one: is it the database of a deployment that runs?", s.database, len(r.Rows), table)
	}
	return r.Rows[0][column], nil
}
