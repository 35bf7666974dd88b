package vtep

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/testkit/pki"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// calling are switches that connect to their controller, by TLS.
type calling struct {
	*deployment
	ca     *pki.Authority
	tls    tlsconf.Options
	at     ovsdb.Passive
	reg    Registry
	socket string
}

func (d *deployment) calling() *calling {
	d.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		d.Fatal(err)
	}
	defer ln.Close()
	c := &calling{deployment: d, ca: pki.New(d), at: ovsdb.Passive{TLS: true, Address: ln.Addr().(*net.TCPAddr).AddrPort()},
		reg: Registry{filepath.Join(d.nb.Dir(), "registry")}, socket: filepath.Join(d.nb.Dir(), "vtep.ctl")}
	f := c.ca.Issue("controller")
	c.tls = tlsconf.Options{PrivateKey: f.PrivateKey, Certificate: f.Certificate, CACert: f.CACert}
	return c
}

// tor makes a switch that connects to us.
func (c *calling) tor(name, ip string) *tor {
	c.Helper()
	return c.deployment.tor(name, ip, c.remote(name)...)
}

// remote has a database server connect to us, with a certificate in a name.
func (c *calling) remote(commonName string) []string {
	c.Helper()
	f := c.ca.Issue(commonName)
	return []string{"--remote=ssl:" + c.at.Address.String(), "--private-key=" + f.PrivateKey, "--certificate=" + f.Certificate, "--ca-cert=" + f.CACert}
}

// registering is what is asked for to register a switch.
func (c *calling) registering(name string) Registering {
	return Registering{Entry: Entry{Name: name, Target: c.at.String()}, Southbound: c.sb.Remote, TLS: c.tls, AcceptVXLANMode: true, Release: "26.03.0", Wait: time.Minute}
}

// run is the process, until the test ends or stop is called, which ends it as a crash does.
func (c *calling) run() (stop func()) {
	c.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	end := make(chan error, 1)
	ready := make(chan struct{})
	opt := Options{Southbound: c.sb.Remote, Registry: c.reg, TLS: c.tls, Log: vlog.New(vlog.Config{Program: "vtep", Console: &c.log}), Unixctl: c.socket, Release: "26.03.0"}
	killed := errors.New("killed")
	go func() {
		end <- Run(ctx, opt, func() error {
			close(ready)
			return nil
		})
	}()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel(killed)
			<-end
		}
	}
	c.Cleanup(stop)
	select {
	case <-ready:
	case err := <-end:
		end <- err
		c.Fatal(err)
	}
	return stop
}

// status is what the process says.
func (c *calling) status() string {
	c.Helper()
	text, err := unixctl.Call(context.Background(), c.socket, "status")
	if err != nil {
		c.Fatal(err)
	}
	return text
}

// shows waits until the status has a text.
func (c *calling) shows(text string) {
	c.Helper()
	c.becomes("whether the status has "+text, func() string {
		if s := c.status(); !strings.Contains(s, text) {
			return s
		}
		return text
	}, text)
}

