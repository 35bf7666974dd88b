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

// TestLabScript runs the script's full set with the controller under test called as ovn-controller, with both tunnel types. It uses the
// controller as a service manager does: --detach, --pidfile, a log file.
func TestLabScript(t *testing.T) {
	script, err := filepath.Abs(labScript)
	if err != nil {
		t.Fatal(err)
	}
	capability.Need(t, "shared", script) // not part of this repository, whose own TestReference makes the same checks
	need(t)
	controller := filepath.Join(t.TempDir(), "ovn-controller")
	if err := os.Symlink(underTest(t).Path(), controller); err != nil {
		t.Fatal(err)
	}
	for _, encap := range []string{"geneve", "vxlan"} {
		t.Run(encap, func(t *testing.T) {
			t.Parallel()                        // it mostly sleeps
			dir, err := os.MkdirTemp("", "two") // short, because unix sockets are in it
			if err != nil {
				t.Fatal(err)
			}
			run := func(ctx context.Context, command string) (string, error) {
				ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, "bash", script, command, dir)
				cmd.Env = append(os.Environ(), "CONTROLLER="+controller, "ENCAP="+encap, "TAG="+filepath.Base(dir))
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
