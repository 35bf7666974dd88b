package ovs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/reconnect"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// Config is what a Backend works with. The functions are called on the backend's
// goroutines and must not block.
type Config struct {
	// Addr is the address of the integration bridge's OpenFlow management socket,
	// "unix:RUNDIR/BRIDGE.mgmt"; "" while the bridge is not known.
	Addr func() string
	// Changes are the deltas to carry out.
	Changes *backend.Mailbox
	// Acked is told which revision the switch has, and what of it was refused.
	Acked func(backend.Revision, []backend.Failure)
	// Resend asks for all rules again, in a delta with Reset.
	Resend func(why string)
	// Linked is told when the switch is connected and when it is not any more; nil:
	// nobody wants to know.
	Linked func(bool)
	// PacketIn takes punted packets.
	PacketIn func(PacketIn)
	Log      *slog.Logger
	// Conn gets the attempts at a connection and its losses; nil: Log does. Punts is
	// told when packets can be punted; nil: nobody is.
	Conn, Punts *slog.Logger
	// Probe is the silence after which the switch is asked whether it is alive; 0: never.
	Probe time.Duration
}

// Backend keeps one integration bridge as the control plane wants it.
type Backend struct {
	cfg  Config
	want *desired // belongs to Run's goroutine, as do the next
	rev  backend.Revision
	full bool // a complete delta has been seen
	// handover says that the rules of the stage Handover are whole. foreign are flows that an earlier process has left there.
	handover bool
	foreign  []string
	flush    []uint16             // conntrack zones still to be emptied
	conns    []backend.Connection // connections still to be forgotten
	told     map[ir.RuleID]string // failures that were logged
	log      *slog.Logger         // limited: many rules can fail for one reason
	old      bool                 // want was lowered for another switch state: nothing is sent before a Reset

	out      chan ofp.Message
	redial   chan string
	readings chan reading
	probe    atomic.Int64 // Config.Probe, as SetProbe left it
	conn     atomic.Pointer[ofconn.Conn]
	profile  atomic.Pointer[Profile] // of want

	mu     sync.Mutex
	status Status  // guarded by mu
	groups *groups // guarded by mu: those of want
}

// Status is a snapshot for people.
type Status struct {
	Connected            bool
	Addr                 string
	Profile              string
	Flows, Groups        int
	Meters               int
	Revision             backend.Revision
	Adopted, Added       uint64 // flows found right; added or corrected since the start
	Removed              uint64
	Connections          uint64
	DroppedOut           uint64 // packet-outs that found the queue full
	LastError            string
	Failures             []backend.Failure
	GroupText, MeterText []string
}

// outQueue bounds the packet-outs that wait to be sent.
const outQueue = 4096

// New makes a backend that does nothing until Run.
func New(cfg Config) *Backend {
	cfg.Conn = cmp.Or(cfg.Conn, cfg.Log)
	b := &Backend{cfg: cfg, out: make(chan ofp.Message, outQueue), redial: make(chan string, 1), readings: make(chan reading)}
	b.log = vlog.Limit(cfg.Log, failuresPerMinute, failuresAtOnce)
	b.probe.Store(int64(cfg.Probe))
	return b
}

// Status tells how things stand.
func (b *Backend) Status() Status {
	b.mu.Lock()
	s, groups := b.status, b.groups
	b.mu.Unlock()
	if groups != nil {
		s.GroupText = groups.text()
		s.Groups = len(s.GroupText)
	}
	return s
}

func (b *Backend) set(f func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.status)
}

// Pauses between attempts to reach the switch.
const (
	retryFirst = 50 * time.Millisecond
	retryMax   = time.Second
)

