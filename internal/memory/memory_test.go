package memory

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gw/sluice/internal/unixctl"
)

// messages is a slog handler that keeps the messages only.
type messages struct {
	slog.Handler
	out *bytes.Buffer
}

func (m messages) Enabled(context.Context, slog.Level) bool { return true }

func (m messages) Handle(_ context.Context, r slog.Record) error {
	m.out.WriteString(r.Message + "\n")
	return nil
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		m := New(Config{
			Usage: func() map[string]uint64 { return map[string]uint64{"ports": 2, "flows": 10} },
			Log:   slog.New(messages{slog.DiscardHandler, &out}),
		})
		peaks := []int64{1000, 1499, 2500} // the second is not worth a line
		m.peak = func() int64 {
			peak := peaks[0]
			peaks = peaks[1:]
			return peak
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*checkInterval+time.Second)
		defer cancel()
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
		want := `1000 kB peak resident set size after 10.0 seconds
flows:10 ports:2
peak resident set size grew 150% in last 20.0 seconds, from 1000 kB to 2500 kB
flows:10 ports:2
`
		if out.String() != want {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	})
}

func TestShow(t *testing.T) {
	q := unixctl.NewQueue()
	owner := false // set while the owner's goroutine works
	m := New(Config{On: q, Usage: func() map[string]uint64 {
		if !owner {
			t.Error("Usage was called elsewhere than on its executor")
		}
		return map[string]uint64{"b": 2, "a": 1}
	}})
	show := m.Commands()[0]
	if show.Name != "memory/show" {
		t.Fatal(show.Name)
	}
	go func() {
		work := <-q.C()
		owner = true
		work()
		owner = false
	}()
	if got, err := show.Run(t.Context(), nil); got != "a:1 b:2" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := show.Run(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody serves the queue: %v", err)
	}
}

func TestPeakRSS(t *testing.T) {
	if got := peakRSS(); got < 1000 || got > 100<<20 {
		t.Errorf("this test uses %d kB", got)
	}
}
