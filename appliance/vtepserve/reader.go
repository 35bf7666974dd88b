package vtepserve

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
)

// reading is what the data path has learned and counted, and the offload has seen of that.
type reading struct {
	whole    bool // the data path was read; else only idle is known
	fresh    bool // the switch has started since the last reading, and forgotten what it knew
	stations []bridging.Sighted
	remotes  []bridging.Sighted                        // those behind tunnels; nil: not read this time, as the offload has room for all paths
	idle     map[ir.RuleID]time.Duration               // see offloaded
	counters map[bridging.Attachment]bridging.Counters // with those of the offload; nil: not read this time
}

// reader reads the data path. Of what it learns and forgets between two readings it tells by itself (news); readings find what nobody has told of.
type reader struct {
	bridge *flowset.Bridge
	each   time.Duration // between readings, when the data path tells; 0: watchedEach
	news   *news
	seen   func(context.Context) offloaded
	out    chan reading
	now    chan struct{} // there is a new connection: read at once
	fresh  atomic.Bool
}

func newReader(seen func(context.Context) offloaded) *reader {
	return &reader{seen: seen, news: newNews(), out: make(chan reading), now: make(chan struct{}, 1)}
}

// linked is told of each connection before it can be read.
func (r *reader) linked(fresh bool) {
	if fresh {
		r.fresh.Store(true)
	}
	select {
	case r.now <- struct{}{}:
	default:
	}
}

// Times between readings: where the data path does not tell of what it learns, or could not be read, and where it does. A reading that takes long makes the next
// ones rarer, so that not more than a tenth of the time goes into them. The offload is asked each time that stationsEach is over: what it has seen must be known well
// before the data path forgets, which may be after 15 s.
const (
	stationsEach = time.Second
	watchedEach  = 5 * time.Second
	countersEach = 10 * time.Second
	share        = 10
)

// Run reads until ctx ends.
func (r *reader) Run(ctx context.Context) error {
	timer := time.NewTimer(stationsEach)
	defer timer.Stop()
	var counted map[bridging.Attachment]bridging.Counters // by the offload
	var last, next time.Time                              // reading of the counters, of anything
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-r.now:
			next = time.Time{}
		}
		seen := r.seen(ctx) // its time is no load of the switch
		if seen.counters != nil {
			counted = seen.counters
		}
		got := reading{idle: seen.idle}
		if start := time.Now(); !start.Before(next) {
			due := start.Sub(last) >= countersEach
			pause := stationsEach
			if err := r.read(ctx, &got, due, due && seen.crowded); err == nil {
				got.whole = true
				got.add(counted)
				if due {
					last = start
				}
				if r.bridge.Status().Watching {
					pause = cmp.Or(r.each, watchedEach)
				}
			}
			next = start.Add(max(pause, share*time.Since(start)))
		}
		select {
		case r.out <- got:
		case <-ctx.Done():
			return ctx.Err()
		}
		timer.Reset(stationsEach)
	}
}

// add adds what the offload has counted.
func (r *reading) add(counted map[bridging.Attachment]bridging.Counters) {
	for a, more := range counted {
		if c, there := r.counters[a]; there {
			r.counters[a] = c.Plus(more)
		}
	}
}

// read reads once. An error is one of the connection, of which the bridge tells.
func (r *reader) read(ctx context.Context, got *reading, counters, remotes bool) (err error) {
	fresh := r.fresh.Swap(false)
	defer func() {
		if err != nil && fresh {
			r.fresh.Store(true)
		}
	}()
	got.fresh = fresh
	r.news.begin()
	for f, err := range r.bridge.Dump(ctx, bridging.Stations) {
		if err != nil {
			return err
		}
		if l, ok := bridging.ReadLearned(f); ok {
			got.stations = append(got.stations, bridging.Sighted{Learned: l, Packets: f.Stats.Packets, Idle: time.Duration(f.Stats.IdleSec) * time.Second})
		}
	}
	if remotes {
		got.remotes = []bridging.Sighted{}
		for f, err := range r.bridge.Dump(ctx, bridging.Remotes) {
			if err != nil {
				return err
			}
			if segment, mac, ok := bridging.ReadRemote(f); ok {
				got.remotes = append(got.remotes, bridging.Sighted{Learned: bridging.Learned{Segment: segment, MAC: mac}, Packets: f.Stats.Packets})
			}
		}
	}
	if !counters {
		return nil
	}
	got.counters = map[bridging.Attachment]bridging.Counters{}
	for _, table := range bridging.Counted {
		for f, err := range r.bridge.Dump(ctx, table) {
			if err != nil {
				return err
			}
			bridging.Count(got.counters, f)
		}
	}
	return nil
}
