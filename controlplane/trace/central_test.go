package trace

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
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// central is the database servers of a deployment with a real ovn-northd.
type central struct {
	t      testing.TB
	nb, sb *ovsdbtest.Server
}

func startCentral(t testing.TB) *central {
	t.Helper()
	capability.Need(t, "ovs", "ovn-northd", "ovn-nbctl", "ovn-sbctl", "ovn-trace", "ovsdb-server")
	c := &central{
		t:  t,
		nb: ovsdbtest.Start(t, "/usr/share/ovn/ovn-nb.ovsschema", "OVN_Northbound"),
		sb: ovsdbtest.Start(t, "/usr/share/ovn/ovn-sb.ovsschema", "OVN_Southbound"),
	}
	northd := exec.Command("ovn-northd", "--ovnnb-db="+c.nb.Remote, "--ovnsb-db="+c.sb.Remote, "--no-chdir",
		"-vconsole:off", "-vsyslog:off", "-vfile:off", "--unixctl="+filepath.Join(c.nb.Dir(), "northd.ctl"))
	northd.Env = append(os.Environ(), "OVN_RUNDIR="+c.nb.Dir(), "OVS_RUNDIR="+c.nb.Dir())
	if err := northd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		northd.Process.Kill()
		northd.Wait()
	})
	return c
}

// configure runs lines of ovn-nbctl commands, or ovn-sbctl commands behind "sb:",
// in order. Words are separated by blanks; quotes keep blanks; $NAME at the end of a
// Southbound word is the UUID of that datapath.
func (c *central) configure(script string) {
	c.t.Helper()
	var nb []string
	flush := func() {
		if len(nb) > 0 {
			c.run("ovn-nbctl", append([]string{"--db=" + c.nb.Remote, "--wait=sb", "--timeout=30"}, nb...)...)
			nb = nil
		}
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "sb:"); ok {
			flush()
			c.run("ovn-sbctl", append([]string{"--db=" + c.sb.Remote, "--timeout=30"}, c.words(rest)...)...)
		} else if line != "" {
			if len(nb) > 0 {
				nb = append(nb, "--")
			}
			nb = append(nb, words(line)...)
		}
	}
	flush()
	c.run("ovn-nbctl", "--db="+c.nb.Remote, "--wait=sb", "--timeout=30", "sync")
}

func (c *central) words(line string) []string {
	out := words(line)
	for i, w := range out {
		if before, name, ok := strings.Cut(w, "$"); ok {
			id := c.run("ovn-sbctl", "--db="+c.sb.Remote, "--bare", "--columns=_uuid", "find", "datapath_binding", "external_ids:name="+name)
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

func (c *central) run(prog string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command(prog, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("%s: %v: %s", cmd, err, stderr.Bytes())
	}
	return stdout.String()
}

// network loads the Southbound database.
func (c *central) network() *Network {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, err := Read(ctx, sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: c.sb.Remote, Logger: slog.New(slog.DiscardHandler)}})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// ovnTrace is what the reference program says.
func (c *central) ovnTrace(args ...string) string {
	c.t.Helper()
	return c.run("ovn-trace", append([]string{"--db=" + c.sb.Remote, "-vconsole:off"}, args...)...)
}
