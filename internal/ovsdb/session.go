package ovsdb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
	"github.com/sluice-gw/sluice/internal/reconnect"
)

// SessionConfig says how to reach a database.
type SessionConfig struct {
	// Remote is one or more servers, separated by commas, that hold the same
	// database: unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT, IPv6 addresses in
	// brackets. Empty: none until Session.SetRemote.
	Remote string
	// Accept, if there is one, waits for a connection that a server of the
	// database makes to us, and hands it over; it fails only when ctx ends. Then
	// Remote is no list but what the log calls the place where it comes in.
	Accept func(ctx context.Context) (net.Conn, error)
	// TLS is used for ssl: remotes. If nil, TLSFiles is read at each connect.
	TLS *tls.Config
	// TLSFiles names the keys for ssl: remotes.
	TLSFiles TLSFiles
	// LeaderOnly: of a cluster's servers only the leader will do. Otherwise
	// any that is connected to the cluster.
	LeaderOnly bool
	// Probe is how long the server may be silent before it is asked for a sign
	// of life; after as long again the connection is given up. 0: never.
	Probe time.Duration
	// Logger gets the connection's events. nil means slog.Default.
	Logger *slog.Logger
	// Messages gets all that is sent and received, at level debug. nil: no one does.
	Messages *slog.Logger
}

// Handler is the user of a Session. All methods run on the goroutine of
// Session.Run.
type Handler interface {
	// Ready is as in Peer.
	Ready(ctx context.Context) error
	// Connected starts the use of a server that has the database and is fit
	// to serve it. An error closes the connection.
	Connected(c *Conn, e Endpoint, db *schema.Database) error
	// Notify handles a notification. first is the text of its first
	// parameter; the others, if any, are read from rest with NextItem until
	// that returns false. An error closes the connection.
	Notify(method, first string, rest *Stream) error
	// Disconnected tells why the connection, or an attempt at one, ended.
	Disconnected(e Endpoint, err error)
}

// Session keeps a connection to one of the servers of a database.
type Session struct {
	database string
	handler  Handler
	cluster  clusterPosition
	forget   atomic.Bool // cluster is void
	dial     func(context.Context, Endpoint, *SessionConfig) (net.Conn, error)
	pace     reconnect.Pacer // Run's

	changed chan struct{} // the servers were changed; capacity 1

	// Guarded by mu.
	mu      sync.Mutex
	cfg     SessionConfig
	servers []Endpoint
	next    int // index in servers
	conn    *Conn
	current Endpoint
}

const (
	minBackoff = time.Second
	maxBackoff = 8 * time.Second
)

// NewSession returns a session for a database. Nothing happens before Run.
func NewSession(database string, cfg SessionConfig, h Handler) *Session {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Session{database: database, cfg: cfg, handler: h, dial: dial, changed: make(chan struct{}, 1)}
	if cfg.Accept != nil {
		scheme, address, _ := strings.Cut(cfg.Remote, ":")
		s.servers = []Endpoint{{scheme, address}}
		s.dial = func(ctx context.Context, _ Endpoint, cfg *SessionConfig) (net.Conn, error) { return cfg.Accept(ctx) }
	}
	return s
}

// Run connects, and connects again, until ctx ends, and returns why. Every
// server is tried at once; after a round without success it waits from 1 to 8
// seconds. A remote that cannot be read is an error.
func (s *Session) Run(ctx context.Context) error {
	if s.cfg.Remote != "" && s.remotes() == 0 {
		if err := s.setServers(s.cfg.Remote); err != nil {
			return err
		}
	}
	s.pace = reconnect.Pacer{First: minBackoff, Max: maxBackoff, Log: s.cfg.Logger}
	failed := 0
	for ctx.Err() == nil {
		e, ok := s.pick()
		if !ok {
			s.wait(ctx, nil)
			continue
		}
		useful, err := s.attempt(ctx, e)
		s.handler.Disconnected(e, err)
		if ctx.Err() != nil {
			break
		}
		if useful {
			s.pace.Reset()
			failed = 0
			continue
		}
		if failed++; failed >= s.remotes() {
			timer := time.NewTimer(s.pace.Pause(e.String()))
			s.wait(ctx, timer.C)
			timer.Stop()
			failed = 0
		}
	}
	return context.Cause(ctx)
}

