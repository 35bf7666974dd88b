package daemon

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/pidfile"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// world is a directory in which test daemons live.
type world struct {
	*testing.T
	dir  string
	env  []string
	bell *net.UnixConn
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	bell, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "bell"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, dir: dir, bell: bell, env: append(os.Environ(), daemonEnv+"=", bellEnv+"="+filepath.Join(dir, "bell"),
		"OVS_RUNDIR="+dir, "OVS_LOGDIR="+dir, "OVS_SYSLOG_METHOD=null")}
	t.Cleanup(func() { bell.Close() })
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// command prepares a start of the daemon. Its processes are killed at the end of the test.
func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env, cmd.Dir = w.env, w.dir
	// Not a pipe: it would stay open as long as a daemon does.
	out, err := os.CreateTemp(w.dir, "stderr")
	if err != nil {
		w.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	w.Cleanup(func() { out.Close() })
	return cmd
}

// run starts the daemon, waits until what was started ends, and returns its status and what it said.
func (w *world) run(args ...string) (status int, said string) {
	w.Helper()
	cmd := w.command(args...)
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	timer := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	text, err := os.ReadFile(cmd.Stderr.(*os.File).Name())
	if err != nil {
		w.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// detach starts a daemon that must become ready, and returns its pid.
func (w *world) detach(args ...string) int {
	w.Helper()
	if status, said := w.run(append([]string{"--detach"}, args...)...); status != 0 {
		w.Fatalf("status %d: %s", status, said)
	}
	return w.started()
}

// started waits for the next daemon that is ready and returns its pid.
func (w *world) started() int {
	w.Helper()
	w.bell.SetReadDeadline(time.Now().Add(30 * time.Second))
	buf := make([]byte, 32)
	n, err := w.bell.Read(buf)
	if err != nil {
		w.Fatalf("no daemon became ready: %v\nlog:\n%s", err, w.log())
	}
	pid, err := strconv.Atoi(string(buf[:n]))
	if err != nil {
		w.Fatal(err)
	}
	// Its parent may be a monitor, which would start another one.
	w.Cleanup(func() {
		if ppid := parent(pid); ppid > 1 && ppid != os.Getpid() {
			syscall.Kill(ppid, syscall.SIGKILL)
		}
		syscall.Kill(pid, syscall.SIGKILL)
	})
	return pid
}

// parent returns the parent of a process, 0 if the process is gone.
func parent(pid int) int {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}

// ended waits for the end of a daemon that is our child by now, and returns it.
func (w *world) ended(pid int) syscall.WaitStatus {
	w.Helper()
	w.waitExit(pid)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		w.Fatal(err)
	}
	return status
}

// waitExit waits until the process has ended, whoever's child it is.
func (w *world) waitExit(pid int) {
	w.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // it is gone already
	}
	defer unix.Close(fd)
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 30_000); err == nil && n == 0 {
		w.Fatalf("process %d does not end\nlog:\n%s", pid, w.log())
	}
}

func (w *world) kill(pid int, sig syscall.Signal) {
	w.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		w.Fatal(err)
	}
}

// ask runs a command in the daemon by the way of its pid file, as ovs-appctl does.
func (w *world) ask(command string, args ...string) string {
	w.Helper()
	text, err := w.tell(command, args...)
	if err != nil {
		w.Fatal(err)
	}
	return text
}

// tell is ask for a command that may not be answered.
func (w *world) tell(command string, args ...string) (string, error) {
	w.Helper()
	socket, err := unixctl.Socket(w.dir, program)
	if err != nil {
		w.Fatal(err)
	}
	return unixctl.Call(w.Context(), socket, command, args...)
}

func (w *world) pidfile() int {
	w.Helper()
	pid, err := pidfile.Read(w.path(program + ".pid"))
	if err != nil {
		w.Fatal(err)
	}
	return pid
}

func (w *world) log() string {
	text, err := os.ReadFile(w.path(program + ".log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// logged returns the log without times and numbers.
func (w *world) logged() string {
	var b strings.Builder
	for line := range strings.Lines(w.log()) {
		if fields := strings.SplitN(line, "|", 3); len(fields) == 3 {
			b.WriteString(fields[2])
		}
	}
	return b.String()
}
