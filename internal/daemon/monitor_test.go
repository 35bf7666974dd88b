package daemon

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestMonitorRestarts(t *testing.T) {
	w := newWorld(t)
	w.env = append(w.env, hurryEnv+"=1")
	first := w.detach("--monitor", "--pidfile", "--log-file")
	monitor := parent(first)
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", monitor)); err != nil || string(name) != "monitor\n" {
		t.Errorf("the monitor's name is %q: %v", name, err)
	}
	if w.pidfile() != first {
		t.Errorf("pid file: %d, want the daemon's %d (monitor %d)", w.pidfile(), first, monitor)
	}
	w.kill(first, syscall.SIGSEGV)
	second := w.started()
	if parent(second) != monitor || w.pidfile() != second {
		t.Errorf("restarted: parent %d, pid file %d, want %d, %d", parent(second), w.pidfile(), monitor, second)
	}
	w.kill(second, syscall.SIGBUS)
	third := w.started()
	w.ask("exit")
	if status := w.ended(monitor); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("monitor's end: %v", status)
	}
	var got []string
	for line := range strings.Lines(w.logged()) {
		if rest, ok := strings.CutPrefix(line, "daemon_unix(monitor)|"); ok {
			got = append(got, strings.ReplaceAll(rest, ", core dumped", ""))
		}
	}
	// The Go runtime turns such signals into SIGABRT once it has printed its trace.
	want := fmt.Sprintf(`ERR|1 crashes: pid %d died, killed (Aborted), restarting
WARN|2 crashes: pid %d died, killed (Aborted), waiting until 1 seconds since last restart
ERR|2 crashes: pid %d died, killed (Aborted), restarting
INFO|pid %d died, exit status 0, exiting
`, first, second, second, third)
	if strings.Join(got, "") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, ""), want)
	}
}

// A panic is a programming error like any other, and its trace must not be lost with the standard error.
func TestMonitorRestartsAfterPanic(t *testing.T) {
	w := newWorld(t)
	first := w.detach("--monitor", "--pidfile", "--log-file")
	if _, err := w.tell("panic"); err == nil {
		t.Error("the panic was answered")
	}
	if second := w.started(); second == first {
		t.Error("the same process again")
	}
	log := w.log()
	for _, want := range []string{"panic: told to panic", "daemon.serve", "|daemon_unix(monitor)|ERR|1 crashes: pid "} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}

func TestMonitorLetsGo(t *testing.T) {
	for sig, want := range map[syscall.Signal]string{
		syscall.SIGKILL: "killed (Killed)",
		syscall.SIGTERM: "killed (Terminated)",
		syscall.SIGHUP:  "killed (Hangup)",
	} {
		t.Run(sig.String(), func(t *testing.T) {
			w := newWorld(t)
			daemon := w.detach("--monitor", "--log-file")
			monitor := parent(daemon)
			w.kill(daemon, sig)
			if status := w.ended(monitor); !status.Exited() || status.ExitStatus() != 0 {
				t.Errorf("monitor's end: %v", status)
			}
			if line := fmt.Sprintf("daemon_unix(monitor)|INFO|pid %d died, %s, exiting\n", daemon, want); !strings.Contains(w.logged(), line) {
				t.Errorf("log lacks %q:\n%s", line, w.log())
			}
		})
	}
}
