package vtepserve

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/appliance/vtepserve/plan"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// SwitchConfig says what a Switch works with.
type SwitchConfig struct {
	Plan      plan.Config // without databases; Now may be nil for time.Now
	Database  string      // remote of the switch's database
	OVS       string      // remote of Open vSwitch's
	OpenFlow  string      // address of the bridge's management socket
	Log       *slog.Logger
	Reconnect *slog.Logger // of connections to databases
	Rconn     *slog.Logger // of connections to the bridge
	Messages  *slog.Logger // all that is sent to databases and received, at level debug
	Offload   *slog.Logger
	readings  time.Duration // see reader.each
}

// Switch is a hardware VTEP in software.
type Switch struct {
	cfg    SwitchConfig
	log    *slog.Logger
	warn   *slog.Logger // limited: others provoke it
	queue  *unixctl.Queue
	bridge *flowset.Bridge
	reader *reader
	short  *shortcut
	served chan struct{} // closed when the database has been read

	// Owned by the goroutine of Run.
	db       *switchrows.Replica
	ovs      *vsw.Replica
	plan     *plan.Plan
	common   bridging.Common // what the bridge has
	up, down lane            // to the switch's database, to Open vSwitch's
	due      bool            // rows may have to be written
	whole    bool            // the bridge has been told of everything once
	secured  bool            // its flows have been compared since it is in the mode that keeps them
	told     map[plan.Problem]bool
	aged     time.Time // since when readings have shown stations of another aging time; see renew
}

// NewSwitch returns a Switch that does nothing before Run.
func NewSwitch(cfg SwitchConfig) (*Switch, error) {
	s := &Switch{cfg: cfg, log: cfg.Log, warn: vlog.Limit(cfg.Log, 10, 20), queue: unixctl.NewQueue(), told: map[plan.Problem]bool{}, served: make(chan struct{})}
	session := func(remote string) idl.Config {
		return idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: remote, Probe: probe, Logger: cfg.Reconnect, Messages: cfg.Messages}}
	}
	s.db, s.ovs = switchrows.NewReplica(session(cfg.Database)), vsw.NewReplica(session(cfg.OVS))
	var err error
	if s.short, err = newShortcut(cfg.Offload); err != nil {
		return nil, err
	}
	s.reader = newReader(s.short.seen)
	s.bridge = flowset.New(flowset.Config{Addr: cfg.OpenFlow, Log: cfg.Log, Conn: cfg.Rconn, Linked: s.reader.linked,
		Stays:   func(f *ofp.Flow) bool { _, ok := bridging.ReadLearned(f); return ok },
		Watched: bridging.Stations, Seen: s.reader.news.add})
	s.reader.bridge, s.reader.each = s.bridge, cfg.readings
	cfg.Plan.DB, cfg.Plan.OVS = s.db.DB(), s.ovs.DB()
	if cfg.Plan.Now == nil {
		cfg.Plan.Now = time.Now
	}
	s.plan = plan.New(cfg.Plan)
	return s, nil
}

// probe is how long a database may be silent.
const probe = 10 * time.Second

// Run works until ctx ends.
func (s *Switch) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.db.Run(ctx) })
	g.Go(func() error { return s.ovs.Run(ctx) })
	g.Go(func() error { return s.bridge.Run(ctx) })
	g.Go(func() error { return s.reader.Run(ctx) })
	g.Go(func() error { return s.short.Run(ctx) })
	g.Go(func() error { return s.loop(ctx) })
	return g.Wait()
}

func (s *Switch) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.take()
		wake, err := s.settle()
		if err != nil {
			return err
		}
		var due <-chan time.Time
		if !wake.IsZero() {
			timer.Reset(max(time.Until(wake), time.Millisecond))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.db.Ready():
		case <-s.ovs.Ready():
		case r := <-s.reader.out:
			s.read(r)
		case <-s.reader.news.wake:
			s.hear(s.reader.news.take())
		case <-due:
		case f := <-s.queue.C():
			f()
		}
	}
}

// batch bounds the change sets that are taken before their consequences are carried out.
const batch = 1000

// take hands over what has come in.
func (s *Switch) take() {
	defer s.noteServed()
	for range batch {
		d, moreD := s.db.Next()
		if moreD {
			s.plan.OnRows(d)
			s.due = true
		}
		o, moreO := s.ovs.Next()
		if moreO {
			s.plan.OnOVS(o)
			s.due = true
		}
		if !moreD && !moreO {
			return
		}
	}
}

func (s *Switch) noteServed() {
	select {
	case <-s.served:
	default:
		if s.db.State().Database != nil {
			close(s.served)
		}
	}
}

// complete tells whether both databases were read at some time, so that what is not there is not there. One that is away afterwards leaves what was read.
func (s *Switch) complete() bool {
	return s.db.State().Database != nil && s.ovs.State().Database != nil
}

