package ovsdbtest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Server is an ovsdb-server. It ends with the test.
type Server struct {
	Remote   string // where it listens, in the form of ovsdb.SessionConfig.Remote
	Database string // name of its database

	t      testing.TB
	dir    string
	file   string   // the database's
	extra  []string // more arguments
	cmd    *exec.Cmd
	stderr *bytes.Buffer
}

// deadline bounds every wait. It is long for a loaded machine; nothing waits
// that long in a test that passes.
const deadline = 60 * time.Second

// Start creates a database from a schema file and serves it on a unix socket.
// Arguments in extra are given to ovsdb-server.
func Start(t testing.TB, schemaPath, database string, extra ...string) *Server {
	t.Helper()
	s := newServer(t, database, extra...)
	run(t, "ovsdb-tool", "create", s.file, schemaPath)
	s.Restart()
	return s
}

// Copy starts another server with a copy of the database as it is now, which is taken for the same one then. Arguments in extra are given to it.
func (s *Server) Copy(extra ...string) *Server {
	s.t.Helper()
	text, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	other := newServer(s.t, s.Database, extra...)
	if err := os.WriteFile(other.file, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	other.Restart()
	return other
}

// newServer returns a server that has no database file yet and does not run.
func newServer(t testing.TB, database string, extra ...string) *Server {
	// A unix socket's name may have 107 bytes, and t.TempDir is longer than
	// that for tests with long names.
	dir, err := os.MkdirTemp("", "ovsdb")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		Remote:   "unix:" + filepath.Join(dir, "sock"),
		Database: database,
		t:        t,
		dir:      dir,
		file:     filepath.Join(dir, "db"),
		extra:    extra,
	}
	t.Cleanup(func() {
		s.Kill()
		os.RemoveAll(dir)
	})
	return s
}

// socket returns the file name of the unix socket.
func (s *Server) socket() string { return filepath.Join(s.dir, "sock") }

// Dir returns a directory that lives as long as the server.
func (s *Server) Dir() string { return s.dir }

// Restart starts the server, after killing it if it runs, with the data that it
// had.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	os.Remove(s.socket())
	os.Remove(s.ctl())
	args := append([]string{
		"--no-chdir", "-vconsole:warn", "-vsyslog:off", "-vfile:off",
		"--unixctl=" + s.ctl(), "--remote=p" + s.Remote,
	}, s.extra...)
	s.cmd = exec.Command("ovsdb-server", append(args, s.file)...)
	s.stderr = new(bytes.Buffer)
	s.cmd.Stderr = s.stderr
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("ovsdb-server: %v (Debian package openvswitch-common)", err)
	}
	for _, path := range []string{s.socket(), s.ctl()} {
		await(s.t, "ovsdb-server to listen", func() bool {
			nc, err := net.Dial("unix", path)
			if err == nil {
				nc.Close()
			}
			return err == nil
		})
	}
}

// Kill ends the server with SIGKILL, if it runs.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill()
	s.cmd.Wait()
	if s.t.Failed() && s.stderr.Len() > 0 {
		s.t.Logf("%s: %s", s.Remote, s.stderr)
	}
	s.cmd = nil
}

// Suspend stops the server with SIGSTOP: its connections stay, and nobody answers. Kill and Restart work as ever.
func (s *Server) Suspend() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
}

// Resume ends a Suspend.
func (s *Server) Resume() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) ctl() string { return filepath.Join(s.dir, "ctl") }

// Appctl runs an ovs-appctl command of the server and returns what it prints.
func (s *Server) Appctl(args ...string) string {
	s.t.Helper()
	return run(s.t, "ovs-appctl", append([]string{"-t", s.ctl()}, args...)...)
}

// Transact executes a transaction through ovsdb-client(1), an independent
// client. ops is a JSON array of operations without the database's name. It
// returns the results as JSON and fails the test if one of them is an error.
func (s *Server) Transact(ops string) string {
	s.t.Helper()
	out := run(s.t, "ovsdb-client", "transact", s.Remote, `["`+s.Database+`",`+ops[1:])
	if bytes.Contains([]byte(out), []byte(`"error"`)) {
		s.t.Fatalf("transaction %s: %s", ops, out)
	}
	return out
}

// run runs a program and returns its standard output.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, stderr.Bytes())
	}
	return stdout.String()
}

// await waits until cond holds.
func await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(deadline); !cond(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", deadline, what)
		}
	}
}
