// Package coverage counts named events, cheaply and always, for people who ask a running program what it has been doing: the
// coverage/show and coverage/read-counter commands of Open vSwitch's programs (ovs-appctl(8), "COVERAGE COMMANDS").
//
// Each part of a program takes its counters from a [Registry] that it is given. Rates over the last 5 seconds, minute and
// hour come from samples that [Registry.Run] takes.
package coverage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gw/sluice/internal/unixctl"
)

// Counter is one event's count. The zero value counts, but nobody sees it.
type Counter struct {
	name  string
	total atomic.Uint64
	rates rates // guarded by Registry.mu
}

// Inc counts one event.
func (c *Counter) Inc() { c.total.Add(1) }

// Add counts n events.
func (c *Counter) Add(n uint64) { c.total.Add(n) }

// Total returns the count since the start.
func (c *Counter) Total() uint64 { return c.total.Load() }

// Registry holds the counters of a program. The zero value is empty and ready to use, from any goroutine.
type Registry struct {
	mu       sync.Mutex
	counters []*Counter // guarded by mu, sorted by name
}

// Counter returns the counter of that name, made at its first use. A name is a word like "lflow_run".
func (r *Registry) Counter(name string) *Counter {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, found := slices.BinarySearchFunc(r.counters, name, func(c *Counter, name string) int { return cmp.Compare(c.name, name) })
	if !found {
		r.counters = slices.Insert(r.counters, i, &Counter{name: name})
	}
	return r.counters[i]
}

// Run samples the counters for their rates until ctx ends.
func (r *Registry) Run(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.sample()
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *Registry) sample() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.counters {
		c.rates.sample(c.total.Load())
	}
}

// Show returns the text of coverage/show.
func (r *Registry) Show() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "Event coverage, avg rate over last: %d seconds, last minute, last hour,  hash=%08x:\n",
		int(interval.Seconds()), r.fingerprint())
	never := 0
	for _, c := range r.counters {
		total := c.total.Load()
		if total == 0 {
			never++
			continue
		}
		fmt.Fprintf(&b, "%-24s %5.1f/sec %9.3f/sec %13.4f/sec   total: %d\n",
			c.name, c.rates.recent(), c.rates.minute(), c.rates.hour(), total)
	}
	fmt.Fprintf(&b, "%d events never hit\n", never)
	return b.String()
}

// fingerprint is equal for two runs in which the events have the same order by frequency, so that people can tell at a glance
// whether two programs do the same kind of work.
func (r *Registry) fingerprint() uint32 {
	type hit struct {
		name  string
		total uint64
	}
	var hits []hit
	for _, c := range r.counters {
		if n := c.total.Load(); n > 0 {
			hits = append(hits, hit{c.name, n})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.name, b.name))
	})
	h := fnv.New32a()
	for i, e := range hits {
		if i > 0 && e.total == hits[i-1].total {
			fmt.Fprintf(h, "=%s", e.name)
		} else {
			fmt.Fprintf(h, ">%s", e.name)
		}
	}
	return h.Sum32()
}

// Commands returns coverage/show and coverage/read-counter.
func (r *Registry) Commands() []unixctl.Command {
	return []unixctl.Command{
		{Name: "coverage/show", Run: func(context.Context, []string) (string, error) { return r.Show(), nil }},
		{Name: "coverage/read-counter", Usage: "COUNTER", MinArgs: 1, MaxArgs: 1, Run: r.readCounter},
	}
}

func (r *Registry) readCounter(_ context.Context, args []string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.counters {
		if c.name == args[0] {
			return fmt.Sprintf("%d\n", c.total.Load()), nil
		}
	}
	//lint:ignore ST1005 the C programs' words
	return "", errors.New("No such counter")
}
