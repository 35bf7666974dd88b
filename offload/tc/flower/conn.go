package flower

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A Conn is a connection to traffic control in one network namespace. It is safe for concurrent use; one Apply, Get or dump
// runs at a time. Several connections work in parallel, as far as the kernel does.
type Conn struct{ nl *nl.Conn }

// Config says how Dial connects. The zero value is right in the process's own network namespace.
type Config struct {
	NetNS int // file descriptor of a network namespace, 0 for the calling thread's
	// ReadBuffer is the size in bytes of the socket's receive buffer, 0 for the system's default.
	ReadBuffer int
}

// Dial opens a connection, which the caller closes. Changes need CAP_NET_ADMIN in the network namespace.
func Dial(cfg Config) (*Conn, error) {
	socket, err := nl.Dial(nl.SocketConfig{Family: unix.NETLINK_ROUTE, NetNS: cfg.NetNS, ReadBuffer: cfg.ReadBuffer})
	if err != nil {
		return nil, err
	}
	return NewConn(socket, socket.ReadBuffer()), nil
}

// NewConn makes a connection of a wire whose receive buffer has so many bytes, 0 for Linux's default.
func NewConn(wire nl.Wire, readBuffer int) *Conn {
	return &Conn{nl.NewConn(wire, nl.Options{ReadBuffer: readBuffer, BodyHeader: tcmsgSize})}
}

// Close ends the connection, and what waits on it.
func (c *Conn) Close() error { return c.nl.Close() }

// Counters count lost and stray messages.
func (c *Conn) Counters() nl.Counters { return c.nl.Counters() }

// An Outcome is how a request ended.
type Outcome struct {
	Err error // an *Error, or nil
	// Warning is what the kernel or a driver said although it took the request, such as why a filter is only in software.
	Warning string
}

// Apply sends requests in their order, many at a time, and returns the outcome of each: a request that fails stops none behind
// it. The error says that the connection broke down or the context ended; then some outcomes are nl.ErrNoAnswer (carried out or
// not, nobody knows: dump) or nl.ErrNotSent.
func (c *Conn) Apply(ctx context.Context, requests []Request) ([]Outcome, error) {
	b := batch{requests: requests, outcomes: make([]Outcome, len(requests))}
	err := c.nl.Do(ctx, &b)
	return b.outcomes, err
}

type batch struct {
	requests []Request
	outcomes []Outcome
}

func (b *batch) Len() int { return len(b.requests) }

func (b *batch) Encode(i int, e *nl.Encoder) (typ, flags uint16, err error) {
	return b.requests[i].encode(e)
}

func (b *batch) Reply(int, nl.Message) {}

func (b *batch) Done(i int, a nl.Answer) {
	b.outcomes[i].Warning = a.Warning
	if a.Err != nil {
		b.outcomes[i].Err = &Error{b.requests[i], a.Err}
	}
}

// Get reads one filter, which needs priority and handle. It fails with ENOENT if it is not there.
func (c *Conn) Get(ctx context.Context, k Key) (Installed, error) {
	g := get{request: Request{verb: "get filter", typ: rtmGetFilter, key: k}}
	if err := c.nl.Do(ctx, &g); err != nil && g.err == nil {
		g.err = err
	}
	if g.err == nil && !g.found {
		g.err = errors.New("the kernel answered without a filter")
	}
	if g.err != nil {
		return Installed{}, &Error{g.request, g.err}
	}
	return g.in, nil
}

// get is a batch of one request.
type get struct {
	request Request
	in      Installed
	found   bool
	err     error
}

func (g *get) Len() int { return 1 }

func (g *get) Encode(_ int, e *nl.Encoder) (typ, flags uint16, err error) {
	if g.request.key.Handle == 0 || g.request.key.Prio == 0 {
		return 0, 0, invalid(g.request.verb, "needs priority and handle")
	}
	g.request.key.putHeader(e)
	e.String(tcaKind, kindFlower)
	return rtmGetFilter, nl.FlagEcho, nil
}

func (g *get) Reply(_ int, m nl.Message) {
	if m.Type == rtmNewFilter && !g.found {
		g.in, g.found, g.err = Decode(m.Body)
	}
}

func (g *get) Done(_ int, a nl.Answer) {
	if a.Err != nil {
		g.err = a.Err
	}
}
