package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// labScript is an independent set of checks, kept beside the repository where the project is developed.
var labScript = filepath.Join("..", "..", "..", "shared", "lab", "two-chassis.sh")

// TestLabScript runs the script's full set with the controller under test called as ovn-controller, with both tunnel types: on all chassis, and on
// some of them beside Debian's. It uses the controller as a service manager does: --detach, --pidfile, a log file.
func TestLabScript(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs(labScript)
	if err != nil {
		t.Fatal(err)
	}
	capability.Need(t, "shared", script) // not part of this repository, whose own TestReference makes the same checks
	need(t)
	capability.Need(t, "ovs", "ovn-controller")
	for _, c := range []struct {
		encap  string
		others []string // chassis with Debian's controller
	}{
		{"geneve", nil}, {"vxlan", nil},
		{"geneve", []string{"hv2"}}, {"vxlan", []string{"hv1", "gw1"}},
	} {
		t.Run(strings.Join(append([]string{c.encap}, c.others...), "-"), func(t *testing.T) {
			controller := controllerByChassis(t, c.others)
			t.Parallel()                        // it mostly sleeps
			dir, err := os.MkdirTemp("", "two") // short, because unix sockets are in it
			if err != nil {
				t.Fatal(err)
			}
			run := func(ctx context.Context, command string) (string, error) {
				ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, "bash", script, command, dir)
				cmd.Env = append(os.Environ(), "CONTROLLER="+controller, "ENCAP="+c.encap, "TAG="+filepath.Base(dir))
				// Daemons inherit the output; waiting for them would be waiting for ever.
				cmd.WaitDelay = time.Second
				out, err := cmd.CombinedOutput()
				if errors.Is(err, exec.ErrWaitDelay) {
					err = nil
				}
				return string(out), err
			}
			t.Cleanup(func() {
				if out, err := run(context.Background(), "stop"); err != nil {
					t.Errorf("stop: %v\n%s", err, out)
				}
				os.RemoveAll(dir)
			})
			if out, err := run(testContext, "start"); err != nil {
				t.Fatalf("start: %v\n%s", err, out)
			}
			out, err := run(testContext, "full")
			if err != nil || !strings.Contains(out, "failed 0") {
				t.Errorf("full: %v\n%s", err, out)
			}
		})
	}
}

// controllerByChassis is a program named ovn-controller that is Debian's on the named chassis and the one under test on all others. The script tells
// a chassis by its run directory.
func controllerByChassis(t *testing.T, others []string) string {
	t.Helper()
	dir := t.TempDir()
	// The controller under test must be called ovn-controller, too.
	tested := filepath.Join(dir, "tested", "ovn-controller")
	if err := os.Mkdir(filepath.Dir(tested), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(underTest(t).Path(), tested); err != nil {
		t.Fatal(err)
	}
	reference, err := exec.LookPath("ovn-controller")
	if err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\ncase ${OVN_RUNDIR##*/} in\n"
	for _, name := range others {
		text += name + ") exec " + reference + " \"$@\" ;;\n"
	}
	text += "*) exec " + tested + " \"$@\" ;;\nesac\n"
	program := filepath.Join(dir, "ovn-controller")
	if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return program
}
