package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// Each of the signals that end a daemon in an orderly way also kills it in the end, so that its parent sees the truth.
func TestForeground(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGALRM} {
		t.Run(sig.String(), func(t *testing.T) { testForeground(t, sig) })
	}
}

func testForeground(t *testing.T, sig syscall.Signal) {
	w := newWorld(t)
	cmd := w.command("--pidfile", "-vconsole:off")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := w.started()
	if pid != cmd.Process.Pid || w.pidfile() != pid {
		t.Errorf("started %d, daemon %d, pid file %d: want one process", cmd.Process.Pid, pid, w.pidfile())
	}
	if seen := w.ask("look"); !strings.Contains(seen, "cwd="+w.dir+" ") || !strings.Contains(seen, "fd2="+w.dir+"/stderr") {
		t.Errorf("a foreground process moved: %s", seen)
	}
	w.kill(pid, sig)
	cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
		t.Errorf("end: %v, want killed by %v", cmd.ProcessState, sig)
	}
	for _, name := range []string{program + ".pid", fmt.Sprintf("%s.%d.ctl", program, pid)} {
		if _, err := os.Stat(w.path(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was left: %v", name, err)
		}
	}
}

func TestDetach(t *testing.T) {
	w := newWorld(t)
	pid := w.detach("--pidfile=other.pid", "--log-file")
	want := "cwd=/ session-leader=true comm=" + program + "\nfd0=/dev/null\nfd1=/dev/null\nfd2=/dev/null\nenv=\"\"\"\"\n"
	if err := os.Link(w.path("other.pid"), w.path(program+".pid")); err != nil {
		t.Fatal(err)
	}
	if got := w.ask("look"); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if w.pidfile() != pid {
		t.Errorf("pid file: %d, want %d", w.pidfile(), pid)
	}
	w.ask("exit")
	if status := w.ended(pid); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("end: %v", status)
	}
	if got := w.logged(); got != "vlog|INFO|opened log file "+w.path(program+".log")+"\n" {
		t.Errorf("log: %q", got)
	}
}

func TestDetachNoChdir(t *testing.T) {
	w := newWorld(t)
	w.detach("--pidfile", "--no-chdir")
	if got := w.ask("look"); !strings.HasPrefix(got, "cwd="+w.dir+" ") {
		t.Errorf("got %s", got)
	}
}

// TestAppctl is the point of it all: the C tools find the daemon by its pid file and talk to it.
func TestAppctl(t *testing.T) {
	capability.Need(t, "ovs", "ovs-appctl")
	w := newWorld(t)
	pid := w.detach("--pidfile", "--log-file", "-vfile:warn")
	appctl := func(args ...string) string {
		cmd := exec.Command("ovs-appctl", append([]string{"-t", program}, args...)...)
		cmd.Env = w.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			return err.Error() + ": " + string(out)
		}
		return string(out)
	}
	refused := func(text string) string {
		return "exit status 2: " + text + "\novs-appctl: " + program + ": server returned an error\n"
	}
	for _, tt := range []struct{ command, want string }{
		{"version", program + " 1\n"},
		{"vlog/set nosuch", refused(`no destination, level, or module "nosuch"`)},
		{"vlog/set any:file:info syslog:off daemon_unix:file:dbg", ""},
		{"vlog/disable-rate-limit unixctl", ""},
		{"vlog/disable-rate-limit nosuch", refused("unknown module")},
		{"vlog/list", `                 console    syslog    file
                 -------    ------    ------
daemon_unix       INFO        OFF        DBG
unixctl           INFO        OFF       INFO    (rate limiting disabled)
vlog              INFO        OFF       INFO
`},
		{"vlog/enable-rate-limit", ""},
		{"vlog/message hello", ""},
		{"vlog/close", ""},
		{"vlog/message lost", ""},
		{"vlog/reopen", ""},
		{"exit", ""},
	} {
		if got := appctl(strings.Fields(tt.command)...); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.command, got, tt.want)
		}
	}
	w.ended(pid)
	want := "vlog|INFO|user-message: hello\nvlog|INFO|opened log file " + w.path(program+".log") + "\n"
	if got := w.logged(); got != want {
		t.Errorf("log: got %q, want %q", got, want)
	}
}

func TestSecondStartIsRefused(t *testing.T) {
	w := newWorld(t)
	pid := w.detach("--pidfile")
	status, said := w.run("--detach", "--pidfile")
	want := fmt.Sprintf("%s: %s: already running as pid %d, aborting\n", program, w.path(program+".pid"), pid)
	if status != 1 || said != want {
		t.Errorf("status %d, %q, want 1, %q", status, said, want)
	}
	if second := w.detach("--pidfile", "--overwrite-pidfile"); w.pidfile() != second {
		t.Errorf("pid file after --overwrite-pidfile: %d, want %d", w.pidfile(), second)
	}
}

