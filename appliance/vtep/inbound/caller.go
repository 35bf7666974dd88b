package inbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// caller is a connection that has not been handed over. Facts and what is behind it are of the goroutine of Listener.Run.
type caller struct {
	nc      net.Conn // without TLS
	from    string   // address and port
	host    string
	since   time.Time
	wanted  chan struct{} // closed when somebody gets it
	subject string        // of its certificate

	serial uint64 // later ones have larger numbers
	facts  Facts
	known  bool   // facts were read
	told   string // what the log has of it
	taken  bool
}

func newCaller(nc net.Conn) *caller {
	c := &caller{nc: nc, from: nc.RemoteAddr().String(), since: time.Now(), wanted: make(chan struct{})}
	c.host, _, _ = net.SplitHostPort(c.from)
	return c
}

// take has the conversation end.
func (c *caller) take() {
	c.taken = true
	close(c.wanted)
	c.nc.SetReadDeadline(time.Unix(1, 0)) // an error is the reader's, too
}

// serve finds out who has called, and keeps the connection until somebody wants it.
func (l *Listener) serve(ctx context.Context, c *caller) {
	stop := context.AfterFunc(ctx, func() { c.nc.Close() })
	defer stop()
	got, err := l.converse(ctx, c)
	if ended := l.do(ctx, func() { l.over(c, got, err) }); ended != nil || err != nil {
		c.nc.Close()
	}
}

// converse returns the connection when it is wanted.
func (l *Listener) converse(ctx context.Context, c *caller) (*conn, error) {
	nc, err := l.secure(ctx, c)
	if err != nil {
		return nil, err
	}
	t := newTalk(nc, c.wanted)
	for until := c.since.Add(l.cfg.Greeting); ; until = time.Now().Add(l.cfg.Greeting) {
		facts, err := t.survey(until)
		if err == nil {
			if err = l.do(ctx, func() { l.introduce(c, facts) }); err == nil {
				_, err = t.listen(time.Now().Add(l.cfg.Survey), "")
			}
		}
		if errors.Is(err, errWanted) {
			rest, err := t.end()
			return &conn{Conn: nc, source: rest, serial: c.serial, from: c.from}, err
		} else if err != nil {
			if !l.cfg.At.TLS && t.speaksTLS() {
				err = errors.New("it speaks TLS, which this port does not: have it connect by tcp: (its table Manager), or listen at pssl: here")
			}
			return nil, err
		}
	}
}

// secure does the handshake of TLS, if there is to be one.
func (l *Listener) secure(ctx context.Context, c *caller) (net.Conn, error) {
	if !l.cfg.At.TLS {
		return c.nc, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Greeting)
	defer cancel()
	tc := tls.Server(c.nc, l.cfg.TLS.Server())
	if err := tc.HandshakeContext(ctx); err != nil {
		if errors.As(err, new(tls.RecordHeaderError)) {
			err = fmt.Errorf("%w: it speaks no TLS: have it connect by ssl: (its table Manager), or listen at ptcp: here", err)
		}
		return nil, fmt.Errorf("TLS: %w", err)
	}
	c.subject = subjectOf(tc.ConnectionState().PeerCertificates[0]) // one is required
	return tc, nil
}

// speaksTLS tells whether what came is the begin of TLS: a record of type handshake (RFC 8446, section 5.1).
func (t *talk) speaksTLS() bool {
	t.rewind()
	return len(t.prefix) > 0 && t.prefix[0] == 22
}

// introduce takes what a caller's database has said.
func (l *Listener) introduce(c *caller, f Facts) {
	if !l.callers[c] {
		return // it has been sent away meanwhile
	}
	again := c.known
	c.facts, c.known = f, true
	for other := range l.callers {
		if other.serial < c.serial && other.known && !other.taken && f.Identity != "" && other.facts.Identity == f.Identity && other.subject == c.subject {
			other.nc.Close() // it has called again
		}
	}
	l.settle()
	if !again || c.taken || l.owned(c) { // at first whoever has claimed it may be about to take it
		return
	}
	if text := l.waiting(c).Text(); text != c.told {
		c.told = text
		l.warn.Warn(fmt.Sprintf("%v: %s", l.cfg.At, text))
	}
}

// over ends a caller: it is handed over, or has gone.
func (l *Listener) over(c *caller, got *conn, err error) {
	kept := l.callers[c]
	delete(l.callers, c)
	for _, claim := range l.claims {
		if claim.taking != c {
			continue
		}
		claim.taking = nil
		if err == nil && claim.hungry {
			claim.hungry, claim.current, claim.facts = false, got, c.facts
			claim.got <- result{conn: got}
			got = nil
		}
	}
	if got != nil {
		got.end("nobody wants it any more")
	}
	if err != nil && !c.known && kept {
		l.refused++
		l.warn.Warn(fmt.Sprintf("%v: connection from %s is refused: %v", l.cfg.At, c.from, err))
	}
	l.settle()
}