// settle derives what is wanted and carries it out. The time is when to do so again though nothing happens. An error is a mistake in this program.
func (s *Switch) settle() (wake time.Time, err error) {
	if !s.complete() {
		return time.Time{}, nil
	}
	s.plan.Settle()
	s.forget()
	if err := s.setFlows(); err != nil {
		return wake, err
	}
	if s.whole {
		s.short.tell(s.plan.Offload())
	}
	s.report()
	if !s.due {
		return wake, nil
	}
	now := time.Now()
	upDone, wakeUp := s.writeUp(now)
	downDone, wakeDown := s.writeDown(now)
	s.due = !upDone || !downDone
	for _, at := range []time.Time{wakeUp, wakeDown} {
		if !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	return wake, nil
}

// setFlows tells the bridge what has changed. Before the bridge is known to be there, and the switch to be registered, nothing is.
func (s *Switch) setFlows() error {
	if !s.plan.Secured() || !s.plan.Registered() {
		s.secured = s.secured && s.plan.Secured()
		return nil
	}
	if c := s.plan.Common(); c != s.common {
		flows, err := c.Flows()
		if err != nil {
			return err
		}
		s.bridge.Put(0, flows)
		s.short.book.setAging(c.Aging)
		s.common = c
	}
	segments, stations, addresses := s.plan.Changes()
	for id, seg := range segments {
		var flows []flowset.Flow
		if len(seg.Attachments) > 0 {
			var err error
			if flows, err = seg.Flows(); err != nil {
				return err
			}
		}
		s.bridge.Put(id, flows)
	}
	s.short.book.setSegments(segments, s.plan.Owner)
	if err := s.setStations(stations, addresses); err != nil {
		return err
	}
	switch {
	case !s.whole:
		s.bridge.Complete()
	case !s.secured:
		s.bridge.Resync()
	}
	s.whole, s.secured = true, true
	return nil
}

// setStations tells the bridge of stations, and of their addresses, that have changed by themselves, so that one of many costs just its own flows.
func (s *Switch) setStations(stations []plan.StationChange, addresses []plan.AddressChange) error {
	type edit struct{ add, remove []flowset.Flow }
	edits := map[uint64]*edit{}
	into := func(segment uint64, there bool) *[]flowset.Flow {
		e := edits[segment]
		if e == nil {
			e = &edit{}
			edits[segment] = e
		}
		if there {
			return &e.add
		}
		return &e.remove
	}
	for _, c := range stations {
		at := bridging.Remote{IP: s.cfg.Plan.TunnelIP} // of one that goes; it does not matter
		if c.At != nil {
			at = *c.At
		}
		f, err := c.Segment.StationFlow(bridging.Station{MAC: c.MAC, At: at})
		if err != nil {
			return err
		}
		list := into(c.Segment.ID, c.At != nil)
		*list = append(*list, f)
		s.short.book.setRemote(c.Segment.ID, c.MAC, c.At)
	}
	for _, c := range addresses {
		flows, err := c.Segment.AddressFlows(c.IP, c.MAC)
		if err != nil {
			return err
		}
		list := into(c.Segment.ID, !c.MAC.IsZero())
		*list = append(*list, flows...)
	}
	for id, e := range edits {
		s.bridge.Edit(id, e.add, e.remove)
	}
	return nil
}

// report logs the problems that are new.
func (s *Switch) report() {
	now := map[plan.Problem]bool{}
	for _, p := range s.plan.Problems() {
		if now[p] = true; !s.told[p] {
			s.warn.Warn(p.Text)
		}
	}
	s.told = now
}

// writeUp writes the switch's database. done: nothing is left to be written.
func (s *Switch) writeUp(now time.Time) (done bool, wake time.Time) {
	if ok, wake := s.up.idle(s.db.State().Connected, now); !ok {
		return false, wake
	}
	tx := &idl.Tx{}
	last := s.plan.Write(tx)
	if tx.Len() == 0 {
		return true, wake
	}
	tx.Comment("sluice vtep serve: " + s.cfg.Plan.Name)
	s.up.sending()
	s.db.Commit(tx, func(r idl.Result) {
		id := r.UUID(last.Name)
		s.up.done(r, time.Now(), func() bool { return id.IsZero() || s.plan.Landed(last.Table, id) })
		s.refused("the switch's database", r.Err)
	})
	return false, wake
}

// writeDown writes Open vSwitch's database.
func (s *Switch) writeDown(now time.Time) (done bool, wake time.Time) {
	if ok, wake := s.down.idle(s.ovs.State().Connected, now); !ok {
		return false, wake
	}
	tx := &idl.Tx{}
	inserted := s.plan.WriteOVS(tx)
	if tx.Len() == 0 {
		return true, wake
	}
	s.down.sending()
	s.ovs.Commit(tx, func(r idl.Result) {
		s.down.done(r, time.Now(), func() bool { return inserted == "" || s.ovs.DB().PortByName.One(inserted) != nil })
		s.refused("the database of Open vSwitch", r.Err)
	})
	return false, wake
}

func (s *Switch) refused(database string, err error) {
	s.due = true
	if err != nil {
		s.warn.Warn(fmt.Sprintf("%s does not take a transaction: %v. It is tried again", database, err))
	}
}
