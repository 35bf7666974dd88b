package nl

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a Conn. The zero value is right for rtnetlink's route and link requests, except for BodyHeader.
type Options struct {
	// Window is the largest number of requests in one datagram, 0 for 16.
	Window int
	// ReadBuffer is the size of the wire's receive buffer in bytes, 0 for Linux's default of 212992. Answers in flight never
	// need more than half of it.
	ReadBuffer int
	// BodyHeader is the size in bytes of the family's header between the netlink header and the first attribute, such as 20
	// for struct tcmsg. Errors need it to name the attribute at fault.
	BodyHeader int
}

const (
	defaultWindow     = 16
	defaultReadBuffer = 212992
	// datagramSize is from which size on a datagram takes no further request. The kernel refuses more than the send buffer,
	// which is some 200 kB.
	datagramSize = 32 << 10
	// receiveSize: the kernel fills dumps into datagrams of at most 32 kB.
	receiveSize = 64 << 10
	// ackRoom and echoRoom are what an answer takes of the receive buffer, with the kernel's overhead. An acknowledgement
	// repeats no more than the header of the request, and carries a text; an echo carries an object.
	ackRoom  = 2 << 10
	echoRoom = 16 << 10
)

// A Conn sends requests and dumps over a Wire. It is safe for concurrent use; one exchange runs at a time.
type Conn struct {
	wire       Wire
	window     int
	room       int
	bodyHeader int

	mu     sync.Mutex
	seq    uint32    // guarded by mu; of the last message sent
	out    Encoder   // guarded by mu; the datagram under construction
	in     []byte    // guarded by mu
	flight []request // guarded by mu; requests of the datagram, by sequence number

	overruns, stale atomic.Uint64
}

// NewConn makes a connection of a wire. It sends nothing.
func NewConn(wire Wire, o Options) *Conn {
	c := &Conn{wire: wire, window: o.Window, room: o.ReadBuffer, bodyHeader: o.BodyHeader, in: make([]byte, receiveSize)}
	if c.window <= 0 {
		c.window = defaultWindow
	}
	if c.room <= 0 {
		c.room = defaultReadBuffer
	}
	c.room /= 2
	return c
}

// Close closes the wire. An exchange that waits for an answer ends with an error.
func (c *Conn) Close() error { return c.wire.Close() }

// Counters count what went wrong on a connection since it was made.
type Counters struct {
	Overruns uint64 // how often answers were lost because the receive buffer was full
	Stale    uint64 // messages that answered nothing that was asked, such as the rest of a dump that was given up
}

// Counters may be called at any time.
func (c *Conn) Counters() Counters {
	return Counters{Overruns: c.overruns.Load(), Stale: c.stale.Load()}
}

// watch makes the wire's receiving end when the context does. The caller calls release when it has received all.
func (c *Conn) watch(ctx context.Context) (release func()) {
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(fired)
		_ = c.wire.SetDeadline(time.Unix(1, 0)) // it fails only on a closed wire, whose Receive fails as well
	})
	return func() {
		if stop() {
			return
		}
		<-fired
		_ = c.wire.SetDeadline(time.Time{})
	}
}

// why replaces the error of a deadline that watch has set by the context's.
func why(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
