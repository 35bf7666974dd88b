package remote

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/test/probe"
)

// agentVariable has this program be an agent, of an interface, instead of a test.
const agentVariable = "SLUICE_TEST_AGENT"

func TestMain(m *testing.M) {
	if iface := os.Getenv(agentVariable); iface != "" {
		if err := Serve(os.Stdin, os.Stdout, probe.Local{Netns: probe.Here{}, Interface: iface}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

var here = probe.Local{Netns: probe.Here{}, Interface: "lo"}

// start starts an agent that is on this machine.
func start(t *testing.T) *Host {
	t.Helper()
	h, err := Start("vm1", []string{"env", agentVariable + "=lo", os.Args[0]}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func at(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

// free is a port at which nobody listens, of UDP and TCP.
func free(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String()).Port()
}

// kind is what of an error tells apart what became of a packet.
func kind(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return "answered"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "late"
	}
	return "failed"
}

// What an agent says is what the functions say that it calls, errors included.
func TestSameAsLocal(t *testing.T) {
	agent := start(t)
	deaf, err := net.ListenPacket("udp", "127.0.0.1:0") // answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	silent := netip.MustParseAddrPort(deaf.LocalAddr().String())
	for _, host := range []probe.Host{here, agent} {
		port, none := free(t), at(free(t))
		server, err := host.Serve([]uint16{port}, []uint16{port})
		if err != nil {
			t.Fatal(err)
		}
		asked, err := host.AskUDP(at(port), time.Minute)
		if err != nil || asked.SeenAs.Addr() != at(port).Addr() || asked.RTT <= 0 {
			t.Errorf("%T: asked: %+v, %v", host, asked, err)
		}
		if r, err := host.TransferTCP(at(port), 100_000, time.Minute); err != nil || r.Bytes != 100_000 || r.Total <= 0 {
			t.Errorf("%T: transfer: %+v, %v", host, r, err)
		}
		if took, err := host.DialTCP(at(port), time.Minute); err != nil || took <= 0 {
			t.Errorf("%T: connection: %s, %v", host, took, err)
		}
		_, udpErr := host.AskUDP(none, time.Minute)
		_, tcpErr := host.DialTCP(none, time.Minute)
		_, lateErr := host.AskUDP(silent, time.Millisecond)
		_, transferErr := host.TransferTCP(none, 10, time.Minute)
		_, twiceErr := host.Serve([]uint16{port}, nil)
		for want, got := range map[string][]error{"refused": {udpErr, tcpErr, transferErr}, "late": {lateErr}, "failed": {twiceErr}} {
			for _, err := range got {
				if err == nil || kind(err) != want {
					t.Errorf("%T: %v is not %q", host, err, want)
				}
			}
		}
		if !errors.Is(twiceErr, syscall.EADDRINUSE) || !strings.Contains(twiceErr.Error(), "UDP echo server") {
			t.Errorf("%T: a port taken twice: %v", host, twiceErr)
		}
		e, err := host.ProvokeICMPError(none, 64, 32, time.Minute)
		if want := (probe.ICMPError{From: none.Addr(), Type: 3, Code: 3, RTT: e.RTT}); err != nil || e != want {
			t.Errorf("%T: ICMP error %+v, %v", host, e, err)
		}
		if mac, err := host.MAC(); err != nil || len(mac) != 0 && mac.String() != "00:00:00:00:00:00" {
			t.Errorf("%T: MAC address of lo: %v, %v", host, mac, err)
		}
		stream, err := host.StartStream(at(port), time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		progress := await(t, stream, 20)
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if later, err := stream.Progress(); err != nil || later.Now <= progress.Now || len(stream.Mark()) != 8 {
			t.Errorf("%T: progress %+v after %+v, %v", host, later, progress, err)
		}
		r, err := stream.Stop()
		if err != nil || r.Sent-r.Lost < 20 {
			t.Errorf("%T: stream %s, %v", host, r, err)
		}
		if _, err := host.AskUDP(at(port), time.Minute); kind(err) != "refused" {
			t.Errorf("%T: a server that was closed: %v", host, err)
		}
	}
	if err := agent.Close(); err != nil {
		t.Error(err)
	}
}

// await waits until datagrams of a stream have been answered.
func await(t *testing.T, stream probe.RunningStream, n int) probe.Progress {
	t.Helper()
	for {
		p, err := stream.Progress()
		if err != nil || t.Context().Err() != nil {
			t.Fatal(err, t.Context().Err())
		}
		if p.Answered >= n {
			return p
		}
	}
}

// An agent ends what runs when it is left.
func TestLeft(t *testing.T) {
	agent, port := start(t), free(t)
	if _, err := agent.Serve([]uint16{port}, []uint16{port}); err != nil {
		t.Fatal(err)
	}
	stream, err := agent.StartStream(at(port), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	await(t, stream, 1)
	if err := agent.Close(); err != nil {
		t.Error(err)
	}
	if _, err := here.AskUDP(at(port), time.Minute); kind(err) != "refused" {
		t.Errorf("its server still runs: %v", err)
	}
	if _, err := stream.Progress(); err == nil {
		t.Error("an agent that was left answers")
	}
}

// An agent that dies in the middle of something ends that with an error that names it, and what comes after.
func TestDies(t *testing.T) {
	agent := start(t)
	deaf, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	asked := make(chan error)
	go func() {
		_, err := agent.AskUDP(netip.MustParseAddrPort(deaf.LocalAddr().String()), time.Hour)
		asked <- err
	}()
	if _, _, err := deaf.ReadFrom(make([]byte, 100)); err != nil { // it is in the middle
		t.Fatal(err)
	}
	if err := agent.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, after := agent.MAC()
	for _, err := range []error{<-asked, after} {
		if err == nil || !strings.Contains(err.Error(), "the agent of vm1 (env ") || !strings.Contains(err.Error(), "signal: killed") || !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("an agent that was killed: %v", err)
		}
	}
	if err := agent.Close(); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("its end: %v", err)
	}
}

// Commands that are no agents, or cannot be reached, are said to be so.
func TestNoAgent(t *testing.T) {
	for _, tt := range []struct {
		script, want string
		patience     time.Duration
	}{
		{"echo no route to host >&2; exit 255", "exit status 255", time.Minute},
		{"echo no route to host >&2; exit 255", "no route to host", time.Minute},
		{"echo Welcome; cat >/dev/null", "invalid character 'W'", 100 * time.Millisecond},
		{"exec sleep 1000", "has not answered Hello within 50ms", 50 * time.Millisecond},
		{`read x; echo '{"id":0,"result":{"Value":99},"error":null}'; cat >/dev/null`, "speaks protocol 99", time.Minute},
		{`read x; echo '{"id":0,"result":null,"error":"rpc: can'"'"'t find method Host.Hello"}'; cat >/dev/null`, "does not understand Hello", time.Minute},
	} {
		h, err := Start("vm1", []string{"sh", "-c", tt.script}, tt.patience)
		if h != nil || err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "the agent of vm1 (sh -c ") {
			t.Errorf("%s: %v, want %q", tt.script, err, tt.want)
		}
	}
	if _, err := Start("vm1", []string{"/nowhere/agent"}, time.Minute); err == nil || !strings.Contains(err.Error(), "/nowhere/agent") {
		t.Error(err)
	}
	if _, err := Start("vm1", nil, time.Minute); err == nil || !strings.Contains(err.Error(), "no command") {
		t.Error(err)
	}
}
