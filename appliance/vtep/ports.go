package vtep

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-gw/sluice/appliance/vtep/inbound"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/vtepdb"
)

// ports are where switches connect, in one process. A port is open as long as somebody holds it, and all share it.
type ports struct {
	tls tlsconf.Options
	log *slog.Logger

	mu   sync.Mutex
	open map[ovsdb.Passive]*port // guarded by mu
}

type port struct {
	*inbound.Listener
	holders int
	end     context.CancelFunc
	ended   chan struct{}
}

func newPorts(tls tlsconf.Options, log *slog.Logger) *ports {
	return &ports{tls: tls, log: log, open: map[ovsdb.Passive]*port{}}
}

// hold opens a port, unless it is open. What it returns is to be called once, when the port is not needed any more.
func (p *ports) hold(at ovsdb.Passive) (l *inbound.Listener, release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := p.open[at]
	if held == nil {
		ctx, end := context.WithCancel(context.Background())
		held = &port{Listener: inbound.New(inbound.Config{At: at, TLS: p.tls, Log: p.log}), end: end, ended: make(chan struct{})}
		go func() {
			defer close(held.ended)
			held.Run(ctx) // until it is told to end
		}()
		p.open[at] = held
	}
	held.holders++
	return held.Listener, func() { p.release(at, held) }
}

func (p *ports) release(at ovsdb.Passive, held *port) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if held.holders--; held.holders == 0 {
		held.end()
		<-held.ended
		delete(p.open, at)
	}
}

// holdAll holds the ports of all entries that have one.
func (p *ports) holdAll(entries []Entry) (release func()) {
	var releases []func()
	for _, e := range entries {
		if at, err := ovsdb.ParsePassive(e.Target); err == nil {
			_, r := p.hold(at)
			releases = append(releases, r)
		}
	}
	return func() {
		for _, r := range releases {
			r()
		}
	}
}

// states are those of all that are open.
func (p *ports) states(ctx context.Context) []inbound.State {
	p.mu.Lock()
	var all []*port
	for _, held := range p.open {
		all = append(all, held)
	}
	p.mu.Unlock()
	states := []inbound.State{}
	for _, held := range all {
		if s, err := held.State(ctx); err == nil { // else it has been closed meanwhile
			states = append(states, s)
		}
	}
	slices.SortFunc(states, func(a, b inbound.State) int { return strings.Compare(a.Target, b.Target) })
	return states
}

// Codes of problems with switches that connect to us.
const (
	portClosed    = "port-closed"
	otherIdentity = "switch-identity"
	otherSubject  = "switch-certificate"
)

// addInbound adds to a status what there is to know of a switch that connects to us.
func addInbound(ctx context.Context, c *inbound.Claim, s *Status) {
	st, err := c.State(ctx)
	if err != nil {
		return // it has ended, and so has the agent
	}
	addProblem := func(code, subject, text string) {
		s.Problems = append(s.Problems, vtepdb.Problem{Code: code, Subject: subject, Text: text})
	}
	if st.Failure != "" {
		addProblem(portClosed, s.Switch.Remote, st.Failure)
	}
	others := map[inbound.Peer]bool{} // one line for each
	for _, w := range st.Others {
		code, who := otherIdentity, inbound.Peer{Identity: w.Identity}
		if w.RegisteredCertificate != "" {
			code, who.Subject = otherSubject, w.Certificate
		}
		if !others[who] && w.Identity != "" {
			others[who] = true
			addProblem(code, s.Name, w.Text())
		}
	}
	switch {
	case s.Switch.Connected:
	case st.Failure != "":
		s.Switch.Error = st.Failure
	case s.Switch.Since.IsZero() && s.Switch.Error == "":
		s.Switch.Error = "waits for the switch to connect to " + s.Switch.Remote
	default:
		s.Switch.Error = "waits for the switch to connect to " + s.Switch.Remote + " again: " + s.Switch.Error
	}
}