// Run keeps the bridge right until ctx ends.
func (b *Backend) Run(ctx context.Context) error {
	pace := &reconnect.Pacer{First: retryFirst, Max: retryMax, Log: b.cfg.Conn}
	for ctx.Err() == nil {
		start := time.Now()
		addr := b.cfg.Addr()
		err := b.session(ctx, addr, pace)
		if ctx.Err() != nil {
			break
		}
		b.set(func(s *Status) {
			s.Connected = false
			if err != nil {
				s.LastError = err.Error()
			}
		})
		if time.Since(start) > retryMax || errors.Is(err, errRedial) || addr == "" {
			pace.Reset()
		}
		t := time.NewTimer(pace.Pause(addr))
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return ctx.Err()
}

var (
	errNoBridge = errors.New("the integration bridge does not exist yet")
	errRedial   = errors.New("connecting anew")
)

// session is the life of one connection.
func (b *Backend) session(ctx context.Context, addr string, pace *reconnect.Pacer) error {
	if addr == "" {
		return errNoBridge
	}
	pace.Connecting(addr)
	conn, err := ofconn.Dial(ctx, addr, ofconn.Config{})
	switch {
	case err == nil:
		pace.Connected(addr)
	case ctx.Err() == nil:
		pace.Failed(addr, err)
		return err
	default:
		return err
	}
	err = b.use(ctx, conn, addr)
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errRedial):
		b.cfg.Conn.Info(addr + ": disconnecting: " + err.Error())
	default:
		pace.Lost(addr, err)
	}
	return err
}

// use is what is done with a connection until it ends.
func (b *Backend) use(ctx context.Context, conn *ofconn.Conn, addr string) error {
	b.conn.Store(conn)
	defer b.conn.Store(nil)
	conn.SetProbe(time.Duration(b.probe.Load()))
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { _ = conn.Run(ctx); cancel() })
	group.Go(func() { b.packetIns(conn) })
	group.Go(func() { b.packetOuts(ctx, conn) })
	group.Go(func() { b.events(conn) })
	err := b.serve(ctx, conn, addr)
	if err == nil || errors.Is(err, context.Canceled) {
		if e := conn.Err(); e != nil {
			err = e
		}
	}
	return err
}

