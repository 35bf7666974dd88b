package inbound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// Config is of a Listener.
type Config struct {
	At  ovsdb.Passive
	TLS tlsconf.Options // for pssl: our key and certificate, and the CA that has signed the switches' certificates
	Log *slog.Logger
	// Survey is how often callers that wait are asked who they are, which is the sign of life, too; 0: every 5 s.
	Survey time.Duration
	// Greeting is how long a caller has to say who it is, and to answer later; 0: 10 s.
	Greeting time.Duration
}

// Listener is a port at which switches connect.
type Listener struct {
	cfg  Config
	warn *slog.Logger // limited: anybody can provoke it

	work  chan func()
	tried chan struct{} // closed when the port is open, or could not be opened
	ended chan struct{} // closed when Run has ended

	// Owned by the goroutine of Run.
	failure string // why the port is not open
	serial  uint64 // of the last caller
	refused uint64 // callers that were sent away
	callers map[*caller]bool
	claims  []*Claim
}

// New returns a Listener that does nothing before Run.
func New(cfg Config) *Listener {
	if cfg.Survey == 0 {
		cfg.Survey = 5 * time.Second
	}
	if cfg.Greeting == 0 {
		cfg.Greeting = 10 * time.Second
	}
	return &Listener{cfg: cfg, warn: vlog.Limit(cfg.Log, 10, 20), work: make(chan func()), tried: make(chan struct{}), ended: make(chan struct{}),
		callers: map[*caller]bool{}}
}

// Run listens until ctx ends. A port that cannot be opened is tried again and again.
func (l *Listener) Run(ctx context.Context) error {
	defer close(l.ended)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case f := <-l.work:
				f()
			}
		}
	})
	g.Go(func() error { return l.listen(ctx, g) })
	return g.Wait()
}

// errEnded: Run has ended.
var errEnded = errors.New("nothing listens there any more")

// do runs f on the goroutine of Run.
func (l *Listener) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case l.work <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.ended:
		return errEnded
	}
}

const (
	minPause = time.Second
	maxPause = 8 * time.Second
)

// listen opens the port and takes who calls.
func (l *Listener) listen(ctx context.Context, g *errgroup.Group) error {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		ln, err := l.open(ctx)
		told := l.do(ctx, func() {
			failure := ""
			if err != nil {
				failure = err.Error()
			}
			switch {
			case err == nil:
				l.cfg.Log.Info(fmt.Sprintf("%v: listening on %v", l.cfg.At, ln.Addr()))
			case failure != l.failure:
				l.cfg.Log.Warn(failure + "; it is tried again")
			}
			l.failure = failure
			select {
			case <-l.tried:
			default:
				close(l.tried)
			}
		})
		if err == nil {
			stop := context.AfterFunc(ctx, func() { ln.Close() })
			if told == nil {
				l.accept(ctx, ln, g)
			}
			stop()
			ln.Close()
			return context.Cause(ctx)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// open opens the port.
func (l *Listener) open(ctx context.Context) (net.Listener, error) {
	if l.cfg.At.TLS {
		if err := l.cfg.TLS.CheckServer(); err != nil {
			return nil, fmt.Errorf("%v: %w. Key and certificate of the port, and the CA of the switches, are those of the program that listens (-p, -c, -C)", l.cfg.At, err)
		}
	}
	network := "tcp"
	if l.cfg.At.Address.Addr().Is4() {
		network = "tcp4"
	}
	ln, err := new(net.ListenConfig).Listen(ctx, network, l.cfg.At.Address.String())
	port := l.cfg.At.Address.Port()
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		err = fmt.Errorf("%w. Who has the port: ss -ltnp sport = :%d. End that, or have the switches connect to another port", err, port)
	case errors.Is(err, syscall.EACCES):
		err = fmt.Errorf("%w. Only root (CAP_NET_BIND_SERVICE) may have port %d: have the switches connect to one from 1024 on, 6640 is usual", err, port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		err = fmt.Errorf("%w. This host has no such address (ip address); without one all addresses are listened at", err)
	}
	return nil, fmt.Errorf("%v: %w", l.cfg.At, err)
}

// accept takes callers until the port is closed.
func (l *Listener) accept(ctx context.Context, ln net.Listener, g *errgroup.Group) {
	const first = 5 * time.Millisecond
	pause := first
	for {
		nc, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return
		case err != nil: // no file descriptors, or the caller has gone already
			l.warn.Warn(fmt.Sprintf("%v: accept: %v; it is tried again", l.cfg.At, err))
			if sleep(ctx, pause) != nil {
				return
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = first
		c := newCaller(nc)
		var why string
		if err := l.do(ctx, func() { why = l.admit(c) }); err != nil || why != "" {
			nc.Close()
			if why != "" {
				l.warn.Warn(fmt.Sprintf("%v: connection from %s is refused: %s", l.cfg.At, c.from, why))
			}
			continue
		}
		g.Go(func() error {
			l.serve(ctx, c)
			return nil
		})
	}
}

const (
	// maxCallers bounds those that have not been handed over.
	maxCallers = 256
	// maxCallersOfOne bounds those of one address.
	maxCallersOfOne = 32
)

// admit tells why a caller is sent away, "" if it is not. When there are as many as there may be, the oldest that is nobody's goes for it, so that those who
// hold on to connections keep nobody out.
func (l *Listener) admit(c *caller) string {
	same := 0
	for other := range l.callers {
		if other.host == c.host {
			same++
		}
	}
	switch {
	case same >= maxCallersOfOne:
		l.refused++
		return fmt.Sprintf("%d connections from there wait that are of no registered switch, or have not said yet whose they are", same)
	case len(l.callers) >= maxCallers && !l.oust():
		l.refused++
		return fmt.Sprintf("%d connections of registered switches are about to be used", len(l.callers))
	}
	l.serial++
	c.serial = l.serial
	l.callers[c] = true
	return ""
}

// oust sends the oldest caller away that is nobody's. false: there is none.
func (l *Listener) oust() bool {
	var oldest *caller
	for c := range l.callers {
		if !c.taken && !l.owned(c) && (oldest == nil || c.serial < oldest.serial) {
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	l.warn.Warn(fmt.Sprintf("%v: connection from %s is closed for a newer one: %d wait that are of no registered switch, or have not said yet whose they are", l.cfg.At, oldest.from, len(l.callers)))
	l.refused++
	delete(l.callers, oldest)
	oldest.nc.Close()
	return true
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Opened waits until the port has been tried, and tells why it is not open.
func (l *Listener) Opened(ctx context.Context) error {
	select {
	case <-l.tried:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var failure string
	if err := l.do(ctx, func() { failure = l.failure }); err != nil {
		return err
	}
	if failure != "" {
		return errors.New(failure)
	}
	return nil
}
