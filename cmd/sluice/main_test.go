package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// TestMain makes this test binary the programs that the scripts run: "sluice", and "ovn-controller" by its name. In the tests
// written in Go it plays them when the variable is set.
const playEnv = "SLUICE_TEST_PLAY"

// reference is the installed ovn-controller, "" if there is none.
var reference string

func TestMain(m *testing.M) {
	if os.Getenv(playEnv) != "" {
		main()
	}
	// testscript.Main puts this binary first in PATH by both names.
	reference, _ = exec.LookPath(controllerProgram)
	testscript.Main(m, map[string]func(){"sluice": main, controllerProgram: main, vtepProgram: main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"need": need, "scrape": scrape, "freeport": freePort},
		Setup: func(env *testscript.Env) error {
			env.Values[script{}] = env.T()
			for _, name := range []string{"OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVN_RUNDIR", "OVN_LOGDIR", "OVN_DBDIR"} {
				env.Setenv(name, env.WorkDir)
			}
			env.Setenv("OVS_SYSLOG_METHOD", "null")
			env.Defer(func() { killLeftovers(env.WorkDir) })
			return nil
		},
	})
}

// script is the key of a script's test among the values of its environment.
type script struct{}

// scriptTest makes a script a test that can be skipped.
type scriptTest struct {
	testscript.T
	*testscript.TestScript
}

func (scriptTest) Helper() {}

// need skips a script, counted, on a machine that lacks what it needs: "need root", or "need CAPABILITY PROGRAM...".
func need(ts *testscript.TestScript, neg bool, args []string) {
	t := scriptTest{ts.Value(script{}).(testscript.T), ts}
	switch {
	case neg || len(args) == 0:
		ts.Fatalf("usage: need root, or need CAPABILITY PROGRAM...")
	case args[0] != "root":
		capability.Need(t, args[0], args[1:]...)
	case os.Getuid() != 0:
		capability.Skip(t, capability.Missing{Capability: "netns", Reason: "only root can do what this script does"})
	}
}

// freePort sets a variable to a TCP port of the loopback interface that nobody has: "freeport VARIABLE".
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport VARIABLE")
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	ts.Check(err)
	defer ln.Close()
	ts.Setenv(args[0], strconv.Itoa(ln.Addr().(*net.TCPAddr).Port))
}

// scrape fails a script unless the metrics that are served at a unix socket match: "scrape SOCKET REGEXP".
func scrape(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: scrape SOCKET REGEXP")
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", args[0])
	}}
	answer, err := (&http.Client{Transport: transport}).Get("http://unix/metrics")
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if !regexp.MustCompile(args[1]).Match(text) {
		ts.Fatalf("no match for %s in\n%s", args[1], text)
	}
}

// killLeftovers ends the daemons of a script that failed half-way, and the database servers of one that has some.
func killLeftovers(dir string) {
	pids, _ := filepath.Glob(filepath.Join(dir, "*.pid"))
	for _, name := range pids {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
