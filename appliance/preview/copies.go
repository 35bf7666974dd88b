package preview

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// copies are the private copies of databases: a directory and the programs that work in it.
type copies struct {
	dir     string
	running []*process
	files   tlsconf.Files // for ssl: remotes
}

func newCopies(files tlsconf.Files) (*copies, error) {
	dir, err := os.MkdirTemp("", "sluice-plan") // short: the name of a unix socket has 107 bytes at most
	if err != nil {
		return nil, fmt.Errorf("a plan needs a temporary directory (TMPDIR names another place): %w", err)
	}
	return &copies{dir: dir, files: files}, nil
}

// close ends the programs and removes what they worked on.
func (c *copies) close() error {
	for _, p := range slices.Backward(c.running) {
		p.end()
	}
	return os.RemoveAll(c.dir)
}

// isRemote tells a server from a file.
func isRemote(db string) bool {
	return slices.ContainsFunc([]string{"unix:", "tcp:", "ssl:"}, func(scheme string) bool { return strings.HasPrefix(db, scheme) })
}

// take makes a copy of a database, from a server or from a file, and returns its file.
func (c *copies) take(ctx context.Context, from, database, name string) (file string, err error) {
	file = filepath.Join(c.dir, name)
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if isRemote(from) {
		err = run(ctx, f, "ovsdb-client", append(clientOptions(c.files), "backup", from, database)...)
		if err != nil {
			return "", fmt.Errorf("%s database %s: %w", database, from, err)
		}
		return file, nil
	}
	saved, err := os.Open(from)
	if err != nil {
		return "", fmt.Errorf("%s database: %w (a server is unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT)", database, err)
	}
	defer saved.Close()
	if _, err := io.Copy(f, saved); err != nil {
		return "", fmt.Errorf("%s database %s: %w", database, from, err)
	}
	if file, err = standalone(ctx, file, database); err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	return file, nil
}

// standalone makes a file that one server alone can serve of any database file, if it is of the right database.
func standalone(ctx context.Context, file, database string) (string, error) {
	var name bytes.Buffer
	if err := run(ctx, &name, "ovsdb-tool", "db-name", file); err != nil {
		return "", fmt.Errorf("it is no database file (of ovsdb-server, or made by ovsdb-client backup): %w", err)
	}
	if got := strings.TrimSpace(name.String()); got != database {
		return "", fmt.Errorf("it holds the database %s, not %s", got, database)
	}
	err := run(ctx, io.Discard, "ovsdb-tool", "db-is-standalone", file)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 { // ovsdb-tool(1): it is a member of a cluster
		err = run(ctx, io.Discard, "ovsdb-tool", "cluster-to-standalone", file+".db", file)
		file += ".db"
	}
	return file, err
}

// clientOptions are the options of ovsdb-client for ssl: remotes.
func clientOptions(files tlsconf.Files) (options []string) {
	for _, o := range []struct{ name, value string }{{"--private-key=", files.PrivateKey}, {"--certificate=", files.Certificate}, {"--ca-cert=", files.CACert}} {
		if o.value != "" {
			options = append(options, o.name+o.value)
		}
	}
	return options
}

// serve serves a copy until the end.
func (c *copies) serve(ctx context.Context, file, database string) (*server, error) {
	s, err := serve(ctx, c.dir, file, database)
	if err != nil {
		return nil, err
	}
	c.running = append(c.running, s.process)
	return s, nil
}

// serveLocal serves a copy of the local database with what a backup does not have.
func (c *copies) serveLocal(ctx context.Context, file string, observed []json.RawMessage) (*server, error) {
	s, err := c.serve(ctx, file, vswDatabase)
	if err == nil && len(observed) > 0 {
		_, err = s.transact(ctx, observed)
	}
	return s, err
}

// again copies a copy that is not served yet.
func (c *copies) again(file string) (string, error) {
	from, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.Create(file + "2")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, from)
	return to.Name(), cmp.Or(err, to.Close())
}

// observed are columns of interfaces that ovs-vswitchd writes and that a backup does not have, because they do not survive a
// restart of the server ("ephemeral" in its schema).
var observed = []string{"admin_state", "bfd_status", "ifindex", "link_speed", "link_state", "mac_in_use", "mtu"}

// observe reads them from a server.
func (c *copies) observe(ctx context.Context, from string) ([]json.RawMessage, error) {
	columns, err := json.Marshal(append([]string{"_uuid"}, observed...))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	ask := fmt.Sprintf(`[%q,{"op":"select","table":"Interface","where":[],"columns":%s}]`, vswDatabase, columns)
	if err := run(ctx, &out, "ovsdb-client", append(clientOptions(c.files), "transact", from, ask)...); err != nil {
		return nil, fmt.Errorf("%s database %s: %w", vswDatabase, from, err)
	}
	var results []struct{ Rows []map[string]json.RawMessage }
	if err := json.Unmarshal(out.Bytes(), &results); err != nil || len(results) != 1 {
		return nil, fmt.Errorf("%s database %s: it answers %.200q", vswDatabase, from, out.Bytes())
	}
	var ops []json.RawMessage
	for _, row := range results[0].Rows {
		id := row["_uuid"]
		delete(row, "_uuid")
		values, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op(`{"op":"update","table":"Interface","where":[["_uuid","==",%s]],"row":%s}`, id, values)...)
	}
	return ops, nil
}