// serve sets the connection up, adopts what the switch has, and then carries out changes.
func (b *Backend) serve(ctx context.Context, conn *ofconn.Conn, addr string) error {
	if err := conn.Apply(ctx, ofp.SetPacketInFormat{}, &ofp.SetConfig{MissSendLen: 0xffff}, onlyPunts); err != nil {
		return err
	}
	tunOpt, err := b.tunnelOption(ctx, conn)
	if err != nil {
		return err
	}
	b.set(func(s *Status) { s.Connected, s.Addr = true, addr; s.Connections++; s.LastError = "" })
	if b.cfg.Punts != nil {
		b.cfg.Punts.Info(addr + ": connected")
	}
	if b.cfg.Linked != nil {
		b.cfg.Linked(true)
		defer b.cfg.Linked(false)
	}
	if b.want != nil && b.want.low.tunIndex != tunOpt {
		b.old = true
		b.cfg.Resend("the switch's tunnel metadata field for Geneve changed")
	}
	fill, err := b.openFill(ctx, conn)
	if err != nil {
		return err
	}
	inStep := false // the switch has what is wanted
	for {
		if d, ok := b.cfg.Changes.Take(); ok {
			if d.Reset && b.want != nil { // what was sent until now is void
				inStep = false
				if fill != nil {
					fill.Discard()
					fill = nil
				}
			}
			if err := b.take(ctx, conn, d, tunOpt); err != nil {
				return err
			}
			switch {
			case inStep:
				err = b.update(ctx, conn)
			case fill != nil:
				err = b.fill(ctx, conn, fill)
			}
			if err != nil {
				return err
			}
		}
		if b.full && !b.old && !inStep {
			if fill != nil {
				if inStep, err = b.finish(ctx, conn, fill); err != nil {
					return err
				}
				fill = nil
			}
			if !inStep {
				if err := b.adopt(ctx, conn); err != nil {
					return err
				}
				inStep = true
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case why := <-b.redial:
			return fmt.Errorf("%w: %s", errRedial, why)
		case r := <-b.readings:
			if err := b.answer(ctx, conn, r); err != nil {
				return err
			}
		case <-b.cfg.Changes.Ready():
		}
	}
}

// Redial makes the backend ask Config.Addr again and connect to what it says.
func (b *Backend) Redial(why string) {
	select {
	case b.redial <- why:
	default: // it is about to
	}
}

// SetProbe changes Config.Probe, also for the connection that is open.
func (b *Backend) SetProbe(d time.Duration) {
	b.probe.Store(int64(d))
	if conn := b.conn.Load(); conn != nil {
		conn.SetProbe(d)
	}
}

// onlyPunts asks for packet-ins of controller actions and nothing else unasked.
var onlyPunts = &ofp.SetAsync{PacketIn: 1<<1 | 1<<3}

// take makes one delta's changes in what is wanted.
func (b *Backend) take(ctx context.Context, conn *ofconn.Conn, d backend.Delta, tunOpt int) error {
	b.flush = append(b.flush, d.FlushZones...)
	b.conns = append(b.conns, d.FlushConnections...)
	if err := b.flushZones(ctx, conn); err != nil {
		return err
	}
	if b.want == nil || d.Reset {
		p := ProfileFor(d.Release)
		fresh := newDesired(p)
		if b.want != nil {
			fresh.low.meters = b.want.low.meters.fresh()
		}
		b.want, b.old = fresh, false
		b.want.low.setTunOpt(tunOpt)
		b.profile.Store(p)
		b.set(func(s *Status) { s.Profile, b.groups = p.Name, fresh.low.groups })
		if m, err := conn.DumpMeters(ctx); err == nil {
			b.want.low.meters.adopt(m)
		}
	}
	b.want.apply(d)
	b.rev = d.Revision
	b.full = b.full || d.Complete
	if d.Handover {
		b.takeOver()
	}
	return nil
}

// update brings a switch that is in step up to date.
func (b *Backend) update(ctx context.Context, conn *ofconn.Conn) error {
	gb, ga := b.want.low.groups.take()
	mb, ma := b.want.low.meters.take()
	if err := b.push(ctx, conn, gb, ga, mb, ma); err != nil {
		return err
	}
	if err := b.forget(ctx, conn); err != nil {
		return err
	}
	b.acknowledge()
	return nil
}

// flushZones empties the conntrack zones that have a new owner. They are kept until
// the switch has answered.
func (b *Backend) flushZones(ctx context.Context, conn *ofconn.Conn) error {
	if len(b.flush) == 0 {
		return nil
	}
	msgs := make([]ofp.Message, 0, len(b.flush))
	for _, z := range b.flush {
		msgs = append(msgs, ofp.CTFlushZone{Zone: z})
	}
	if err := conn.Apply(ctx, msgs...); err != nil {
		if e := new(ofconn.Refused); !errors.As(err, &e) {
			return err
		}
		b.cfg.Log.Warn("flushing conntrack zones: " + err.Error())
	}
	b.flush = nil
	return nil
}

func (b *Backend) acknowledge() {
	failures := make([]backend.Failure, 0, len(b.want.failed))
	for _, f := range b.want.failed {
		failures = append(failures, f)
	}
	b.name(failures)
	b.set(func(s *Status) {
		s.Flows, s.Meters = len(b.want.flows), b.want.low.meters.count()
		s.Revision, s.Failures = b.rev, failures
		s.MeterText = b.want.low.meters.text()
	})
	b.cfg.Acked(b.rev, failures)
}

// Failures that are logged in a minute, and at once; Status has all of them.
const (
	failuresPerMinute = 60
	failuresAtOnce    = 100
)

// name logs the failures that are new, and forgets those that are no more.
func (b *Backend) name(failures []backend.Failure) {
	if len(failures)+len(b.told) == 0 {
		return
	}
	now := make(map[ir.RuleID]string, len(failures))
	for _, f := range failures {
		now[f.Rule] = f.Detail
		if b.told[f.Rule] != f.Detail {
			b.log.Warn(f.String())
		}
	}
	b.told = now
}