func TestFailedStart(t *testing.T) {
	for _, tt := range []struct {
		mode   string
		args   string
		status int
		said   string
	}{
		{"fail", "", 1, program + ": told to fail\n"},
		{"fail", "--detach", 1, program + ": told to fail\n"},
		{"fail", "--detach --monitor", 1, program + ": told to fail\n"},
		{"fail", "--monitor", 1, program + ": told to fail\n"},
		{"kill", "--detach", 1, "(killed (Killed))\n" + program + ": could not detach from foreground session\n"},
		{"kill", "--monitor", 1, "(killed (Killed))\n" + program + ": could not initiate process monitoring\n"},
		{"panic", "--detach", 2, "panic: told to panic early\n"},
		{"", "--log-file=/nonexistent/x", 1, "failed to open /nonexistent/x for logging: no such file or directory\n"},
		{"", "--detach --log-file=/nonexistent/x -vconsole:off", 1, "failed to open /nonexistent/x for logging: no such file or directory\n"},
		{"", "--pidfile=/nonexistent/x", 1, "/nonexistent/x.tmp: create failed: "},
		{"", "-vfoo", 1, `: processing "foo": no destination, level, or module "foo"` + "\n"},
		{"", "--user=nosuchuser", 1, "user nosuchuser not found, aborting: "},
		{"", "--user=nobody:nosuchgroup", 1, "group nosuchgroup not found, aborting: "},
		{"", "--user=nobody:root", 1, "(user nobody is not in group root), aborting\n"},
	} {
		t.Run(tt.mode+" "+tt.args, func(t *testing.T) {
			if strings.Contains(tt.args, "--user") && os.Getuid() != 0 {
				tt.said = "only root can use --user option\n"
			}
			w := newWorld(t)
			w.env = append(w.env, daemonEnv+"="+tt.mode)
			status, said := w.run(strings.Fields(tt.args)...)
			if status != tt.status || !strings.Contains(said, tt.said) {
				t.Errorf("status %d, %q, want %d, %q", status, said, tt.status, tt.said)
			}
		})
	}
}

func TestForgedStage(t *testing.T) {
	for value, want := range map[string]string{"nonsense": "not a stage", stageDaemon: "descriptor 3 is no pipe"} {
		w := newWorld(t)
		w.env = append(w.env, stageEnv+"="+value)
		if status, said := w.run(); status != 1 || !strings.Contains(said, want) {
			t.Errorf("%s: status %d, %q", value, status, said)
		}
	}
}

func TestForgedUser(t *testing.T) {
	w := newWorld(t)
	w.env = append(w.env, userEnv+"=nobody")
	if status, said := w.run("--user=nobody"); status != 1 || !strings.Contains(said, "this variable is internal, unset it") {
		t.Errorf("status %d, %q", status, said)
	}
}

func TestUser(t *testing.T) {
	if os.Getuid() != 0 {
		capability.Skip(t, capability.Missing{Capability: "netns", Reason: "only root can become someone else"})
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(nobody.Uid)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"", "--detach", "--detach --monitor"} {
		t.Run(args, func(t *testing.T) {
			w := newWorld(t)
			if err := os.Chown(w.dir, uid, -1); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(w.path("bell"), 0o777); err != nil {
				t.Fatal(err)
			}
			// t.TempDir is root's own: the daemon must be able to pass through.
			if err := os.Chmod(w.dir+"/..", 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := w.command(append(strings.Fields(args), "--user=nobody", "--pidfile", "--log-file", "-vconsole:off")...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pid := w.started()
			seen := w.ask("look")
			for _, want := range []string{
				fmt.Sprintf("Uid:\t%[1]s\t%[1]s\t%[1]s\t%[1]s\n", nobody.Uid),
				fmt.Sprintf("Gid:\t%[1]s\t%[1]s\t%[1]s\t%[1]s\n", nobody.Gid),
				"Groups:\t \n",
				"comm=" + program + "\n",
				`env=""""`,
			} {
				if !strings.Contains(seen, want) {
					t.Errorf("lacks %q:\n%s", want, seen)
				}
			}
			var want uint64
			for _, c := range capabilities {
				want |= 1 << c
			}
			for _, set := range []string{"CapPrm", "CapEff"} {
				if line := fmt.Sprintf("%s:\t%016x\n", set, want); !strings.Contains(seen, line) {
					t.Errorf("lacks %q:\n%s", line, seen)
				}
			}
			info, err := os.Stat(w.path(program + ".log"))
			if err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != uid {
				t.Errorf("the log file is not %s's: %v", nobody.Username, err)
			}
			w.kill(pid, syscall.SIGKILL)
			cmd.Wait()
		})
	}
}
