package vm

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Init does nothing in an ordinary process. As the first process of a guest it does the guest's work and turns the guest off.
func Init() {
	if os.Getpid() != 1 {
		return
	}
	runtime.LockOSThread()
	err := guest()
	if err != nil {
		fmt.Fprintln(os.Stderr, "init:", err) // the console: the kernel's log on the host
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	panic("the guest cannot be turned off") // which the kernel takes for its end
}

// guest is the life of the guest. Its error has been reported to the host where there is a port to the host.
func guest() error {
	if err := mountAll(); err != nil {
		return err
	}
	text, err := os.ReadFile(jobFile)
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(text, &j); err != nil {
		return fmt.Errorf("%s: %w", jobFile, err)
	}
	inserted := insertModules(j.Modules)
	ports, err := openPorts(outputPort, reportPort, artefactPort)
	if err != nil {
		return fmt.Errorf("%w (modules: %w)", err, inserted)
	}
	output, reports, artefacts := ports[0], json.NewEncoder(ports[1]), newArtefacts(ports[2])
	if err = inserted; err == nil {
		err = awaitAge(j.Age)
	}
	for _, c := range j.Commands {
		if err != nil {
			break
		}
		var r report
		if r, err = run(c, j.Env, output); err == nil {
			err = artefacts.add(c.Artefacts)
		}
		if err == nil {
			err = reports.Encode(r)
		}
		endOthers()
	}
	if err != nil {
		_ = reports.Encode(report{Failed: err.Error()}) // the console has it too
	}
	return err
}

// mountAll mounts what programs expect to find.
func mountAll() error {
	for _, m := range []struct{ kind, target string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"devpts", "/dev/pts"}, {"tmpfs", "/dev/shm"}, {"tmpfs", "/tmp"},
	} {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.target, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.kind, m.target, err)
		}
	}
	return os.Symlink("/proc/self/fd", "/dev/fd")
}

// awaitAge returns when the kernel has run for so long, by the clock that programs ask (CLOCK_MONOTONIC).
func awaitAge(age time.Duration) error {
	until := unix.NsecToTimespec(age.Nanoseconds())
	for {
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &until, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// run runs one command to its end, and meanwhile waits for processes that others left behind, as is the first process's duty.
func run(c guestEntry, env []string, output *os.File) (report, error) {
	for _, dir := range []string{c.Dir, c.Artefacts} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return report{}, err
		}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return report{}, err
	}
	defer null.Close() //nolint:errcheck // only read
	if _, err := output.WriteString(c.Banner); err != nil {
		return report{}, err
	}
	start := time.Now()
	p, err := os.StartProcess(c.Argv[0], c.Argv, &os.ProcAttr{
		Dir: c.Dir, Files: []*os.File{null, output, output}, Sys: &syscall.SysProcAttr{Setsid: true},
		Env: append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/tmp", ArtefactEnv + "=" + c.Artefacts}, env...),
	})
	if err != nil {
		return report{}, fmt.Errorf("start %s: %w", filepath.Base(c.Argv[0]), err)
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR || err == nil && pid != p.Pid:
		case err != nil:
			return report{}, fmt.Errorf("wait for %s: %w", filepath.Base(c.Argv[0]), err)
		case status.Signaled():
			return report{Code: 128 + int(status.Signal()), Took: time.Since(start)}, nil
		default:
			return report{Code: status.ExitStatus(), Took: time.Since(start)}, nil
		}
	}
}

// endOthers ends every process but this one, so that a command does not meet what an earlier one left running.
func endOthers() {
	_ = unix.Kill(-1, unix.SIGKILL) // fails when there is none
	for {
		if _, err := unix.Wait4(-1, nil, 0, nil); err != nil && err != unix.EINTR {
			return // ECHILD: all are gone
		}
	}
}
