package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// TestAgainstReference gives the same wrong command lines to Debian's ovn-controller and to ours: both must refuse them with
// the same words.
func TestAgainstReference(t *testing.T) {
	if reference == "" {
		capability.Skip(t, capability.Missing{Capability: "ovs", Reason: "no ovn-controller"})
	}
	// Error messages start with the program's name, so ours is called by the reference's.
	ours := filepath.Join(t.TempDir(), controllerProgram)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, ours); err != nil {
		t.Fatal(err)
	}
	lines := []string{
		"--foo", "--foo=bar", "--pid=x --fo", "--private-key", "--detach=3", "--no", "--no=x", "-Z", "-n", "--syslog=x",
		"a b", "a --detach b", "-- --foo -x", "-vfoo", "-vconsole:dbg:info", "-vconsole:file", "-vPATTERN:x", "-vPATTERN:", "-vFACILITY:",
		"--verbose=vlog:vlog", "--syslog-method=foo", "--user",
	}
	for _, line := range lines {
		want, wantStatus := say(t, reference, line, nil)
		got, gotStatus := say(t, ours, line, []string{playEnv + "=1"})
		if got != want || gotStatus != wantStatus {
			t.Errorf("%s: got status %d, %q; the reference: %d, %q", line, gotStatus, got, wantStatus, want)
		}
	}
}

// say runs a program and returns what it printed, and its status.
func say(t *testing.T, program, line string, env []string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, strings.Fields(line)...)
	cmd.Args[0] = controllerProgram
	dir := t.TempDir()
	cmd.Env = append(append(os.Environ(), "OVS_RUNDIR="+dir, "OVN_RUNDIR="+dir, "OVS_SYSLOG_METHOD=null"), env...)
	out, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	text := string(out)
	// Log lines start with the time, and the reference logs a fatal error to the console as well as printing it.
	var b strings.Builder
	for l := range strings.Lines(text) {
		if !strings.Contains(l, "|EMER|") {
			b.WriteString(l)
		}
	}
	return b.String(), cmd.ProcessState.ExitCode()
}
