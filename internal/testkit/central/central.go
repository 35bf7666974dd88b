// Package central runs the central node of a deployment for a test: the Northbound and
// the Southbound database on ovsdb-server processes, and a real ovn-northd between them.
// They end with the test.
package central

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// The installed schemas.
const (
	NBSchema = "/usr/share/ovn/ovn-nb.ovsschema"
	SBSchema = "/usr/share/ovn/ovn-sb.ovsschema"
)

// Node is a running central node. Its methods fail the test on errors.
type Node struct {
	NB, SB *ovsdbtest.Server

	t      testing.TB
	northd *exec.Cmd
}

// Start starts a central node, and skips the test, counted, where OVN is not installed.
func Start(t testing.TB) *Node {
	t.Helper()
	capability.Need(t, "ovs", "ovn-northd", "ovn-nbctl", "ovn-sbctl", "ovsdb-server")
	c := &Node{t: t, NB: ovsdbtest.Start(t, NBSchema, "OVN_Northbound"), SB: ovsdbtest.Start(t, SBSchema, "OVN_Southbound")}
	c.northd = exec.Command("ovn-northd", "--ovnnb-db="+c.NB.Remote, "--ovnsb-db="+c.SB.Remote, "--no-chdir",
		"-vconsole:off", "-vsyslog:off", "-vfile:off", "--unixctl="+filepath.Join(c.NB.Dir(), "northd.ctl"))
	c.northd.Env = append(os.Environ(), "OVN_RUNDIR="+c.NB.Dir(), "OVS_RUNDIR="+c.NB.Dir())
	if err := c.northd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.KillNorthd)
	c.NBCtl("--wait=sb init")
	return c
}

// KillNorthd ends ovn-northd with SIGKILL: from then on the Southbound database is the test's.
func (c *Node) KillNorthd() {
	if c.northd.ProcessState == nil {
		c.northd.Process.Kill() //nolint:errcheck // it may have ended by itself
		c.northd.Wait()         //nolint:errcheck // the state does not matter
	}
}

// Configure runs lines of ovn-nbctl commands, or ovn-sbctl commands behind "sb:", in
// order. Words are as for NBCtl and SBCtl. It returns when ovn-northd has carried them
// out, with the number (nb_cfg) that stands for this state.
func (c *Node) Configure(script string) (nbCfg int64) {
	c.t.Helper()
	var nb []string
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "sb:"); ok {
			if len(nb) > 0 {
				c.generation(nb)
				nb = nil
			}
			c.SBCtl(rest)
		} else if line != "" {
			nb = append(append(nb, words(line)...), "--")
		}
	}
	return c.generation(nb)
}

// generation runs commands, each with "--" behind it, and waits for ovn-northd. It
// returns the number of the generation that they made, which "sync" has them make in any case: ovn-nbctl makes it when
// it commits, from what "get" sees.
func (c *Node) generation(commands []string) int64 {
	c.t.Helper()
	args := append([]string{"--wait=sb"}, commands...)
	lines := strings.Fields(c.nbctl(append(args, "sync", "--", "get", "NB_Global", ".", "nb_cfg")...))
	return c.number(lines[len(lines)-1]) + 1
}

// NBCfg is the newest generation of the network.
func (c *Node) NBCfg() int64 {
	c.t.Helper()
	return c.number(strings.TrimSpace(c.nbctl("get", "NB_Global", ".", "nb_cfg")))
}

func (c *Node) number(text string) int64 {
	c.t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// NBCtl runs one ovn-nbctl command and returns what it prints. Words are separated by
// blanks; single quotes keep blanks.
func (c *Node) NBCtl(line string) string {
	c.t.Helper()
	return c.nbctl(words(line)...)
}

// SBCtl is NBCtl for ovn-sbctl. $NAME at the end of a word is the UUID of that datapath.
func (c *Node) SBCtl(line string) string {
	c.t.Helper()
	args := words(line)
	for i, w := range args {
		if before, name, ok := strings.Cut(w, "$"); ok {
			args[i] = before + c.Datapath(name)
		}
	}
	return c.sbctl(args...)
}

// Datapath is the UUID of the Datapath_Binding row of a switch or router.
func (c *Node) Datapath(name string) string {
	c.t.Helper()
	return strings.TrimSpace(c.sbctl("--bare", "--columns=_uuid", "find", "Datapath_Binding", "external_ids:name="+name))
}

func (c *Node) nbctl(args ...string) string {
	c.t.Helper()
	return Run(c.t, "ovn-nbctl", append([]string{"--db=" + c.NB.Remote, "--timeout=120"}, args...)...)
}

func (c *Node) sbctl(args ...string) string {
	c.t.Helper()
	return Run(c.t, "ovn-sbctl", append([]string{"--db=" + c.SB.Remote, "--timeout=120"}, args...)...)
}

// Run runs a program and returns its standard output.
func Run(t testing.TB, prog string, args ...string) string {
	t.Helper()
	cmd := exec.Command(prog, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, stderr.Bytes())
	}
	return stdout.String()
}

// words cuts a line at blanks outside of single quotes.
func words(line string) []string {
	var out []string
	var b strings.Builder
	quoted, any := false, false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			quoted, any = !quoted, true
		case (r == ' ' || r == '\t' || r == '\n') && !quoted:
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
