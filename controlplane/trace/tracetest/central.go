package tracetest

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// Central is the database servers of a deployment with a real ovn-northd.
type Central struct {
	NB, SB *ovsdbtest.Server
	t      testing.TB
}

// StartCentral starts a central node that ends with the test, and skips the test where
// OVN is not installed.
func StartCentral(t testing.TB) *Central {
	t.Helper()
	capability.Need(t, "ovs", "ovn-northd", "ovn-nbctl", "ovn-sbctl", "ovn-trace", "ovsdb-server")
	c := &Central{
		t:  t,
		NB: ovsdbtest.Start(t, "/usr/share/ovn/ovn-nb.ovsschema", "OVN_Northbound"),
		SB: ovsdbtest.Start(t, "/usr/share/ovn/ovn-sb.ovsschema", "OVN_Southbound"),
	}
	northd := exec.Command("ovn-northd", "--ovnnb-db="+c.NB.Remote, "--ovnsb-db="+c.SB.Remote, "--no-chdir",
		"-vconsole:off", "-vsyslog:off", "-vfile:off", "--unixctl="+filepath.Join(c.NB.Dir(), "northd.ctl"))
	northd.Env = append(os.Environ(), "OVN_RUNDIR="+c.NB.Dir(), "OVS_RUNDIR="+c.NB.Dir())
	if err := northd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		northd.Process.Kill()
		northd.Wait()
	})
	return c
}

// Configure runs lines of ovn-nbctl commands, or ovn-sbctl commands behind "sb:",
// in order. Words are separated by blanks; quotes keep blanks; $NAME at the end of a
// Southbound word is the UUID of that datapath.
func (c *Central) Configure(script string) {
	c.t.Helper()
	var nb []string
	flush := func() {
		if len(nb) > 0 {
			c.run("ovn-nbctl", append([]string{"--db=" + c.NB.Remote, "--wait=sb", "--timeout=30"}, nb...)...)
			nb = nil
		}
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "sb:"); ok {
			flush()
			c.run("ovn-sbctl", append([]string{"--db=" + c.SB.Remote, "--timeout=30"}, c.words(rest)...)...)
		} else if line != "" {
			if len(nb) > 0 {
				nb = append(nb, "--")
			}
			nb = append(nb, words(line)...)
		}
	}
	flush()
	c.run("ovn-nbctl", "--db="+c.NB.Remote, "--wait=sb", "--timeout=30", "sync")
}

func (c *Central) words(line string) []string {
	out := words(line)
	for i, w := range out {
		if before, name, ok := strings.Cut(w, "$"); ok {
			id := c.run("ovn-sbctl", "--db="+c.SB.Remote, "--bare", "--columns=_uuid", "find", "datapath_binding", "external_ids:name="+name)
			out[i] = before + strings.TrimSpace(id)
		}
	}
	return out
}

// words cuts a line at blanks outside of single quotes.
func words(line string) []string {
	var out []string
	var b strings.Builder
	inQuotes, any := false, false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			inQuotes, any = !inQuotes, true
		case r == ' ' && !inQuotes:
			if any {
				out = append(out, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteRune(r)
			any = true
		}
	}
	return out
}

func (c *Central) run(prog string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command(prog, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("%s: %v: %s", cmd, err, stderr.Bytes())
	}
	return stdout.String()
}

// Network loads the Southbound database.
func (c *Central) Network() *trace.Network {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, err := trace.Read(ctx, sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: c.SB.Remote, Logger: slog.New(slog.DiscardHandler)}})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// OVNTrace is what the reference program says.
func (c *Central) OVNTrace(args ...string) string {
	c.t.Helper()
	return c.run("ovn-trace", append([]string{"--db=" + c.SB.Remote, "-vconsole:off"}, args...)...)
}

// NBCtl is the output of ovn-nbctl.
func (c *Central) NBCtl(args ...string) string {
	c.t.Helper()
	return c.run("ovn-nbctl", append([]string{"--db=" + c.NB.Remote, "--timeout=30"}, args...)...)
}
