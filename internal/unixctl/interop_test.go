package unixctl

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/pidfile"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// start runs one of Open vSwitch's programs in the background, with its files in dir.
func start(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	command(t, dir, program, append(args, "--detach", "--no-chdir", "--pidfile", "-vconsole:off", "-vsyslog:off")...)
	pid, err := pidfile.Read(filepath.Join(dir, program+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p, err := os.FindProcess(pid); err == nil {
			p.Kill()
		}
	})
}

func command(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	capability.Need(t, "ovs", program)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+dir, "OVS_LOGDIR="+dir, "OVS_DBDIR="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

func TestCallRealPrograms(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "conf.db")
	command(t, dir, "ovsdb-tool", "create", db, "/usr/share/openvswitch/vswitch.ovsschema")
	start(t, dir, "ovsdb-server", "--remote=punix:"+filepath.Join(dir, "db.sock"), db)
	command(t, dir, "ovs-vsctl", "--no-wait", "init")
	start(t, dir, "ovs-vswitchd", "--disable-system", "--enable-dummy=override")
	for _, program := range []string{"ovsdb-server", "ovs-vswitchd"} {
		socket, err := Socket(dir, program)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := Call(t.Context(), socket, "version"); err != nil || !strings.HasPrefix(text, program+" (Open vSwitch) ") {
			t.Errorf("version: %q, %v", text, err)
		}
		text, err := Call(t.Context(), socket, "list-commands")
		if err != nil || !strings.Contains(text, "\n  vlog/set                {spec | PATTERN:destination:pattern}\n") {
			t.Errorf("list-commands: %q, %v", text, err)
		}
	}
}

// TestRefusalTexts asks ovsdb-server and our server the same wrong things.
func TestRefusalTexts(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, "ovsdb-server", "--no-db", "--remote=punix:db.sock")
	real, err := Socket(dir, "ovsdb-server")
	if err != nil {
		t.Fatal(err)
	}
	ours := serve(t, Command{Name: "coverage/read-counter", MinArgs: 1, MaxArgs: 1, Run: echo.Run})
	for _, ask := range []string{"nope", "version 1", "list-commands 1 2", "coverage/read-counter", "coverage/read-counter a b"} {
		words := strings.Fields(ask)
		_, want := Call(t.Context(), real, words[0], words[1:]...)
		_, got := Call(t.Context(), ours, words[0], words[1:]...)
		if refused, ok := errors.AsType[*CommandError](want); !ok {
			t.Errorf("%s: ovsdb-server: %v (%v)", ask, want, refused)
		} else if got == nil || got.Error() != want.Error() {
			t.Errorf("%s: got %v, ovsdb-server says %v", ask, got, want)
		}
	}
}

func TestSocketErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Socket(dir, "nobody"); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "is nobody running?") {
		t.Errorf("no pid file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "dead.pid"), []byte("1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Socket(dir, "dead"); !errors.Is(err, pidfile.ErrStale) {
		t.Errorf("stale pid file: %v", err)
	}
}

// TestAppctl lets the C clients talk to our server.
func TestAppctl(t *testing.T) {
	socket := serve(t, echo)
	for _, appctl := range []string{"ovs-appctl", "ovn-appctl"} {
		t.Run(appctl, func(t *testing.T) {
			capability.Need(t, "ovs", appctl)
			out, err := exec.Command(appctl, "-t", socket, "echo", "a", "ü b").CombinedOutput()
			if err != nil || string(out) != "a ü b\n" {
				t.Errorf("got %q, %v", out, err)
			}
			out, err = exec.Command(appctl, "-t", socket, "echo", "fail").CombinedOutput()
			want := "told to fail\n" + appctl + ": " + socket + ": server returned an error\n"
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 || string(out) != want {
				t.Errorf("got %q, %v, want %q", out, err, want)
			}
		})
	}
}
