package vlog

import (
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// receive returns a socket's address as --syslog-method names it, and a func that returns the next datagram.
func receive(t *testing.T, network, address string) (string, func() string) {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String(), func() string {
		buf := make([]byte, 1<<16)
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func syslogOnly(t *testing.T, method string, specs ...string) *Facility {
	t.Helper()
	f := New(Config{Program: "prog"})
	if err := f.SetSyslogMethod(method); err != nil {
		t.Fatal(err)
	}
	for _, spec := range append(specs, "console:off") {
		if err := f.Set(spec); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestSyslogSocket(t *testing.T) {
	for _, network := range []string{"unix", "udp"} {
		t.Run(network, func(t *testing.T) {
			net, address := "unixgram", filepath.Join(t.TempDir(), "log")
			if network == "udp" {
				net, address = "udp", "127.0.0.1:0"
			}
			at, next := receive(t, net, address)
			f := syslogOnly(t, network+":"+at)
			f.Logger("m").Info("first\nsecond")
			f.Logger("m").Debug("not shown")
			f.Logger("m").Error("third")
			for _, want := range []string{"<29>ovs|00001|m|INFO|first", "<29>second", "<27>ovs|00002|m|ERR|third"} {
				if got := next(); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			if !strings.Contains(f.Patterns(), "SYSLOG   <%B>                 ") {
				t.Errorf("patterns:\n%s", f.Patterns())
			}
		})
	}
}

func TestSyslogLibcFormat(t *testing.T) {
	at, next := receive(t, "unixgram", filepath.Join(t.TempDir(), "log"))
	f := syslogOnly(t, "libc", "FACILITY:local1")
	f.sys.socket = outlet{network: "unixgram", address: at} // in place of /dev/log
	f.Logger("m").Warn("hello")
	if got := next(); !regexp.MustCompile(`^<140>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d prog: ovs\|00001\|m\|WARN\|hello$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
}

func TestSyslogTarget(t *testing.T) {
	at, next := receive(t, "udp", "127.0.0.1:0")
	f := syslogOnly(t, "null")
	if err := f.SetSyslogTarget(at); err != nil {
		t.Fatal(err)
	}
	f.Logger("m").Info("hello")
	want := regexp.MustCompile(`^<133>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ prog \d+ m - ` + "\ufeff" + `hello$`)
	if got := next(); !want.MatchString(got) {
		t.Errorf("got %q", got)
	}
}

func TestSyslogSurvivesReceiver(t *testing.T) {
	dir := t.TempDir()
	address := filepath.Join(dir, "log")
	o := outlet{network: "unixgram", address: address}
	now := time.Now()
	o.send([]byte("nobody listens"), now)
	_, next := receive(t, "unixgram", address)
	o.send([]byte("too early"), now.Add(outletBackoff/2))
	o.send([]byte("heard"), now.Add(outletBackoff))
	if got := next(); got != "heard" {
		t.Errorf("got %q", got)
	}
	big := strings.Repeat("x", 1<<20) // over the socket buffer
	o.send([]byte(big), now.Add(outletBackoff))
	if got := next(); len(got) == 0 || !strings.HasPrefix(big, got) {
		t.Errorf("a message over the limit arrived as %d bytes", len(got))
	}
}

func TestSyslogMethodErrors(t *testing.T) {
	f := New(Config{Program: "prog"})
	for _, name := range []string{"foo", "", "unix:", "udp:", "libc:x"} {
		if err := f.SetSyslogMethod(name); err == nil || err.Error() != "unsupported syslog method '"+name+"'" {
			t.Errorf("SetSyslogMethod(%q): %v", name, err)
		}
	}
	if err := f.SetSyslogTarget("localhost:514"); err == nil {
		t.Error("a host name was taken as --syslog-target")
	}
	// The first choice counts.
	if err := f.SetSyslogMethod("null"); err != nil {
		t.Fatal(err)
	}
	if err := f.SetSyslogMethod("libc"); err != nil || f.sys.method != viaNull {
		t.Errorf("second choice: %v, method %v", err, f.sys.method)
	}
}

func TestFacilities(t *testing.T) {
	for name, code := range map[string]int{"kern": 0, "daemon": 3, "uucp": 8, "clock": 9, "ftp": 11, "ntp": 12, "clock2": 15, "local0": 16, "LOCAL7": 23} {
		if got, ok := parseFacility(name); !ok || got != code<<3 {
			t.Errorf("%s: got %d, %v, want %d", name, got>>3, ok, code)
		}
	}
}
