package lab

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// startTimeout is how long a program of the deployment may take to come up or to answer, and syncTimeout how long all of them may take to
// agree. Far above what they need: a timeout here means that something is broken, not that the machine is busy.
func (l *Lab) startTimeout() time.Duration { return 7 * l.opts.Timeout }
func (l *Lab) syncTimeout() time.Duration  { return 20 * l.opts.Timeout }

// timeoutOption is an option of the tools of OVS and OVN.
func timeoutOption(t time.Duration) string { return "--timeout=" + strconv.Itoa(int(t/time.Second)) }

// Central is the central node: the Northbound and Southbound databases and ovn-northd.
type Central struct {
	// Dir holds nb.sock, sb.sock, the databases and logs.
	Dir string

	lab            *Lab
	nb, sb, northd *Process
}

func startCentral(l *Lab) (*Central, error) {
	c := &Central{Dir: filepath.Join(l.Dir, "central"), lab: l}
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		return nil, err
	}
	for db, schema := range map[string]string{"nb": nbSchema, "sb": sbSchema} {
		if err := command("ovsdb-tool", "create", filepath.Join(c.Dir, db+".db"), schema); err != nil {
			return nil, err
		}
	}
	for _, start := range []func() error{c.StartNB, c.StartSB} {
		if err := start(); err != nil {
			return nil, err
		}
	}
	if _, err := c.NB("init"); err != nil {
		return nil, err
	}
	if _, err := c.SB("init"); err != nil {
		return nil, err
	}
	return c, c.StartNorthd()
}

// NBRemote and SBRemote are the databases' addresses as OVSDB clients take them.
func (c *Central) NBRemote() string { return "unix:" + filepath.Join(c.Dir, "nb.sock") }

// SBRemote is the Southbound database's address.
func (c *Central) SBRemote() string { return "unix:" + filepath.Join(c.Dir, "sb.sock") }

// NB runs ovn-nbctl with args and returns its output.
func (c *Central) NB(args ...string) (string, error) {
	return output(c.lab.ctx, runtimeEnv(c.Dir), append([]string{"ovn-nbctl", "--db=" + c.NBRemote(), timeoutOption(c.lab.syncTimeout())}, args...)...)
}

// SB runs ovn-sbctl with args and returns its output.
func (c *Central) SB(args ...string) (string, error) {
	return output(c.lab.ctx, runtimeEnv(c.Dir), append([]string{"ovn-sbctl", "--db=" + c.SBRemote(), timeoutOption(c.lab.syncTimeout())}, args...)...)
}

// StartNB starts the Northbound database server on the database file that is there.
func (c *Central) StartNB() (err error) {
	c.nb, err = c.lab.startDatabase("central/nb", c.Dir, "nb", nil)
	return err
}

// StartSB starts the Southbound database server on the database file that is there.
func (c *Central) StartSB() (err error) {
	c.sb, err = c.lab.startDatabase("central/sb", c.Dir, "sb", nil)
	return err
}

// StartNorthd starts ovn-northd.
func (c *Central) StartNorthd() (err error) {
	c.northd, err = c.lab.start("central/ovn-northd", nil, c.Dir, runtimeEnv(c.Dir),
		"ovn-northd", "--pidfile="+filepath.Join(c.Dir, "ovn-northd.pid"), "--log-file="+filepath.Join(c.Dir, "ovn-northd.log"),
		"--unixctl="+filepath.Join(c.Dir, "ovn-northd.ctl"), "-vconsole:off", "--ovnnb-db="+c.NBRemote(), "--ovnsb-db="+c.SBRemote())
	return err
}

// NBServer is the process of the Northbound database, for tests that end it.
func (c *Central) NBServer() *Process { return c.nb }

// SBServer is the process of the Southbound database.
func (c *Central) SBServer() *Process { return c.sb }

// Northd is the process of ovn-northd.
func (c *Central) Northd() *Process { return c.northd }

// OVN is the central node as its tools see it.
func (c *Central) OVN() OVN { return OVN{NB: c.NB, SB: c.SB, Timeout: c.lab.startTimeout()} }

// Sync is OVN.Sync with the chassis whose controllers run.
func (l *Lab) Sync() error { return l.Central.OVN().Sync(l.ctx, l.running()) }

// running are the names of the chassis whose controllers run.
func (l *Lab) running() (names []string) {
	for _, ch := range l.Chassis() {
		if ch.controller != nil && ch.controller.Alive() == nil {
			names = append(names, ch.Name)
		}
	}
	return names
}

// startDatabase starts ovsdb-server for DIR/NAME.db, listening on DIR/NAME.sock, and waits until it accepts connections.
func (l *Lab) startDatabase(process, dir, name string, n *Netns) (*Process, error) {
	at := func(suffix string) string { return filepath.Join(dir, name+suffix) }
	p, err := l.start(process, n, dir, runtimeEnv(dir), "ovsdb-server", "--pidfile="+at(".pid"), "--log-file="+at(".log"),
		"--unixctl="+at(".ctl"), "-vconsole:off", "--remote=punix:"+at(".sock"), at(".db"))
	if err != nil {
		return nil, err
	}
	return p, Until(l.ctx, l.startTimeout(), process+" to listen", func() error {
		if err := p.Alive(); err != nil {
			return err
		}
		conn, err := net.Dial("unix", at(".sock"))
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// runtimeEnv is the environment that makes OVS and OVN programs keep everything in dir.
func runtimeEnv(dir string) []string {
	env := os.Environ()
	for _, product := range []string{"OVS", "OVN"} {
		for _, what := range []string{"RUNDIR", "LOGDIR", "DBDIR", "SYSCONFDIR"} {
			env = append(env, product+"_"+what+"="+dir)
		}
	}
	return env
}
