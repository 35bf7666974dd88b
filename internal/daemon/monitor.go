package daemon

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

// restartInterval is the least time between two restarts.
const restartInterval = 10 * time.Second

// crashSignals are those that mean a mistake in the program (ovn-controller(8), --monitor).
var crashSignals = []syscall.Signal{
	syscall.SIGABRT, syscall.SIGALRM, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL,
	syscall.SIGPIPE, syscall.SIGSEGV, syscall.SIGXCPU, syscall.SIGXFSZ,
}

func crashed(end *os.ProcessState) bool {
	status := end.Sys().(syscall.WaitStatus)
	return status.Signaled() && slices.Contains(crashSignals, status.Signal())
}

// monitor starts the daemon and restarts it after each crash. It ends when the daemon ends in another way.
func (p *Process) monitor(st stage) int {
	log := p.Log.Logger(module)
	daemon, err := spawn(stageDaemon, nil)
	if err != nil {
		return p.fatal(err)
	}
	end, err := daemon.waitReady()
	switch {
	case err != nil:
		return p.fatal(err)
	case end != nil && end.ExitCode() > 0:
		return end.ExitCode()
	case end != nil:
		log.Error(fmt.Sprintf("fork child died before signaling startup (%s)", describe(end)))
		return p.fatal(errors.New("could not initiate process monitoring"))
	}
	if err := st.notify(); err != nil {
		return p.fatal(err)
	}
	if p.Options.Detach {
		if err := dropStdio(); err != nil {
			return p.fatal(err)
		}
	}
	p.Log.SetSubprogram("monitor")
	return p.supervise(daemon)
}

func (p *Process) supervise(daemon *child) int {
	log := p.Log.Logger(module)
	throttle := p.throttle
	if throttle == 0 {
		throttle = restartInterval
	}
	var restarted time.Time
	for crashes := 1; ; crashes++ {
		end, err := daemon.wait()
		if err != nil {
			return p.fatal(err)
		}
		// The log file is open only while there is something to say: a rotated file must not be kept alive by a process
		// that nobody tells to reopen it.
		if err := p.LogFile.open(p.Log); err != nil {
			log.Warn("going on without a log file")
		}
		if !crashed(end) {
			log.Info(fmt.Sprintf("pid %d died, %s, exiting", daemon.cmd.Process.Pid, describe(end)))
			return 0
		}
		status := fmt.Sprintf("%d crashes: pid %d died, %s", crashes, daemon.cmd.Process.Pid, describe(end))
		if end.Sys().(syscall.WaitStatus).CoreDump() {
			// One core file is enough to find the mistake; a crash in a loop would fill the disk.
			if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
				log.Warn(fmt.Sprintf("failed to disable core dumps: %v", err))
			}
		}
		if wait := time.Until(restarted.Add(throttle)); wait > 0 {
			log.Warn(fmt.Sprintf("%s, waiting until %d seconds since last restart", status, int(throttle.Seconds())))
			time.Sleep(wait)
		}
		restarted = time.Now()
		log.Error(status + ", restarting")
		p.Log.CloseFile()

		if daemon, err = spawn(stageDaemon, nil); err != nil {
			return p.fatal(err)
		}
		// A daemon that crashes before it is ready has crashed like any other; one that gives up at its start
		// would give up again.
		if end, err := daemon.waitReady(); err != nil {
			return p.fatal(err)
		} else if end != nil && !crashed(end) {
			return max(end.ExitCode(), 1)
		}
	}
}
