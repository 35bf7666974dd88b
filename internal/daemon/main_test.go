package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/getopt"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// The tests start this test binary again as a daemon named testd.
const (
	program   = "testd"
	daemonEnv = "DAEMON_TEST"       // set in the daemon's processes; "fail", "kill" and "panic" make it do so before it is ready
	bellEnv   = "DAEMON_TEST_BELL"  // a datagram socket to which each daemon that is ready sends its pid
	hurryEnv  = "DAEMON_TEST_HURRY" // makes the monitor wait a second between restarts
)

func TestMain(m *testing.M) {
	if mode, ok := os.LookupEnv(daemonEnv); ok {
		os.Exit(testd(mode))
	}
	// Daemons whose launcher has gone become our children, so that we see how they end.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func testd(mode string) int {
	d := dirs.FromEnv(os.Getenv)
	log := vlog.New(vlog.Config{Program: program, Console: os.Stderr, OnLogFile: CrashTo, Modules: []string{"daemon_unix"}})
	p := Process{Program: program, Log: log}
	if os.Getenv(hurryEnv) != "" {
		p.throttle = time.Second
	}
	table := append(p.Options.Table(d.OVSRun, program), p.LogFile.Table(log, d.OVSLog, program)...)
	if _, err := getopt.Parse(table, os.Args[1:], false); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		return 1
	}
	return p.Run(func(ctx context.Context, ready func() error) error {
		switch mode {
		case "fail":
			return errors.New("told to fail")
		case "kill":
			unix.Kill(os.Getpid(), unix.SIGKILL)
		case "panic":
			panic("told to panic early")
		}
		return serve(ctx, d.OVSRun, log, ready)
	})
}

// serve is the test daemon's work: a control socket.
func serve(ctx context.Context, runDir string, log *vlog.Facility, ready func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	commands := &unixctl.Commands{}
	commands.Register(LogCommands(log)...)
	commands.Register(
		unixctl.Command{Name: "exit", Run: func(context.Context, []string) (string, error) { cancel(); return "", nil }},
		unixctl.Command{Name: "panic", Run: func(context.Context, []string) (string, error) { panic("told to panic") }},
		unixctl.Command{Name: "look", Run: look},
	)
	s, err := unixctl.Listen(unixctl.Config{
		Path:     unixctl.DefaultPath(runDir, program, os.Getpid()),
		Commands: commands, Version: program + " 1", Log: log.Logger("unixctl"),
	})
	if err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	if bell := os.Getenv(bellEnv); bell != "" {
		conn, err := net.Dial("unixgram", bell)
		if err != nil {
			return err
		}
		defer conn.Close()
		fmt.Fprint(conn, os.Getpid())
	}
	return s.Serve(ctx)
}

// look tells what a process looks like from the inside.
func look(context.Context, []string) (string, error) {
	var b strings.Builder
	cwd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	sid, err := unix.Getsid(0)
	if err != nil {
		return "", err
	}
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "cwd=%s session-leader=%v comm=%s", cwd, sid == os.Getpid(), comm)
	for fd := range 10 {
		// Descriptors beyond the log file and the sockets would be leaks of the launching.
		if to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil && (fd < 3 || strings.HasPrefix(to, "pipe:")) {
			fmt.Fprintf(&b, "fd%d=%s\n", fd, to)
		}
	}
	fmt.Fprintf(&b, "env=%q%q\n", os.Getenv(stageEnv), os.Getenv(userEnv))
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(status)) {
		for _, name := range []string{"Uid:", "Gid:", "Groups:", "CapPrm:", "CapEff:"} {
			if strings.HasPrefix(line, name) {
				b.WriteString(line)
			}
		}
	}
	return b.String(), nil
}
