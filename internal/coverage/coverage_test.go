package coverage

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gw/sluice/internal/unixctl"
)

func TestShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Registry
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()

		lflow, idle := r.Counter("lflow_run"), r.Counter("idle")
		if r.Counter("lflow_run") != lflow || idle == lflow {
			t.Error("a name is not one counter")
		}
		text := func() string {
			lines := strings.Split(r.Show(), "\n")
			if !strings.HasPrefix(lines[0], "Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash=") {
				t.Errorf("head: %q", lines[0])
			}
			return strings.Join(lines[1:], "\n")
		}
		if got := text(); got != "2 events never hit\n" {
			t.Errorf("unused: %q", got)
		}

		time.Sleep(time.Millisecond) // off the sampling beat
		lflow.Add(5)
		time.Sleep(interval)
		lflow.Inc()
		const one = "lflow_run                  1.0/sec     0.083/sec        0.0014/sec   total: 6\n1 events never hit\n"
		if got := text(); got != one {
			t.Errorf("got %q, want %q", got, one)
		}
		// The event after the sample counts as recent once, stays in the minute for a minute and in the hour for an hour.
		for _, tt := range []struct {
			sleep time.Duration
			want  string
		}{
			{interval, "  0.2/sec     0.100/sec        0.0017/sec"},
			{interval, "  0.0/sec     0.100/sec        0.0017/sec"},
			{time.Minute, "  0.0/sec     0.000/sec        0.0017/sec"},
			{time.Hour, "  0.0/sec     0.000/sec        0.0000/sec"},
		} {
			time.Sleep(tt.sleep)
			if got := text(); !strings.HasPrefix(got, "lflow_run                "+tt.want+"   total: 6\n") {
				t.Errorf("after %v more: got %q, want %q", tt.sleep, got, tt.want)
			}
		}
	})
}

func TestFingerprint(t *testing.T) {
	make := func(counts map[string]uint64) uint32 {
		var r Registry
		for name, n := range counts {
			r.Counter(name).Add(n)
		}
		return r.fingerprint()
	}
	base := make(map[string]uint64{"a": 10, "b": 5, "c": 5})
	if got := make(map[string]uint64{"a": 100, "b": 7, "c": 7, "unused": 0}); got != base {
		t.Error("the same ranking has another fingerprint")
	}
	for _, other := range []map[string]uint64{{"a": 10, "b": 6, "c": 5}, {"a": 5, "b": 10, "c": 5}, {"a": 10, "b": 5}} {
		if make(other) == base {
			t.Errorf("%v has the same fingerprint", other)
		}
	}
}

func TestCommands(t *testing.T) {
	var r Registry
	r.Counter("pinctrl_total_pin_pkts").Add(42)
	commands := make(map[string]unixctl.Command)
	for _, c := range r.Commands() {
		commands[c.Name] = c
	}
	read := commands["coverage/read-counter"].Run
	if got, err := read(t.Context(), []string{"pinctrl_total_pin_pkts"}); got != "42\n" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := read(t.Context(), []string{"nope"}); err == nil || err.Error() != "No such counter" {
		t.Errorf("unknown counter: %v", err)
	}
	if got, err := commands["coverage/show"].Run(t.Context(), nil); !strings.Contains(got, "total: 42\n") || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}