// TestCalling: two switches that connect to one port are registered without a process, and are managed by one. Neither the loss of the connection nor that of the process
// withdraws anything, and what changes meanwhile is caught up.
func TestCalling(t *testing.T) {
	d := deploy(t)
	d.vms()
	d.vtepPort("sw", "tor2", "tor2", "ls1")
	c := d.calling()
	one, two := c.tor("tor1", "192.0.2.1"), c.tor("tor2", "192.0.2.2")
	for _, s := range []*tor{one, two} {
		s.ctl("add-ls ls1\nbind-ls " + s.name + " p0 100 ls1")
		if err := Register(context.Background(), c.reg, c.registering(s.name), func(Plan) bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
	stop := c.run()
	all := "02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12\nunknown-dst "
	d.becomes("what the first switch is told", func() string { return one.remote("ls1") }, sorted(all+"192.0.2.2"))
	d.becomes("what the second switch is told", func() string { return two.remote("ls1") }, sorted(all+"192.0.2.1"))
	c.shows("connected from ssl:127.0.0.1:")

	one.server.Kill()
	c.shows("waits for the switch to connect to " + c.at.String() + " again: ")
	if got := d.boundTo("tor1"); got != "tor" {
		t.Errorf("while the switch is away it has the ports %q", got)
	}
	d.sbctl("lsp-unbind vm1\nlsp-bind vm1 hv2")
	moved := strings.Replace(all, "01 192.0.2.11", "01 192.0.2.12", 1)
	moved = strings.Replace(moved, "unknown-dst 192.0.2.11\n", "", 1)
	d.becomes("what the second switch is told", func() string { return two.remote("ls1") }, sorted(moved+"192.0.2.1"))
	one.server.Restart()
	d.becomes("what the first switch is told", func() string { return one.remote("ls1") }, sorted(moved+"192.0.2.2"))

	stop()
	if got := two.remote("ls1"); got != sorted(moved+"192.0.2.1") {
		t.Errorf("without a process the second switch has\n%s", got)
	}
	d.sbctl("lsp-unbind vm1\nlsp-bind vm1 hv1")
	stop = c.run()
	d.becomes("what the first switch is told", func() string { return one.remote("ls1") }, sorted(all+"192.0.2.2"))
	d.becomes("what the second switch is told", func() string { return two.remote("ls1") }, sorted(all+"192.0.2.1"))
	if got := d.boundTo("tor1") + " " + d.boundTo("tor2"); got != "tor tor2" {
		t.Errorf("bound are %s", got)
	}
	stop()

	// Without a process it is taken back by whoever is told to.
	entries, err := c.reg.Read()
	if err != nil || len(entries) != 2 || entries[0].Identity == "" {
		t.Fatalf("registered are %+v, %v", entries, err)
	}
	r := c.registering("tor1")
	r.Entry = entries[0]
	if err := Deregister(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if got := one.remote("ls1") + d.boundTo("tor1"); got != "" {
		t.Errorf("left of the first switch is %s", got)
	}
}

// TestCallingNobody: a process that is told of a switch that has never come says what it waits for, and that its port is not open, and goes on by itself.
func TestCallingNobody(t *testing.T) {
	d := deploy(t)
	c := d.calling()
	taken, err := net.Listen("tcp4", c.at.Address.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.reg.Write(Entry{Name: "tor1", Target: c.at.String(), Identity: "12345678-1234-1234-1234-123456789abc"}); err != nil {
		t.Fatal(err)
	}
	c.run()
	c.shows("problem     port-closed: " + c.at.String())
	taken.Close()
	c.shows("switch      " + c.at.String() + " not connected: waits for the switch to connect to " + c.at.String() + "\n")
	c.tor("tor1", "192.0.2.1")
	c.shows("problem     switch-identity: switch tor1, connected from 127.0.0.1:")
	c.shows(`certificate "CN=tor1"`)
}

// TestCallingRegistry: what cannot be an entry is refused by file, and does not keep others out.
func TestCallingRegistry(t *testing.T) {
	reg := Registry{t.TempDir()}
	const id = "12345678-1234-1234-1234-123456789abc"
	for _, e := range []Entry{{Name: "a", Target: "pssl:6640", Identity: id}, {Name: "b", Target: "pssl:6640", Identity: id}, {Name: "c", Target: "pssl:6640"},
		{Name: "d", Target: "pssl:0", Identity: id}, {Name: "e", Target: "ssl:192.0.2.1:6640"}, {Name: "f", Target: "ptcp:6640", Identity: id, Subject: "CN=f"}} {
		if err := reg.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := reg.Read()
	if len(entries) != 2 || entries[0].Name != "a" || entries[1].Name != "e" {
		t.Errorf("read: %+v", entries)
	}
	for _, want := range []string{"b.json has a database that another entry has", "c.json: identity, by which", "d.json: remote \"pssl:0\"", "f.json: subject: only switches that connect by pssl:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not have %q", err, want)
		}
	}
}

func sorted(text string) string {
	list := strings.Split(text, "\n")
	slices.Sort(list)
	return strings.Join(list, "\n")
}
