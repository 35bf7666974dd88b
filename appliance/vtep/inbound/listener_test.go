package inbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/journal"
	"github.com/sluice-gw/sluice/internal/testkit/pki"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const vtepSchema = "/usr/share/openvswitch/vtep.ovsschema" // Debian package openvswitch-vtep

// free is a port of the loopback interface that nobody has.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// listening is a Listener at work.
type listening struct {
	*Listener
	*testing.T
	log journal.Journal
}

func listen(t *testing.T, cfg Config) *listening {
	t.Helper()
	l := &listening{T: t}
	cfg.Log = slog.New(slog.NewTextHandler(&l.log, nil))
	if !cfg.At.Address.IsValid() {
		cfg.At.Address = free(t)
	}
	l.Listener = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Listener.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		if t.Failed() {
			t.Logf("log:\n%s", l.log.String())
		}
	})
	return l
}

func (l *listening) address() string { return l.cfg.At.Address.String() }

// becomes waits until what got returns is what is wanted.
func (l *listening) becomes(what string, got func() string, want string) {
	l.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last := got()
	for end := time.Now().Add(time.Minute); last != want; last = got() {
		if time.Now().After(end) {
			l.Fatalf("%s is\n%s\nwant\n%s", what, last, want)
		}
		<-tick.C
	}
}

// who are the names of the switches that wait.
func (l *listening) who() string {
	s, err := l.State(context.Background())
	if err != nil {
		l.Fatal(err)
	}
	var names []string
	for _, w := range s.Waiting {
		names = append(names, w.Name())
	}
	return strings.Join(names, " ")
}

// switchDB starts the database of a switch, which connects to the listener.
func (l *listening) switchDB(name string, extra ...string) *ovsdbtest.Server {
	l.Helper()
	capability.Need(l, "ovs", "ovsdb-server", "ovsdb-tool", "vtep-ctl", vtepSchema)
	s := ovsdbtest.Start(l, vtepSchema, "hardware_vtep", append([]string{l.remote()}, extra...)...)
	out, err := exec.Command("vtep-ctl", "--db="+s.Remote, "--no-syslog", "add-ps", name).CombinedOutput()
	if err != nil {
		l.Fatalf("vtep-ctl: %v: %s", err, out)
	}
	return s
}

// remote is the option of a server that is to connect to the listener.
func (l *listening) remote() string {
	return "--remote=" + strings.TrimPrefix(l.cfg.At.String()[:4], "p") + ":" + l.address()
}

// identity is that of the database of a switch that waits.
func (l *listening) identity(name string) (id string) {
	l.Helper()
	l.becomes("the identity of "+name, func() string {
		s, err := l.State(context.Background())
		if err != nil {
			l.Fatal(err)
		}
		for _, w := range s.Waiting {
			if w.Name() == name && w.Identity != "" {
				id = w.Identity
				return "known"
			}
		}
		return "unknown"
	}, "known")
	return id
}

