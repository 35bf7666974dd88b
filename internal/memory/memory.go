// Package memory tells how much a program holds: the memory/show command of Open vSwitch's programs, and a line in the log when
// the program's peak memory has grown by half, so that a leak leaves a trace before the kernel ends the program.
package memory

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/internal/unixctl"
)

// Usage returns counts of things that take memory ("lflow-cache-entries", "ofctrl_installed_flow_usage-KB", ...).
type Usage func() map[string]uint64

// Config describes a Monitor.
type Config struct {
	Usage Usage
	On    unixctl.Executor // where Usage may be called; nil: anywhere
	Log   *slog.Logger
}

// Monitor watches the memory of this process.
type Monitor struct {
	cfg     Config
	peak    func() (kB int64)
	started time.Time
}

// New makes a Monitor.
func New(cfg Config) *Monitor {
	return &Monitor{cfg: cfg, peak: peakRSS, started: time.Now()}
}

const checkInterval = 10 * time.Second

// Run logs the peak memory after ten seconds, and whenever it has since grown by half, until ctx ends.
func (m *Monitor) Run(ctx context.Context) error {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	var reported int64
	var at time.Time
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		peak, now := m.peak(), time.Now()
		switch {
		case reported == 0:
			m.cfg.Log.Info(fmt.Sprintf("%d kB peak resident set size after %.1f seconds", peak, now.Sub(m.started).Seconds()))
		case peak >= reported+reported/2:
			m.cfg.Log.Info(fmt.Sprintf("peak resident set size grew %d%% in last %.1f seconds, from %d kB to %d kB",
				(peak-reported)*100/reported, now.Sub(at).Seconds(), reported, peak))
		default:
			continue
		}
		reported, at = peak, now
		if text, err := m.show(ctx); err == nil && text != "" {
			m.cfg.Log.Info(text)
		}
	}
}

// Commands returns memory/show.
func (m *Monitor) Commands() []unixctl.Command {
	return []unixctl.Command{{Name: "memory/show", Run: func(ctx context.Context, _ []string) (string, error) { return m.show(ctx) }}}
}

// show returns the counts as "name:count name:count".
func (m *Monitor) show(ctx context.Context) (string, error) {
	var usage map[string]uint64
	work := func() { usage = m.cfg.Usage() }
	if m.cfg.On == nil {
		work()
	} else if err := m.cfg.On.Do(ctx, work); err != nil {
		return "", err
	}
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(usage)) {
		fields = append(fields, fmt.Sprintf("%s:%d", name, usage[name]))
	}
	return strings.Join(fields, " "), nil
}

func peakRSS() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return usage.Maxrss
}
