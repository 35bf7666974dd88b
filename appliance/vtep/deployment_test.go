package vtep

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	nbSchema   = "/usr/share/ovn/ovn-nb.ovsschema"
	sbSchema   = "/usr/share/ovn/ovn-sb.ovsschema"
	vtepSchema = "/usr/share/openvswitch/vtep.ovsschema" // Debian package openvswitch-vtep
)

// deployment is the databases of OVN with a real ovn-northd.
type deployment struct {
	*testing.T
	nb, sb *ovsdbtest.Server
	log    journal.Journal
	northd func() // kills ovn-northd
}

// deploy starts it. Arguments in southbound are given to the server of the Southbound database.
func deploy(t *testing.T, southbound ...string) *deployment {
	t.Helper()
	capability.Need(t, "ovs", "ovn-northd", "ovn-nbctl", "ovn-sbctl", "ovsdb-server", "vtep-ctl", nbSchema, sbSchema, vtepSchema)
	d := &deployment{T: t, nb: ovsdbtest.Start(t, nbSchema, "OVN_Northbound"), sb: ovsdbtest.Start(t, sbSchema, "OVN_Southbound", southbound...)}
	northd := exec.Command("ovn-northd", "--ovnnb-db="+d.nb.Remote, "--ovnsb-db="+d.sb.Remote, "--no-chdir",
		"-vconsole:off", "-vsyslog:off", "-vfile:off", "--unixctl="+filepath.Join(d.nb.Dir(), "northd.ctl"))
	northd.Env = append(os.Environ(), "OVN_RUNDIR="+d.nb.Dir(), "OVS_RUNDIR="+d.nb.Dir())
	if err := northd.Start(); err != nil {
		t.Fatal(err)
	}
	d.northd = sync.OnceFunc(func() {
		northd.Process.Kill()
		northd.Wait()
	})
	t.Cleanup(func() {
		d.northd()
		if t.Failed() {
			t.Logf("log:\n%s", d.log.String())
		}
	})
	d.run("ovn-nbctl", "--db="+d.nb.Remote, "init")
	return d
}

func (d *deployment) run(name string, args ...string) string {
	d.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		d.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// nbctl runs ovn-nbctl commands, one a line, and waits for ovn-northd.
func (d *deployment) nbctl(script string) string {
	d.Helper()
	args := []string{"--db=" + d.nb.Remote, "--wait=sb", "--timeout=60"}
	return d.run("ovn-nbctl", append(args, lines(script)...)...)
}

func (d *deployment) sbctl(script string) string {
	d.Helper()
	return d.run("ovn-sbctl", append([]string{"--db=" + d.sb.Remote, "--timeout=60", "--bare"}, lines(script)...)...)
}

// lines are the words of commands, one command a line.
func lines(script string) (args []string) {
	for line := range strings.Lines(script) {
		if words := strings.Fields(line); len(words) > 0 {
			if len(args) > 0 {
				args = append(args, "--")
			}
			args = append(args, words...)
		}
	}
	return args
}

// hypervisor makes a chassis with tunnels of both kinds, and binds ports to it.
func (d *deployment) hypervisor(name, ip string, ports ...string) {
	d.Helper()
	d.sbctl("chassis-add " + name + " geneve,vxlan " + ip)
	for _, p := range ports {
		d.sbctl("lsp-bind " + p + " " + name)
	}
}

// tor is a switch's database.
type tor struct {
	*deployment
	server *ovsdbtest.Server
	name   string
	pair   string // see AgentConfig
}

// tor makes a switch with a tunnel address and port p0. More arguments are given to its database server.
func (d *deployment) tor(name, ip string, args ...string) *tor {
	d.Helper()
	s := &tor{d, ovsdbtest.Start(d, vtepSchema, "hardware_vtep", args...), name, ""}
	s.ctl("add-ps " + name + "\nset Physical_Switch " + name + " tunnel_ips=" + ip + "\nadd-port " + name + " p0")
	return s
}

// ctl runs vtep-ctl(8) commands, one a line.
func (s *tor) ctl(script string) string {
	s.Helper()
	return s.run("vtep-ctl", append([]string{"--db=" + s.server.Remote, "--no-syslog", "--timeout=60", "--bare"}, lines(script)...)...)
}

// remote is what vtep-ctl tells of the remote MACs of a logical switch, sorted.
func (s *tor) remote(ls string) string {
	var out []string
	for line := range strings.Lines(s.ctl("list-remote-macs " + ls)) {
		if words := strings.Fields(line); len(words) == 3 {
			out = append(out, words[0]+" "+strings.TrimPrefix(words[2], "vxlan_over_ipv4/"))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// running is an agent at work.
type running struct {
	*Agent
	stop func()
	end  chan error
}

// start runs an agent until the test ends or stop is called, which ends it as a crash does.
func (s *tor) start() *running {
	s.Helper()
	return s.startAs(s.sb.Remote, nil)
}

// startAs is start with another way to the Southbound database, and an identity there.
func (s *tor) startAs(southbound string, identity *tls.Config) *running {
	s.Helper()
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	a := NewAgent(AgentConfig{Name: s.name, Pair: s.pair, Switch: s.server.Remote, Southbound: southbound, SouthboundTLS: identity, Release: "26.03.0", Log: log, Reconnect: log})
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Agent: a, end: make(chan error, 1)}
	go func() { r.end <- a.Run(ctx) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			<-r.end
		})
	}
	s.Cleanup(r.stop)
	return r
}

// leave tells the agent to exit.
func (r *running) leave(t *testing.T, cleanup bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Exit(ctx, cleanup); err != nil {
		t.Fatal(err)
	}
	if err := <-r.end; err != nil {
		t.Fatal(err)
	}
	r.end <- nil // for stop
}

// becomes waits until what got returns is what is wanted.
func (d *deployment) becomes(what string, got func() string, want string) {
	d.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := got()
	for end := time.Now().Add(time.Minute); last != want; last = got() {
		if time.Now().After(end) {
			d.Fatalf("%s is\n%s\nwant\n%s", what, last, want)
		}
		<-tick.C
	}
}