// replica follows the database of a claim until the test ends; names are its switches.
func (l *listening) replica(c *Claim) (names func() string, state func() string) {
	r := rows.NewReplica(rows.Config{SessionConfig: ovsdb.SessionConfig{Remote: l.cfg.At.String(), Accept: c.Accept, Probe: 2 * time.Second, Logger: l.cfg.Log}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	l.Cleanup(func() {
		cancel()
		<-done
	})
	take := func() {
		for more := true; more; {
			_, more = r.Next()
		}
	}
	names = func() string {
		take()
		var all []string
		for row := range r.DB().PhysicalSwitch.All() {
			all = append(all, row.Name)
		}
		return strings.Join(all, " ")
	}
	state = func() string {
		take()
		return fmt.Sprint(r.State().Connected, r.State().Counters.Connects)
	}
	return names, state
}

// TestShare: two switches share a port, wait until they are claimed, and come back after a restart.
func TestShare(t *testing.T) {
	l := listen(t, Config{Survey: 50 * time.Millisecond})
	one, two := l.switchDB("tor1"), l.switchDB("tor2")
	l.becomes("those who wait", l.who, "tor1 tor2")
	c1, c2 := l.Claim("tor1", Peer{Identity: l.identity("tor1")}), l.Claim("tor2", Peer{Identity: l.identity("tor2")})
	defer c1.Close()
	defer c2.Close()
	names1, state1 := l.replica(c1)
	names2, state2 := l.replica(c2)
	l.becomes("the first", names1, "tor1")
	l.becomes("the second", names2, "tor2")
	l.becomes("those who wait", l.who, "")
	one.Restart()
	l.becomes("the first", state1, "true 2")
	two.Kill()
	l.becomes("the second", state2, "false 1")
	two.Restart()
	l.becomes("the second", state2, "true 2")
}

// TestPatience: a switch that nobody has claimed stays connected for longer than its server's probe interval, and is told apart by what its database says then.
func TestPatience(t *testing.T) {
	l := listen(t, Config{Survey: 50 * time.Millisecond})
	s := l.switchDB("tor1")
	l.becomes("those who wait", l.who, "tor1")
	if out, err := exec.Command("vtep-ctl", "--db="+s.Remote, "--no-syslog", "del-ps", "tor1", "--", "add-ps", "spine").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l.becomes("those who wait", l.who, "spine")
	c, err := l.Survey(context.Background(), "spine", Peer{}, Peer{})
	if err != nil {
		t.Fatal(err)
	}
	names, state := l.replica(c)
	l.becomes("the switch", names, "spine")
	if got := state(); got != "true 1" {
		t.Errorf("connected: %s", got)
	}
	c.Close()
}

// TestAgain: of two connections of one database the later one counts, though the older one is not closed.
func TestAgain(t *testing.T) {
	l := listen(t, Config{Survey: 50 * time.Millisecond})
	one := l.switchDB("tor1")
	c := l.Claim("tor1", Peer{Identity: l.identity("tor1")})
	defer c.Close()
	_, state := l.replica(c)
	l.becomes("the connection", state, "true 1")
	one.Suspend() // its host has crashed; a copy of the database is what starts there again
	one.Copy(l.remote())
	l.becomes("the connection", state, "true 2")
	if !strings.Contains(l.log.String(), "has connected again from") {
		t.Error("nobody was told")
	}
}

// TestImpostor: another database with the name of a claimed switch is told of and gets nothing; two unknown ones with one name are nobody's.
func TestImpostor(t *testing.T) {
	l := listen(t, Config{Survey: 50 * time.Millisecond})
	l.switchDB("tor1")
	c := l.Claim("tor1", Peer{Identity: l.identity("tor1")})
	defer c.Close()
	_, state := l.replica(c)
	l.becomes("the connection", state, "true 1")
	l.switchDB("tor1")
	l.becomes("the other one", func() string {
		s, err := c.State(context.Background())
		if err != nil || len(s.Others) != 1 {
			return ""
		}
		return s.Others[0].Registered
	}, "tor1")
	l.becomes("the log", func() string {
		return fmt.Sprint(strings.Contains(l.log.String(), "gets nothing: tor1 is registered with another database"))
	}, "true")
	if got := state(); got != "true 1" {
		t.Errorf("connected: %s", got)
	}
	l.switchDB("tor2")
	l.switchDB("tor2")
	l.becomes("those who wait", l.who, "tor1 tor2 tor2")
	s, err := l.Survey(context.Background(), "tor2", Peer{}, Peer{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if nc, err := s.Accept(context.Background()); err == nil {
		nc.Close()
		t.Error("one of two with the same name was taken")
	} else if !strings.Contains(err.Error(), "2 switches that are called tor2 are connected") {
		t.Error(err)
	}
}

// TestSurveyFirst: a survey gets the connection of a switch that has an owner, and gives it back.
func TestSurveyFirst(t *testing.T) {
	l := listen(t, Config{Survey: 50 * time.Millisecond})
	l.switchDB("tor1")
	id := l.identity("tor1")
	c := l.Claim("tor1", Peer{Identity: id})
	defer c.Close()
	_, state := l.replica(c)
	l.becomes("the connection", state, "true 1")
	s, err := l.Survey(context.Background(), "tor1", Peer{Identity: id}, Peer{})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := s.Accept(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	l.becomes("the connection", state, "false 1")
	nc.Close()
	s.Close()
	l.becomes("the connection", state, "true 2")
	if _, err := l.Survey(context.Background(), "tor9", Peer{}, Peer{}); err != nil {
		t.Errorf("a name that nobody has: %v", err)
	}
}

// TestHostile: who says nothing, nonsense or too much is sent away in time, with the reason in the log, and no switch has to do with it.
func TestHostile(t *testing.T) {
	l := listen(t, Config{Survey: 50 * time.Millisecond, Greeting: 300 * time.Millisecond})
	if err := l.Opened(context.Background()); err != nil {
		t.Fatal(err)
	}
	answer := `{"id":"survey","error":null,"result":[{"rows":[{"_uuid":["uuid","12345678-1234-1234-1234-123456789abc"]}]},{"rows":[{"name":"x"}]}]}`
	for _, tt := range []struct{ name, says, want string }{
		{"nothing", "", "it does not answer"},
		{"half a message", `{"id":`, "it does not answer"},
		{"HTTP", "GET / HTTP/1.1\r\n\r\n", "invalid character 'G'"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01", "it speaks TLS"},
		{"binary", "\x00\xff\xfe", "invalid character"},
		{"a long message", `{"method":"echo","id":1,"params":["` + strings.Repeat("x", maxMessage) + `"]}`, "message of more than"},
		{"deep nesting", strings.Repeat("[", 100_000), "exceeded max depth"},
		{"many messages", strings.Repeat(`{"method":"update","id":null,"params":[]}`, maxMessages+1), "messages that nobody asked for"},
		{"another type", `{"method":7}`, "cannot unmarshal"},
		{"no database", `{"id":"survey","result":null,"error":{"error":"unknown database"}}`, "has no database hardware_vtep"},
		{"no answer", `{"id":"survey","result":{}}`, "is not that of an OVSDB server"},
		{"refusal", `{"id":"survey","result":[{"error":"not allowed","details":"by role"},{"rows":[]}]}`, "not allowed"},
		{"an identity that is none", strings.Replace(answer, "12345678-", "", 1), "calls a row of Global"},
		{"an identity of another type", strings.Replace(answer, `["uuid",`, `["uuid","x",`, 1), "calls a row of Global"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(l.log.String())
			nc, err := net.Dial("tcp", l.address())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			go io.WriteString(nc, tt.says) // fails when we are sent away in the middle
			nc.SetReadDeadline(time.Now().Add(time.Minute))
			for buf := make([]byte, 1024); err == nil; {
				_, err = nc.Read(buf)
			}
			if os.IsTimeout(err) {
				t.Fatal("it was not sent away")
			}
			l.becomes("the log", func() string { return fmt.Sprint(strings.Contains(l.log.String()[before:], tt.want)) }, "true")
		})
	}
	l.switchDB("tor1")
	l.becomes("those who wait", l.who, "tor1")
}

// TestSilentLater: one that has said who it is and then does not answer is given up.
func TestSilentLater(t *testing.T) {
	l := listen(t, Config{Survey: 50 * time.Millisecond, Greeting: 300 * time.Millisecond})
	s := l.switchDB("tor1")
	l.becomes("those who wait", l.who, "tor1")
	s.Suspend()
	l.becomes("those who wait", l.who, "")
	s.Resume()
	l.becomes("those who wait", l.who, "tor1")
}

// refuses waits until so many callers were sent away.
func (b *listening) refuses(n int) {
	b.Helper()
	b.becomes("those who were sent away", func() string {
		s, err := b.State(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		return fmt.Sprint(s.Refused)
	}, fmt.Sprint(n))
}

// TestCrowd: one address cannot have more connections that wait than its share.
func TestCrowd(t *testing.T) {
	l := listen(t, Config{})
	if err := l.Opened(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range maxCallersOfOne + 5 {
		nc, err := net.Dial("tcp", l.address())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	l.refuses(5)
}

// TestPort: a port that somebody has is tried again until it is free; why it is not open is told.
func TestPort(t *testing.T) {
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t, Config{At: ovsdb.Passive{Address: other.Addr().(*net.TCPAddr).AddrPort()}})
	if err := l.Opened(context.Background()); err == nil || !strings.Contains(err.Error(), "address already in use. Who has the port: ss -ltnp") {
		t.Errorf("got %v", err)
	}
	other.Close()
	l.becomes("the port", func() string { return fmt.Sprint(l.Opened(context.Background())) }, "<nil>")
	missing := listen(t, Config{At: ovsdb.Passive{Address: netip.MustParseAddrPort("192.0.2.123:6640")}})
	if err := missing.Opened(context.Background()); err == nil || !strings.Contains(err.Error(), "This host has no such address") {
		t.Errorf("got %v", err)
	}
}

// TestTLS: who has no certificate of the CA is sent away, and our own files are read again.
func TestTLS(t *testing.T) {
	ca, stranger := pki.New(t), pki.New(t)
	files := ca.Issue("controller")
	options := tlsconf.Options{PrivateKey: files.PrivateKey, Certificate: files.Certificate, CACert: files.CACert}
	for _, tt := range []struct {
		change func(*tlsconf.Options)
		want   string
	}{
		{func(o *tlsconf.Options) { o.PrivateKey = "" }, "private key and certificate must be configured"},
		{func(o *tlsconf.Options) { o.Certificate = "/nowhere.pem" }, "/nowhere.pem"},
		{func(o *tlsconf.Options) { o.CACert = "" }, "CA certificate must be configured"},
		{func(o *tlsconf.Options) { o.CACert = "none" }, "would let in anybody"},
		{func(o *tlsconf.Options) { o.CACert = o.PrivateKey }, "holds no certificate"},
	} {
		o := options
		tt.change(&o)
		l := listen(t, Config{At: ovsdb.Passive{TLS: true}, TLS: o})
		if err := l.Opened(context.Background()); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "(-p, -c, -C)") {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	l := listen(t, Config{At: ovsdb.Passive{TLS: true}, TLS: options, Survey: 50 * time.Millisecond})
	if err := l.Opened(context.Background()); err != nil {
		t.Fatal(err)
	}
	call := func(o *tlsconf.Options) (tls.ConnectionState, error) {
		nc, err := net.Dial("tcp", l.address())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(time.Minute))
		if o == nil {
			_, err = io.Copy(io.Discard, io.MultiReader(writeFirst(nc, `{"id":1,"method":"echo","params":[]}`), nc))
			return tls.ConnectionState{}, err
		}
		cfg := o.Client(slog.New(slog.DiscardHandler))
		if o.PrivateKey == "" {
			cfg.GetClientCertificate = nil
		}
		tc := tls.Client(nc, cfg)
		_, err = tc.Read(make([]byte, 1))
		return tc.ConnectionState(), err
	}
	told := func(what string) {
		t.Helper()
		l.becomes("the log", func() string { return fmt.Sprint(strings.Contains(l.log.String(), what)) }, "true")
	}
	bad := stranger.Issue("switch")
	if _, err := call(&tlsconf.Options{PrivateKey: bad.PrivateKey, Certificate: bad.Certificate, CACert: files.CACert}); err == nil {
		t.Error("a certificate of another CA is good enough")
	}
	told("peer's certificate against CA certificate " + files.CACert)
	if _, err := call(&tlsconf.Options{CACert: files.CACert}); err == nil {
		t.Error("no certificate is good enough")
	}
	told("client didn't provide a certificate")
	call(nil)
	told("it speaks no TLS")

	good := ca.Issue("switch")
	before, err := call(&tlsconf.Options{PrivateKey: good.PrivateKey, Certificate: good.Certificate, CACert: files.CACert})
	if err != nil {
		t.Fatal(err)
	}
	ca.Issue("controller") // into the same files
	after, err := call(&tlsconf.Options{PrivateKey: good.PrivateKey, Certificate: good.Certificate, CACert: files.CACert})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(before.PeerCertificates[0].Raw, after.PeerCertificates[0].Raw) {
		t.Error("the new certificate is not used")
	}
	l.switchDB("tor1", "--private-key="+good.PrivateKey, "--certificate="+good.Certificate, "--ca-cert="+good.CACert)
	c := l.Claim("tor1", Peer{Identity: l.identity("tor1")})
	defer c.Close()
	names, _ := l.replica(c)
	l.becomes("the switch", names, "tor1")
}

// writeFirst writes a text, and reads as nothing.
func writeFirst(w io.Writer, text string) io.Reader {
	io.WriteString(w, text)
	return strings.NewReader("")
}
