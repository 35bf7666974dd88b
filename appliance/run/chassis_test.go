package run

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; a test that passes waits for nothing that long.
const patience = 60 * time.Second

// chassis is a controller on real databases, without a switch.
type chassis struct {
	t        *testing.T
	sb, ov   *ovsdbtest.Server
	rundir   string // of Open vSwitch and OVN
	database string // the local one's address
	socket   string
	done     chan error // gets the result of the run
	// console is what was logged; to be read after done.
	console strings.Builder
}

// databases are started first: the test may change them before the controller starts.
func databases(t *testing.T, sbArgs ...string) *chassis {
	t.Helper()
	c := &chassis{t: t, sb: ovsdbtest.Start(t, "/usr/share/ovn/ovn-sb.ovsschema", "OVN_Southbound", sbArgs...),
		ov: ovsdbtest.Start(t, "/usr/share/openvswitch/vswitch.ovsschema", "Open_vSwitch"), done: make(chan error, 1)}
	c.sb.Transact(`[{"op":"insert","table":"SB_Global","row":{}}]`)
	c.ov.Transact(`[{"op":"insert","table":"Open_vSwitch","row":{}}]`)
	c.set("system-id=hv1 ovn-encap-type=geneve ovn-encap-ip=192.0.2.1")
	c.rundir, c.database, c.socket = c.ov.Dir(), c.ov.Remote, filepath.Join(c.ov.Dir(), "ctl")
	return c
}

// start runs the controller until it exits or the test ends.
func (c *chassis) start(line tlsconf.Options) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		c.done <- Controller(ctx, Options{Dirs: dirs.Dirs{OVSRun: c.rundir, OVNRun: c.rundir}, Database: c.database, TLS: line,
			Log: vlog.New(vlog.Config{Program: "ovn-controller", Console: &c.console}), Unixctl: c.socket, Version: "test"},
			func() error { close(ready); return nil })
	}()
	c.t.Cleanup(func() { cancel(); <-ended })
	select {
	case <-ready:
	case <-ended:
		c.t.Fatal(<-c.done)
	}
}

// set sets keys of external_ids of the Open_vSwitch row, "k=v k=v".
func (c *chassis) set(text string) {
	c.t.Helper()
	var keys, pairs []string
	for _, w := range strings.Fields(text) {
		k, v, _ := strings.Cut(w, "=")
		keys, pairs = append(keys, fmt.Sprintf("%q", k)), append(pairs, fmt.Sprintf("[%q,%q]", k, v))
	}
	c.ov.Transact(fmt.Sprintf(`[{"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["external_ids","delete",["set",[%s]]],["external_ids","insert",["map",[%s]]]]}]`,
		strings.Join(keys, ","), strings.Join(pairs, ",")))
}

// ask is what a command of the control socket answers, or why it does not.
func (c *chassis) ask(command string) string {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	text, err := unixctl.Call(ctx, c.socket, command)
	if err != nil {
		return err.Error()
	}
	return text
}

// await asks a command until its answer contains want.
func (c *chassis) await(command, want string) {
	c.t.Helper()
	for start := time.Now(); ; {
		got := c.ask(command)
		if strings.Contains(got, want) {
			return
		}
		if time.Since(start) > patience {
			c.t.Fatalf("waited in vain for %q of %s, which is:\n%s", want, command, got)
		}
	}
}

// TestExitWithoutCleanup: external_ids:ovn-cleanup-on-exit=false makes each exit one
// that leaves the chassis where it is.
func TestExitWithoutCleanup(t *testing.T) {
	for _, keep := range []bool{false, true} {
		c := databases(t)
		c.set("ovn-remote=" + c.sb.Remote)
		c.start(tlsconf.Options{})
		c.await("status", ", registered")
		c.set(fmt.Sprintf("ovn-cleanup-on-exit=%v other=1", !keep))
		// The controller has read it when it has read what was written later.
		c.set("hostname=renamed")
		c.await("status", "renamed")
		c.ask("exit")
		if err := <-c.done; err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("Exiting ovn-controller, resource cleanup: %s\n", map[bool]string{true: "False (--restart)", false: "True"}[keep]); !strings.Contains(c.console.String(), want) {
			t.Errorf("not logged: %s", want)
		}
		rows := c.sb.Transact(`[{"op":"select","table":"Chassis","where":[],"columns":["name"]}]`)
		if got := strings.Contains(rows, "hv1"); got != keep {
			t.Errorf("ovn-cleanup-on-exit=%v: the chassis stays: %v", !keep, got)
		}
	}
}

// TestExitWithoutDatabase: an exit that cannot withdraw the chassis says so, when the server is gone and when it does not answer.
func TestExitWithoutDatabase(t *testing.T) {
	for _, tt := range []struct {
		name    string
		disturb func(*ovsdbtest.Server)
		want    string
	}{
		{"gone", (*ovsdbtest.Server).Kill, "withdrawing this chassis failed: "},
		{"silent", (*ovsdbtest.Server).Suspend, "if it stays there, remove it with \"ovn-sbctl chassis-del hv1\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := databases(t)
			c.set("ovn-remote=" + c.sb.Remote)
			c.start(tlsconf.Options{})
			c.await("status", ", registered")
			tt.disturb(c.sb)
			c.ask("exit")
			if err := <-c.done; err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(c.console.String(), tt.want) {
				t.Errorf("not logged: %s\n%s", tt.want, c.console.String())
			}
		})
	}
}

// TestBadRemote: a mistake in ovn-remote is named and can be mended; it ends nothing.
func TestBadRemote(t *testing.T) {
	c := databases(t)
	c.set("ovn-remote=foo:bar")
	c.start(tlsconf.Options{})
	c.await("status", `external_ids:ovn-remote: remote "foo:bar": expected one that starts with`)
	c.set("ovn-remote=" + c.sb.Remote)
	c.await("status", ", registered")
	// The servers of before are kept until a right one is named.
	c.set("ovn-remote=tcp:")
	c.await("status", `external_ids:ovn-remote: remote "tcp:"`)
	c.await("connection-status", "connected")
	c.ask("exit")
	if err := <-c.done; err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"foo:bar", "tcp:"} {
		if want := "|WARN|external_ids:ovn-remote: remote \"" + bad; strings.Count(c.console.String(), want) != 1 {
			t.Errorf("want %s once:\n%s", want, c.console.String())
		}
	}
}