// SetRemote changes the servers, see SessionConfig.Remote; empty: none. The
// connection stays if its server is still among them.
func (s *Session) SetRemote(remote string) error {
	if err := s.setServers(remote); err != nil {
		return err
	}
	s.mu.Lock()
	conn := s.conn
	keep := slices.Contains(s.servers, s.current)
	s.mu.Unlock()
	if conn != nil && !keep {
		conn.Close(errRemoteChanged)
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

func (s *Session) setServers(remote string) error {
	var servers []Endpoint
	if remote != "" {
		var err error
		if servers, err = ParseRemote(remote); err != nil {
			return err
		}
	}
	// Clients spread over a cluster by chance.
	rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers, s.next = servers, 0
	return nil
}

var errRemoteChanged = errors.New("the remote was changed")

// Reconnect closes the connection, if there is one, because of err.
func (s *Session) Reconnect(err error) {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		conn.Close(err)
	}
}

// SetProbe changes SessionConfig.Probe, also for the connection that is open.
func (s *Session) SetProbe(probe time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Probe = probe
	if s.conn != nil {
		s.conn.SetProbe(probe)
	}
}

// SetTLSFiles changes SessionConfig.TLSFiles for the connections to come.
func (s *Session) SetTLSFiles(files TLSFiles) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.TLSFiles = files
}

func (s *Session) remotes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.servers)
}

// pick returns the server whose turn it is.
func (s *Session) pick() (Endpoint, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.servers) == 0 {
		return Endpoint{}, false
	}
	e := s.servers[s.next%len(s.servers)]
	s.next = (s.next + 1) % len(s.servers)
	return e, true
}

// wait waits for a value, a change of the servers or the end of ctx.
func (s *Session) wait(ctx context.Context, timer <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-s.changed:
	case <-timer:
	}
}

// attempt connects to a server and uses it until that ends. useful: it served
// for a while, so the next attempt need not wait.
func (s *Session) attempt(ctx context.Context, e Endpoint) (useful bool, err error) {
	s.mu.Lock()
	cfg := s.cfg
	s.mu.Unlock()
	name := e.String()
	if cfg.Accept != nil {
		s.pace.Listening(name)
	} else {
		s.pace.Connecting(name)
	}
	nc, err := s.dial(ctx, e, &cfg)
	if err != nil {
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errTLS):
			s.pace.Refused(name, err)
		default:
			s.pace.Failed(name, err)
		}
		return false, err
	}
	if cfg.Accept != nil { // the caller is the server, as dial would name it
		e = Endpoint{strings.TrimPrefix(e.Scheme, "p"), nc.RemoteAddr().String()}
		name = e.String()
	}
	s.pace.Connected(name)
	a := &attempt{Session: s, cfg: cfg, endpoint: e}
	a.conn = NewConn(nc, a, cfg.Probe)
	a.conn.LogMessages(name, cfg.Messages)
	s.setConn(a.conn, e)
	defer s.setConn(nil, Endpoint{})
	a.askServer()
	err = a.conn.Run(ctx)
	switch unfit := new(unfitError); {
	case ctx.Err() != nil:
	case errors.As(err, &unfit):
		cfg.Logger.Info(name + ": " + unfit.why + "; trying another server")
	case errors.Is(err, errRemoteChanged):
		cfg.Logger.Info(name + ": disconnecting: " + err.Error())
	default:
		s.pace.Lost(name, err)
	}
	return !a.since.IsZero() && time.Since(a.since) >= minBackoff, err
}

// setConn notes the connection that SetRemote and Reconnect are about.
func (s *Session) setConn(c *Conn, e Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.current = c, e
	if c != nil && s.cfg.Accept == nil && !slices.Contains(s.servers, e) { // changed while it was dialled
		c.Close(errRemoteChanged)
	}
}

// attempt is one connection of a session.
type attempt struct {
	*Session
	cfg      SessionConfig // as it was then
	endpoint Endpoint
	conn     *Conn
	since    time.Time // when the handler was told, zero before
}

// Ready implements Peer.
func (a *attempt) Ready(ctx context.Context) error { return a.handler.Ready(ctx) }

// Notify implements Peer.
func (a *attempt) Notify(method string, params *Stream) error {
	params.BeginArray()
	if !params.NextItem() {
		return fmt.Errorf("expected a parameter")
	}
	first := plainText(params.Raw())
	if method == "update" && first == serverMonitor {
		return a.serverUpdate(params)
	}
	if a.since.IsZero() {
		return fmt.Errorf("the server speaks before it was asked")
	}
	return a.handler.Notify(method, first, params)
}

// start hands the connection to the handler.
func (a *attempt) start(db *schema.Database) error {
	a.since = time.Now()
	return a.handler.Connected(a.conn, a.endpoint, db)
}
