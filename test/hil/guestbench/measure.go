package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/test/hil/vm"
)

// A measurer makes a part of the result. progress is for people who wait.
type measurer struct {
	name    string
	measure func(ctx context.Context, o options, progress func(string, ...any)) ([]part, error)
}

func measurers() []measurer {
	return []measurer{{"insertion", insertion}, {"packets", packets}, {"pipelines", pipelines}, {"coverage", coverage}}
}

func partNames() (names []string) {
	for _, m := range measurers() {
		names = append(names, m.name)
	}
	return names
}

// measure runs in the guest. What is measured is written after each part, so that a guest that ends early leaves something.
func measure(ctx context.Context, o options) error {
	began := time.Now()
	progress := func(format string, args ...any) {
		fmt.Printf("[%6.1f s] %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	r := result{Kernel: unix.ByteSliceToString(u.Release[:]), Switch: version("ovs-vswitchd", "--version"), TC: version("tc", "-V")}
	var failed error
	for _, m := range measurers() {
		if !slices.Contains(o.parts, m.name) {
			continue
		}
		parts, err := m.measure(ctx, o, progress)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", m.name, err))
		}
		r.Parts = append(r.Parts, parts...)
		load, _ := os.ReadFile("/proc/loadavg") // for the reader to judge the times by; nothing depends on it
		r.LoadAverage = strings.TrimSpace(string(load))
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(os.Getenv(vm.ArtefactEnv), resultFile), text, 0o644); err != nil {
			return err
		}
	}
	return failed
}

// version is the first line that a program says of itself.
func version(argv ...string) string {
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		return argv[0] + " of unknown version"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

// batch runs lines with ip(8) or tc(8) and returns the CPU time that it took. They name the first line that fails.
func batch(program, lines string) (cpu time.Duration, err error) {
	file, err := os.CreateTemp("", program)
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // only a temporary file
	if _, err := file.WriteString(lines); err != nil {
		return 0, errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	return batchFile(program, file.Name())
}

// batchFile is batch of a file.
func batchFile(program, name string) (cpu time.Duration, err error) {
	cmd := exec.Command(program, "-batch", name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s -batch: %w: %.500s", program, err, out)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// ownCPU is the CPU time that this process has taken, in the kernel as well.
func ownCPU() (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
