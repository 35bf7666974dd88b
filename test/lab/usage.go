package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of the CPU times in /proc/PID/stat: Linux fixes USER_HZ at 100 on every architecture Go runs on.
const clockTick = 10 * time.Millisecond

// Usage is what a process has consumed so far.
type Usage struct {
	CPU     time.Duration // user and system time of all its threads, in units of 10 ms
	RSS     int64         // resident bytes now
	PeakRSS int64         // most resident bytes ever (VmHWM)
}

// UsageOf reads the usage of a live process from proc(5).
func UsageOf(pid int) (Usage, error) {
	var u Usage
	f, err := statFields(pid)
	if err != nil {
		return u, err
	}
	// Counted from the state, which is field 3 of proc(5): utime is 14 and stime 15.
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	if err1 != nil || err2 != nil {
		return u, fmt.Errorf("/proc/%d/stat: times are %q and %q", pid, f[11], f[12])
	}
	u.CPU = time.Duration(user+system) * clockTick
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		switch f := strings.Fields(line); {
		case len(f) < 2:
		case f[0] == "VmRSS:":
			u.RSS = kilobytes(f[1])
		case f[0] == "VmHWM:":
			u.PeakRSS = kilobytes(f[1])
		}
	}
	return u, nil
}

func kilobytes(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // the kernel writes a number
	return n << 10
}

// startTime tells processes with the same id apart: it is the time since boot, in clock ticks, at which pid started.
// It is empty when there is no such process.
func startTime(pid int) string {
	f, err := statFields(pid)
	if err != nil || f[0] == "Z" {
		return ""
	}
	return f[19]
}

// statFields returns the fields of /proc/PID/stat that follow the command name, which may itself hold spaces.
func statFields(pid int) ([]string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	s := string(b)
	f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	if len(f) < 20 {
		return nil, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(f))
	}
	return f, nil
}
