package flowset

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/reconnect"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// Config is what a Bridge works with. The functions are called on the goroutine of Run and must not block.
type Config struct {
	// Addr is the address of the bridge's OpenFlow management socket, "unix:RUNDIR/BRIDGE.mgmt".
	Addr string
	// Stays tells which flows that are not in the set are the switch's own and stay. The flow is valid during the call.
	Stays func(*ofp.Flow) bool
	// Linked is told when the switch has what is wanted after a connection was made, before Dump works again. fresh: it had nothing of it before, as
	// after its own start.
	Linked func(fresh bool)
	// Watched is a table of which Seen is told each flow that comes, changes or goes, by the switch itself or by Bridge, as it happens, from before Linked is
	// called. It is called on a goroutine of its own; the flow is valid during the call. nil: nobody is told.
	Watched uint8
	Seen    func(f *ofp.Flow, gone bool)
	Log     *slog.Logger
	Conn    *slog.Logger // attempts at a connection and its losses
}

// Bridge keeps the flows of one bridge those of a set.
type Bridge struct {
	cfg  Config
	log  *slog.Logger // limited
	set  *set
	wake chan struct{}
	anew atomic.Bool // see Resync
	link atomic.Pointer[link]

	mu     sync.Mutex
	status Status // guarded by mu
}

// Status is a snapshot for people.
type Status struct {
	Connected   bool   `json:"connected"`
	Flows       int    `json:"flows"`   // wanted
	Pending     int    `json:"pending"` // changes that the switch has not confirmed; while Connected
	Adopted     uint64 `json:"adopted"`
	Added       uint64 `json:"added"`
	Removed     uint64 `json:"removed"`
	Connections uint64 `json:"connections"`
	Watching    bool   `json:"watching"` // the switch tells of what it learns; else that is found by reading it
	LastError   string `json:"error,omitempty"`
}

// New returns a Bridge that does nothing before Run, with an empty set.
func New(cfg Config) *Bridge {
	return &Bridge{cfg: cfg, log: vlog.Limit(cfg.Log, 10, 20), set: newSet(), wake: make(chan struct{}, 1)}
}

// Put states all flows of an owner, a number that the caller chooses. Those that are no more wanted go, unless they are another owner's by now.
func (b *Bridge) Put(owner uint64, flows []Flow) {
	b.set.put(owner, flows)
	b.poke()
}

// Edit adds flows to those of an owner, or changes them, and removes others.
func (b *Bridge) Edit(owner uint64, add, remove []Flow) {
	b.set.edit(owner, add, remove)
	b.poke()
}

// Complete says that Put was called for all owners there are. Before that nothing is sent to the switch.
func (b *Bridge) Complete() {
	b.set.complete()
	b.poke()
}

// Resync has the switch's flows read and compared again, because somebody else may have changed them.
func (b *Bridge) Resync() {
	b.anew.Store(true)
	b.poke()
}

func (b *Bridge) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Status tells how things stand.
func (b *Bridge) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	s := b.status
	s.Flows, s.Pending = len(b.set.flows), len(b.set.changed)+b.set.sending
	return s
}

func (b *Bridge) note(f func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.status)
}

// ErrNotConnected is the answer of Dump and Remove while there is no connection.
var ErrNotConnected = errors.New("flowset: the bridge is not connected")

// Dump yields the flows of a table as the switch has them, with their statistics; see ofconn.Conn.DumpFlows. What Seen was told of before Dump ends is in them,
// or later. From any goroutine.
func (b *Bridge) Dump(ctx context.Context, table uint8) iter.Seq2[*ofp.Flow, error] {
	l := b.link.Load()
	if l == nil {
		return func(yield func(*ofp.Flow, error) bool) { yield(nil, ErrNotConnected) }
	}
	return l.eye.DumpFlows(ctx, &ofp.FlowStatsRequest{Table: table})
}

