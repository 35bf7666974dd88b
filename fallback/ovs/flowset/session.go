package flowset

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/reconnect"
)

// link is a pair of connections to the bridge, which live and end together. The hand changes flows; the eye looks, and is told of changes: a switch tells a
// connection of what it has changed itself without saying what.
type link struct{ hand, eye *ofconn.Conn }

func dial(ctx context.Context, addr string) (l *link, err error) {
	l = &link{}
	if l.hand, err = ofconn.Dial(ctx, addr, ofconn.Config{ProbeInterval: probe}); err != nil {
		return nil, err
	}
	if l.eye, err = ofconn.Dial(ctx, addr, ofconn.Config{ProbeInterval: probe}); err != nil {
		l.hand.Close() //nolint:errcheck // the first error is the one to tell
		return nil, err
	}
	return l, nil
}

// err is why one of the two has ended; nil while both live.
func (l *link) err() error {
	if err := l.hand.Err(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return l.eye.Err()
}

// session is the life of one link.
func (b *Bridge) session(ctx context.Context, pace *reconnect.Pacer) error {
	pace.Connecting(b.cfg.Addr)
	l, err := dial(ctx, b.cfg.Addr)
	if err != nil {
		if ctx.Err() == nil {
			pace.Failed(b.cfg.Addr, err)
		}
		return err
	}
	pace.Connected(b.cfg.Addr)
	inner, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for _, conn := range []*ofconn.Conn{l.hand, l.eye} {
		group.Go(func() { _ = conn.Run(inner); cancel() })
		group.Go(func() { b.events(conn) })
	}
	err = b.serve(inner, l)
	if e := l.err(); e != nil && errors.Is(err, context.Canceled) {
		err = e
	}
	b.link.Store(nil)
	cancel()
	group.Wait()
	if ctx.Err() == nil {
		pace.Lost(b.cfg.Addr, err)
	}
	return err
}

// events reads what nobody asked for. Packets that the flows send to a controller are none of ours: no flow does.
func (b *Bridge) events(conn *ofconn.Conn) {
	for e := range conn.Events() {
		switch m := e.Message.(type) {
		case *ofp.Error:
			b.log.Warn("the switch refused to change a learned flow: " + m.Cause())
		case *ofp.MultipartReply:
			b.see(m)
		}
	}
}

// see takes what the monitor tells.
func (b *Bridge) see(m *ofp.MultipartReply) {
	for u, err := range ofp.FlowUpdates(m.Body) {
		if err != nil {
			b.log.Warn("what the switch tells of its flows cannot be read; they are found by reading all: " + err.Error())
			return
		}
		switch u.Event {
		case ofp.FlowAdded, ofp.FlowModified:
			b.cfg.Seen(&u.Flow, false)
		case ofp.FlowGone:
			b.cfg.Seen(&u.Flow, true)
		}
	}
}

// quiet asks the switch for no packets and no news of flows.
var quiet = &ofp.SetAsync{}

// watch has the switch tell of flows.
func (b *Bridge) watch(ctx context.Context, l *link) error {
	b.note(func(s *Status) { s.Watching = false })
	if b.cfg.Seen == nil {
		return nil
	}
	err := l.eye.Monitor(ctx, b.cfg.Watched)
	switch refused := new(ofp.Error); {
	case err == nil:
		b.note(func(s *Status) { s.Watching = true })
	case errors.As(err, &refused) || errors.Is(err, ofconn.ErrNoMonitor):
		b.cfg.Log.Info("the switch does not tell of what it learns (Open vSwitch does from 3.0 on), so it is read each second: " + err.Error())
	default:
		return err
	}
	return nil
}

// serve adopts what the switch has once the set is whole, and then carries out changes.
func (b *Bridge) serve(ctx context.Context, l *link) error {
	for _, conn := range []*ofconn.Conn{l.hand, l.eye} {
		if err := conn.Apply(ctx, quiet); err != nil {
			return err
		}
	}
	if err := b.watch(ctx, l); err != nil {
		return err
	}
	b.note(func(s *Status) { s.Connections++ })
	retry := time.NewTicker(again)
	defer retry.Stop()
	inStep := false
	for {
		c, whole := b.set.take()
		inStep = inStep && !b.anew.Swap(false)
		switch {
		case whole && !inStep:
			if err := b.adopt(ctx, l); err != nil {
				return err
			}
			inStep = true
		case whole && len(c.gone)+len(c.come) > 0:
			if err := b.push(ctx, l.hand, c); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.wake:
		case <-retry.C:
			b.set.retry()
		}
	}
}
