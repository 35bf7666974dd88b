// Package e2e tests whole deployments: real databases, northd, switches and packets, with the controller under test on some or all
// chassis. It needs root and takes minutes; "make test" runs it after "make check".
//
// SLUICE_CONTROLLER names another controller program than bin/sluice. With one that is not sluice the same tests run, and what is
// demanded only of sluice, such as losing no packet when it is killed, is logged as a comparison. SLUICE_REQUIRE names capabilities
// ("netns,ovs") whose absence fails the tests instead of skipping them.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/reference"
)

// testContext ends when the test program is told to stop: every operation on a deployment then fails, and the tests' cleanups remove it.
var testContext context.Context

func TestMain(m *testing.M) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	testContext = ctx
	status := m.Run()
	cancel()
	if n := capability.Skipped(); n > 0 {
		fmt.Printf("e2e: skipped %d tests: %v\n", n, lab.Missing())
	}
	os.Exit(status)
}

// need skips the test on a machine that cannot run a deployment, or fails it where SLUICE_REQUIRE says that it must.
func need(t *testing.T) {
	t.Helper()
	capability.Skip(t, lab.Missing()...)
}

// underTest is the controller that the tests are about.
func underTest(t *testing.T) lab.Controller {
	t.Helper()
	program := os.Getenv("SLUICE_CONTROLLER")
	if program == "" {
		program = filepath.Join("..", "..", "bin", "sluice")
	}
	return parseController(t, program)
}

// ovnController is OVN's own controller, for deployments that mix the two and for comparisons.
func ovnController(t *testing.T) lab.Controller {
	t.Helper()
	return parseController(t, lab.ReferenceController)
}

func parseController(t *testing.T, program string) lab.Controller {
	t.Helper()
	c, err := lab.ParseController(program)
	if err != nil {
		t.Fatalf("%v (\"make build\" builds bin/sluice)", err)
	}
	return c
}

// start starts a deployment without logical configuration, to be removed when the test ends.
func start(t *testing.T, o reference.Options) *reference.Deployment {
	t.Helper()
	need(t)
	if o.Controller.Path() == "" {
		o.Controller = underTest(t)
	}
	d, err := reference.Start(testContext, o)
	if d != nil {
		t.Cleanup(func() {
			if t.Failed() {
				logTails(t, d.Lab)
			}
			if err := d.Close(); err != nil {
				t.Errorf("remove the deployment: %v", err)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// configured starts a deployment with its whole configuration.
func configured(t *testing.T, o reference.Options) *reference.Deployment {
	t.Helper()
	d := start(t, o)
	if err := d.Configure(); err != nil {
		t.Fatal(err)
	}
	return d
}

// logTails shows the end of each controller's log.
func logTails(t *testing.T, l *lab.Lab) {
	t.Helper()
	const lines = 25
	for _, ch := range l.Chassis() {
		for _, name := range []string{"ovn-controller.log", "ovn-controller.out"} {
			b, err := os.ReadFile(filepath.Join(ch.Dir, name))
			if err != nil || len(b) == 0 {
				continue
			}
			all := strings.Split(strings.TrimSpace(string(b)), "\n")
			t.Logf("end of %s of %s:\n%s", name, ch.Name, strings.Join(all[max(0, len(all)-lines):], "\n"))
		}
	}
}

// demand fails the test when err is not nil and sluice drives the chassis; of another controller it is reported as a comparison.
func demand(t *testing.T, ch *lab.Chassis, err error) {
	t.Helper()
	switch {
	case err == nil:
	case ch.Controller().IsSluice():
		t.Error(err)
	default:
		t.Logf("comparison: %s on %s: %v", filepath.Base(ch.Controller().Path()), ch.Name, err)
	}
}