// Remove removes flows that the switch has by itself, by their table, priority and match. From any goroutine.
func (b *Bridge) Remove(flows []Flow) error {
	mods := make([]*ofp.FlowMod, len(flows))
	for i, f := range flows {
		mods[i] = keyOf(f.Table, f.Priority, f.Match).remove()
	}
	return b.Change(mods)
}

// Change changes flows that are no part of the set but the switch's own (Config.Stays), without waiting for an answer. From any goroutine.
func (b *Bridge) Change(mods []*ofp.FlowMod) error {
	l := b.link.Load()
	if l == nil {
		return ErrNotConnected
	}
	msgs := make([]ofp.Message, len(mods))
	for i, m := range mods {
		msgs[i] = m
	}
	_, err := l.hand.Send(msgs...)
	return err
}

// Times of a connection.
const (
	retryFirst = 50 * time.Millisecond
	retryMax   = time.Second
	probe      = 5 * time.Second // silence after which the switch is asked whether it is alive
	again      = time.Minute     // between two attempts at what was refused
)

// Run keeps the bridge right until ctx ends.
func (b *Bridge) Run(ctx context.Context) error {
	pace := &reconnect.Pacer{First: retryFirst, Max: retryMax, Log: b.cfg.Conn}
	for ctx.Err() == nil {
		start := time.Now()
		err := b.session(ctx, pace)
		if ctx.Err() != nil {
			break
		}
		b.note(func(s *Status) { s.Connected, s.LastError = false, err.Error() })
		if time.Since(start) > retryMax {
			pace.Reset()
		}
		t := time.NewTimer(pace.Pause(b.cfg.Addr))
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return ctx.Err()
}

// adopt reads what the switch has and changes what differs.
func (b *Bridge) adopt(ctx context.Context, l *link) error {
	var have []ofp.Flow
	for f, err := range l.hand.DumpFlows(ctx, &ofp.FlowStatsRequest{Table: ofp.AllTables}) {
		if err != nil {
			return err
		}
		have = append(have, *f)
	}
	c, right := b.set.compare(have, b.cfg.Stays)
	if err := b.push(ctx, l.hand, c); err != nil {
		return err
	}
	b.cfg.Log.Info(fmt.Sprintf("adopted the bridge: %d flows are right, %d added or corrected, %d removed", right, len(c.come), len(c.gone)))
	b.note(func(s *Status) {
		s.Connected, s.LastError = true, ""
		s.Adopted += uint64(right)
	})
	b.cfg.Linked(right == 0)
	b.link.Store(l) // after that Dump shows what is left after a start of the switch
	return nil
}

// push carries out changes in one bundle. What the switch refuses is left out, and the rest is sent again.
func (b *Bridge) push(ctx context.Context, conn *ofconn.Conn, c changes) error {
	list := c.all()
	for len(list) > 0 { // each round leaves something out
		index := make([]int, 0, len(list))
		err := conn.Bundle(ctx, messages(list, &index))
		if err == nil {
			break
		}
		refused := new(ofconn.Refused)
		if !errors.As(err, &refused) || len(refused.Messages) == 0 {
			return err
		}
		list = b.leaveOut(refused, list, index)
	}
	b.set.sent()
	b.note(func(s *Status) {
		for _, c := range list {
			if c.flow == nil {
				s.Removed++
			} else {
				s.Added++
			}
		}
	})
	return nil
}

// messages yields what carries out changes, and notes of each message which change it belongs to.
func messages(list []change, index *[]int) iter.Seq[ofp.Message] {
	return func(yield func(ofp.Message) bool) {
		for i, c := range list {
			send := func(m ofp.Message) bool {
				*index = append(*index, i)
				return yield(m)
			}
			switch {
			case c.flow == nil:
				if !send(c.key.remove()) {
					return
				}
			case c.flow.Evicts != nil && !send(c.flow.Evicts) || !send(c.flow.mod()):
				return
			}
		}
	}
}
