package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A record names the owner, processes and namespaces; a process that has ended, or whose id belongs to another by now, must not be found in it.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	r := record{path: filepath.Join(dir, recordFile)}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Process.Kill(); child.Wait() })
	self := os.Getpid()
	for _, err := range []error{
		r.add("owner %d %s", self, startTime(self)),
		r.add("netns %s", "sl0000-vm1"),
		r.add("process %d %s %s", child.Process.Pid, startTime(child.Process.Pid), "hv1/sleep"),
		r.add("process %d %s %s", self, "1", "an earlier process with our id"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := readRecord(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !got.owned || !got.ownerAlive || !slices.Equal(got.processes, []int{child.Process.Pid}) || !slices.Equal(got.netns, []string{"sl0000-vm1"}) {
		t.Errorf("read %+v", got)
	}
}

func TestUntil(t *testing.T) {
	calls := 0
	if err := Until(context.Background(), time.Minute, "three calls", func() error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	}); err != nil || calls != 3 {
		t.Errorf("%d calls, %v", calls, err)
	}
	cause := errors.New("cause")
	if err := Until(context.Background(), time.Millisecond, "nothing", func() error { return cause }); !errors.Is(err, cause) {
		t.Errorf("the error %v does not carry the cause", err)
	}
	// A process that has ended is not waited for.
	start := time.Now()
	p, err := startProcess("true", t.TempDir(), filepath.Join(t.TempDir(), "out"), nil, "true")
	if err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	if err := Until(context.Background(), time.Minute, "a dead process", p.Alive); !errors.Is(err, errEnded) || time.Since(start) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
	gone := fmt.Errorf("the agent: %w", os.ErrProcessDone) // one that somebody else has started
	if err := Until(context.Background(), time.Hour, "an agent's answer", func() error { return gone }); !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

func TestUsageOf(t *testing.T) {
	u, err := UsageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if u.RSS == 0 || u.PeakRSS < u.RSS/2 {
		t.Errorf("usage of this process is %+v", u)
	}
	if _, err := UsageOf(0); err == nil {
		t.Error("process 0 has a usage")
	}
}
