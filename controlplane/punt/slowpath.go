package punt

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// Config is what a SlowPath works with.
type Config struct {
	Switch Switch // required
	Store  Store  // required
	// ACLLog takes the lines of log actions; OVN's module for them is acl_log.
	ACLLog *slog.Logger
	// Log takes what operators want to see otherwise: DHCP messages, and packets that
	// should not have come; OVN's module is pinctrl. Both are nil for no log.
	Log *slog.Logger
	// Shards is how many goroutines handle packet-ins; 0 is 2.
	Shards int
}

// SlowPath handles packet-ins. Its methods may be called from several goroutines and,
// but for Run, do not block.
type SlowPath struct {
	cfg      Config
	shards   []*shard
	learner  *learner
	counters *counters
	notes    *slog.Logger // cfg.Log with OVN's limits on what packets provoke
	warnings *slog.Logger

	changed chan struct{} // has a token when the clockwork has something new to do

	mu   sync.Mutex // guards what follows
	view *View      // given and not yet taken by the clockwork; nil for none
}

// New makes a slow path that does nothing until Run.
func New(cfg Config) *SlowPath {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.ACLLog == nil {
		cfg.ACLLog = slog.New(slog.DiscardHandler)
	}
	if cfg.Shards <= 0 {
		cfg.Shards = 2
	}
	s := &SlowPath{cfg: cfg, learner: newLearner(cfg.Store), counters: newCounters(), changed: make(chan struct{}, 1),
		notes: vlog.Limit(cfg.Log, 20, 40), warnings: vlog.Limit(cfg.Log, 1, 5)}
	for range cfg.Shards {
		s.shards = append(s.shards, &shard{path: s, queue: newQueue(), held: newHoldings()})
	}
	return s
}

// Run handles packet-ins and sends what is due, until ctx is done; its error is ctx's.
func (s *SlowPath) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, sh := range s.shards {
		g.Go(func() error { return sh.run(ctx) })
	}
	g.Go(func() error { return s.clockwork(ctx) })
	return g.Wait()
}

// Handle queues a packet-in. When packet-ins come faster than they are handled the
// oldest are dropped, of the datapath with the most first.
func (s *SlowPath) Handle(in PacketIn) {
	s.counters.change(func(st *Stats) { st.Received[in.Opcode]++ })
	if old, lost := s.shard(in.datapath()).queue.push(in); lost {
		s.counters.drop(old.Opcode, ReasonQueueFull, 1)
	}
}

// Update makes v the view.
func (s *SlowPath) Update(v View) {
	for _, sh := range s.shards {
		sh.held.setRedirect(v.Redirect)
	}
	s.mu.Lock()
	s.view = &v
	s.mu.Unlock()
	s.wakeClockwork()
}

// UpdateNeighbors tells of MAC bindings that appeared or changed; a zero MAC is one that
// went. Packets that wait for one of them are sent on.
func (s *SlowPath) UpdateNeighbors(changes []Neighbor) {
	parts := make(map[*shard][]Neighbor, len(s.shards))
	for _, n := range changes {
		sh := s.shard(n.Port.Datapath)
		parts[sh] = append(parts[sh], n)
	}
	for sh, part := range parts {
		sh.held.update(part)
	}
}

// Stats is a snapshot of the counters.
func (s *SlowPath) Stats() Stats {
	st := s.counters.snapshot()
	for _, sh := range s.shards {
		packets, neighbors, known := sh.held.counts()
		st.Queued += sh.queue.len()
		st.Held += packets
		st.HeldNeighbors += neighbors
		st.KnownNeighbors += known
	}
	st.LearningDelayed = s.learner.pending()
	return st
}

func (s *SlowPath) shard(datapath uint32) *shard {
	return s.shards[int(datapath)%len(s.shards)]
}

func (s *SlowPath) packetOut(p PacketOut) {
	s.cfg.Switch.PacketOut(p)
	s.counters.change(func(st *Stats) { st.Sent++ })
}

func (s *SlowPath) wakeClockwork() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// clockwork does what is due at some time.
func (s *SlowPath) clockwork(ctx context.Context) error {
	announcer, radvd := newAnnouncer(), newRadvd()
	alarm := newAlarm()
	defer alarm.stop()
	for {
		now := time.Now()
		s.mu.Lock()
		v := s.view
		s.view = nil
		s.mu.Unlock()
		if v != nil {
			announcer.update(v.Announcements, v.AnnounceMax, now)
			radvd.update(v.RouterAdverts, now)
		}
		next := announcer.run(now, s.packetOut)
		next = earlier(next, radvd.run(now, s.packetOut))
		alarm.set(earlier(next, s.learner.run(now)), now)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.changed:
		case <-alarm.C:
		}
	}
}

// alarm is a timer that is set anew before each wait.
type alarm struct{ *time.Timer }

func newAlarm() alarm {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return alarm{t}
}

// set lets the alarm go off at next, never when that is zero.
func (a alarm) set(next, now time.Time) {
	if next.IsZero() {
		a.Stop()
	} else {
		a.Reset(max(0, next.Sub(now)))
	}
}

func (a alarm) stop() { a.Stop() }

// drop counts a packet that is not handled, and warns of those that should not have come.
func (s *SlowPath) drop(op ir.Opcode, d Drop) {
	s.counters.drop(op, d.Reason, 1)
	switch d.Reason {
	case ReasonUnsupported, ReasonArguments, ReasonMalformed, ReasonUnexpected:
		s.warnings.Warn(fmt.Sprintf("%s: %s: %s", op, d.Reason, d.Detail))
	default:
		s.cfg.Log.Debug(fmt.Sprintf("%s: %s %s", op, d.Reason, d.Detail))
	}
}
