package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/pidfile"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// Process describes a program that may become a daemon.
type Process struct {
	Program string // the process's name, as in /proc/PID/comm: ovn-ctl checks it
	Options Options
	Log     *vlog.Facility
	LogFile LogOptions

	throttle time.Duration // between restarts by the monitor; 0: restartInterval
}

// Body is the daemon's work. It calls ready once, when others may rely on it: the launcher waits for that. It returns soon
// after ctx has ended. An error makes the program exit with status 1.
type Body func(ctx context.Context, ready func() error) error

// module is the name under which the C programs log what happens here.
const module = "daemon_unix"

// Run makes this process what the options and its stage say, and returns the status with which it must exit. body runs in
// one process only, the daemon itself, with the pid file in place.
//
// The signals TERM, INT, HUP and ALRM end body's context; the process then dies of that signal, as its parent expects.
// A second signal does not wait for body.
func (p *Process) Run(body Body) int {
	st, err := currentStage()
	if err != nil {
		return p.fatal(err)
	}
	if err := defaultSyslogMethod(p.Log); err != nil {
		return p.fatal(err)
	}
	if p.Options.User != "" {
		if err := p.becomeUser(); err != nil {
			return p.fatal(err)
		}
	}
	switch {
	case st.name == stageLauncher && p.Options.Detach:
		return p.detach()
	case st.name != stageDaemon && p.Options.Monitor:
		p.rename("monitor")
		return p.monitor(st)
	}
	p.rename(p.Program)
	return p.daemon(st, body)
}

// rename sets the process's name. Scripts (ovs-lib, ovn-lib) take a process for ours by it; it is cosmetic otherwise.
func (p *Process) rename(name string) {
	if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
		p.Log.Logger(module).Debug("could not set the process name", "err", err)
	}
}

// fatal logs and prints why this process stops.
func (p *Process) fatal(err error) int {
	p.Log.Fatal(module, err.Error())
	return 1
}

// detach starts the next stage in a session of its own and waits until the daemon is ready.
func (p *Process) detach() int {
	child, err := spawn(stageDetached, &syscall.SysProcAttr{Setsid: true})
	if err != nil {
		return p.fatal(err)
	}
	end, err := child.waitReady()
	switch {
	case err != nil:
		return p.fatal(err)
	case end == nil:
		return 0
	case end.ExitCode() > 0:
		return end.ExitCode() // it has said why
	}
	p.Log.Logger(module).Error(fmt.Sprintf("fork child died before signaling startup (%s)", describe(end)))
	return p.fatal(errors.New("could not detach from foreground session"))
}

// daemon is the life of the process that does the work.
func (p *Process) daemon(st stage, body Body) int {
	if err := p.LogFile.open(p.Log); err != nil {
		return p.fatal(err)
	}
	if p.Options.Monitor {
		// The monitor restarts us only if we die of a signal; a Go panic would end in a plain exit.
		debug.SetTraceback("crash")
	}
	if err := os.Unsetenv(userEnv); err != nil {
		return p.fatal(err)
	}
	signal.Ignore(syscall.SIGPIPE)
	var file *pidfile.File
	if p.Options.Pidfile != "" {
		var err error
		if file, err = pidfile.Create(p.Options.Pidfile, p.Options.OverwritePidfile); err != nil {
			return p.fatal(err)
		}
	}
	remove := func() {
		if file != nil {
			if err := file.Remove(); err != nil {
				p.Log.Logger(module).Warn(fmt.Sprintf("could not remove %s: %v", p.Options.Pidfile, err))
			}
		}
	}

	ctx, signals := trap(context.Background())
	err := body(ctx, func() error { return p.ready(st) })
	remove()
	if sig := signals.caught(); sig != 0 {
		die(sig)
	}
	if err != nil {
		return p.fatal(err)
	}
	return 0
}

// ready tells the waiting launcher or monitor, and cuts the ties to the terminal.
func (p *Process) ready(st stage) error {
	if err := st.notify(); err != nil {
		return err
	}
	if !p.Options.Detach {
		return nil
	}
	if !p.Options.NoChdir {
		if err := os.Chdir("/"); err != nil {
			return err
		}
	}
	return dropStdio()
}

// dropStdio points the standard descriptors to /dev/null, so that nothing opened later becomes one of them.
func dropStdio() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for fd := range 3 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return fmt.Errorf("closing standard descriptor %d: %w", fd, err)
		}
	}
	return nil
}

// CrashTo makes file receive the trace when the Go runtime crashes: the standard error of a daemon leads nowhere. It is
// meant for vlog.Config.OnLogFile.
func CrashTo(file *os.File) {
	// Without it the trace is lost but nothing else is, and there is nobody to tell.
	_ = debug.SetCrashOutput(file, debug.CrashOptions{})
}
