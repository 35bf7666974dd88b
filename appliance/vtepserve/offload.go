package vtepserve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc"
	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/offload/tc/netdev"
)

// shortcut has the kernel's traffic control, and cards through it, bridge what Open vSwitch bridges as well, ahead of it. Open vSwitch gets what is not offloaded,
// and learns: a station's rules are there from when it has told of it until it has forgotten it.
type shortcut struct {
	target *reconcile.Reconciler
	links  *tc.KernelLinks
	tc     *tc.Target
	mail   *reconcile.Mailbox
	heat   chan map[ir.RuleID]uint64 // see warm
	log    *slog.Logger

	// Owned by the goroutine of the Switch.
	book     *rulebook
	revision backend.Revision
	setting  device.Setting
	told     bool // there was a setting
	known    bool // a reading has told which stations there are
	left     bool // the target is told nothing any more
	holds    map[bridging.Learned]time.Time
}

func newShortcut(log *slog.Logger) (*shortcut, error) {
	links, err := tc.NewLinks(0)
	if err != nil {
		return nil, fmt.Errorf("the kernel's network devices cannot be reached: %w", err)
	}
	x := &shortcut{links: links, log: log, mail: reconcile.NewMailbox(), heat: make(chan map[ir.RuleID]uint64, 1), book: newRulebook(), holds: map[bridging.Learned]time.Time{}}
	x.tc = tc.New(tc.Config{Dial: func() (*flower.Conn, error) { return flower.Dial(flower.Config{}) }, Links: links,
		Devices: func(ctx context.Context) (*netdev.Inventory, error) { return netdev.Look(ctx, 0) }})
	x.target = reconcile.New(reconcile.Config{Target: x.tc, Changes: x.mail, Log: log, Acked: func(backend.Revision) {}, Advice: advice()})
	return x, nil
}

// Run drives the target until ctx ends. What is installed then stays.
func (x *shortcut) Run(ctx context.Context) error {
	defer x.links.Close()
	defer x.tc.Close() //nolint:errcheck // nothing is on its way
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return x.target.Run(ctx) })
	g.Go(func() error { return tc.Follow(ctx, x.target.Relink, x.log) })
	g.Go(func() error { return x.warm(ctx) })
	return g.Wait()
}

// warm tells the target what Open vSwitch has counted while there is not room for all paths, so that those with most packets have it. The target may take its time.
func (x *shortcut) warm(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case packets := <-x.heat:
			if err := x.target.Heat(ctx, packets); err != nil {
				return err
			}
		}
	}
}

// measure hands over what was counted of frames to stations.
func (x *shortcut) measure(r reading) {
	if r.remotes == nil {
		return
	}
	select {
	case x.heat <- x.book.heat(r.stations, r.remotes):
	default: // the last is being taken still
	}
}

// tell sends the target what has changed. The rules are whole once it is known which stations there are: else those of stations would be taken out at each
// start, and put back.
func (x *shortcut) tell(s device.Setting) {
	if x.left {
		return
	}
	changed := !x.told || !reflect.DeepEqual(s, x.setting)
	d := backend.Delta{Revision: x.revision}
	switch {
	case s.Mode == offload.Off:
		x.book.end()
	case !x.known:
		return
	case !x.book.on:
		x.book.begin()
		d.Reset, d.Complete = true, true
	}
	x.setting, x.told = s, true
	if news := x.book.set.Pending() || d.Reset; !news && !changed {
		return
	}
	if x.book.on {
		x.book.set.Take(&d)
		x.revision++
		d.Revision = x.revision
	}
	x.mail.Send(d, s)
}

// offloaded is what the target has seen of frames.
type offloaded struct {
	idle     map[ir.RuleID]time.Duration               // how long ago there was one of a station, by the rule that its frames go through
	counters map[bridging.Attachment]bridging.Counters // without those that came to Open vSwitch as well
	crowded  bool                                      // there is not room for all paths
}

// seen asks the target.
func (x *shortcut) seen(ctx context.Context) (o offloaded) {
	ctx, cancel := context.WithTimeout(ctx, usePatience)
	defer cancel()
	err := x.target.Do(ctx, func(v reconcile.View) {
		o = offloaded{map[ir.RuleID]time.Duration{}, map[bridging.Attachment]bridging.Counters{}, v.Planner.Crowded()}
		now := time.Now()
		for r, c := range v.Planner.Credits() {
			if r.Stage == bridging.SourceStage {
				o.idle[r.ID] = now.Sub(c.At)
			}
			bridging.CountRule(o.counters, r, c.Device.Packets+c.Kernel.Packets, c.Device.Bytes+c.Kernel.Bytes)
		}
	})
	if err != nil {
		return offloaded{} // it is busy, and is asked again with the next reading
	}
	return o
}

// usePatience is how long the target may keep a reading waiting.
const usePatience = time.Second

// hold are the stations that are to be held in Open vSwitch, for how long: those that were seen by the target after what Open vSwitch knows, as far as is known.
func (x *shortcut) hold(now time.Time, idle map[ir.RuleID]time.Duration, aging time.Duration) map[bridging.Learned]time.Duration {
	out := map[bridging.Learned]time.Duration{}
	seen := make(map[bridging.Learned]time.Time, len(x.holds))
	for rule, d := range idle {
		l, there := x.book.sources[rule]
		left := aging - d
		if !there || left < time.Second {
			continue
		}
		last, before := now.Add(-d), x.holds[l]
		if last.Sub(before) > aging/4 || last.After(before) && now.Sub(before) > aging/2 {
			before = last
			out[l] = left
		}
		seen[l] = before
	}
	x.holds = seen
	return out
}

// admin is what answers about the offload.
func (x *shortcut) admin(s *Switch) *admin.Offloading {
	return &admin.Offloading{Reconciler: x.target, On: s.queue, Datapaths: func() map[uint32]string {
		names := map[uint32]string{}
		for key, segment := range x.book.keys {
			names[key] = s.plan.SegmentName(segment)
		}
		return names
	}}
}

// clearLimit is how long an exit waits for the kernel.
const clearLimit = 5 * time.Second

// leave takes away what stands in front of Open vSwitch: nobody would see any more that a station has moved.
func (s *Switch) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, clearLimit)
	defer cancel()
	var err error
	done := s.queue.Do(ctx, func() {
		if s.short.setting.Mode != offload.Off {
			s.short.left = true
			err = s.short.target.Clear(ctx)
		}
	})
	if err := errors.Join(done, err); err != nil {
		s.warn.Warn("rules may stay in front of Open vSwitch: " + err.Error() + "; \"tc qdisc del dev DEVICE clsact\" removes them")
	}
}
