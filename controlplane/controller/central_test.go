package controller

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

const (
	nbSchema  = "/usr/share/ovn/ovn-nb.ovsschema"
	sbSchema  = "/usr/share/ovn/ovn-sb.ovsschema"
	vswSchema = "/usr/share/openvswitch/vswitch.ovsschema"
)

// central is the database servers of a deployment, with a real ovn-northd.
type central struct {
	t      testing.TB
	nb, sb *ovsdbtest.Server
}

func startCentral(t testing.TB) *central {
	t.Helper()
	capability.Need(t, "ovs", "ovn-northd", "ovn-nbctl", "ovn-sbctl", "ovsdb-server")
	c := &central{t: t, nb: ovsdbtest.Start(t, nbSchema, "OVN_Northbound"), sb: ovsdbtest.Start(t, sbSchema, "OVN_Southbound")}
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
	c.nbctl("init")
	return c
}

// nbctl runs ovn-nbctl commands, one a line; words are separated by blanks, single
// quotes keep blanks. It returns when ovn-northd has carried them out, with the
// number (nb_cfg) that stands for this state.
func (c *central) nbctl(script string) (nbCfg int64) {
	c.t.Helper()
	args := []string{"--db=" + c.nb.Remote, "--wait=sb", "--timeout=30"}
	first := true
	for line := range strings.Lines(script) {
		w := words(line)
		if len(w) == 0 {
			continue
		}
		if !first {
			args = append(args, "--")
		}
		first = false
		args = append(args, w...)
	}
	c.run("ovn-nbctl", args...)
	return c.nbCfg()
}

func (c *central) nbCfg() int64 {
	c.t.Helper()
	n, err := strconv.ParseInt(strings.TrimSpace(c.run("ovn-nbctl", "--db="+c.nb.Remote, "get", "NB_Global", ".", "nb_cfg")), 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// sbctl runs one ovn-sbctl command.
func (c *central) sbctl(line string) string {
	c.t.Helper()
	return c.run("ovn-sbctl", append([]string{"--db=" + c.sb.Remote, "--timeout=30"}, words(line)...)...)
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
