package ovsdb

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one JSON-RPC connection (RFC 7047, section 4). It answers the
// server's echo requests and checks that the server is alive.
//
// Run reads; the functions that Call and the Peer give it run on its goroutine.
// All other methods are safe from any goroutine and do not block.
type Conn struct {
	nc    net.Conn
	peer  Peer
	probe atomic.Int64    // nanoseconds, as SessionConfig.Probe
	open  context.Context // ends with the connection; its cause says why
	close context.CancelCauseFunc
	name  string       // as log knows the server
	log   *slog.Logger // of messages; nil: none

	// Times in nanoseconds since start, for the keeper.
	start    time.Time
	received atomic.Int64
	sent     atomic.Int64
	busy     atomic.Int64 // when the reader began what it is doing, 0: it waits
	paused   atomic.Bool  // the reader waits for Peer.Ready

	wake chan struct{} // out is not empty; capacity 1
	mu   sync.Mutex
	// Guarded by mu.
	out    []byte // messages to write
	nextID uint64
	calls  map[uint64]*Call
}

// Peer is the client's side of a Conn.
type Peer interface {
	// Ready waits until the peer can take another message. While it waits the
	// server's echo requests are not read; the Conn sends echo requests of its
	// own instead, which count as a sign of life too.
	Ready(ctx context.Context) error
	// Notify handles a notification. It consumes params, one array, as it
	// arrives. An error closes the connection.
	Notify(method string, params *Stream) error
}

// Call is a request that waits for its reply. One of the functions is called,
// unless the connection ends first.
type Call struct {
	// Result consumes the result, one value, as it arrives. An error closes
	// the connection.
	Result func(*Stream) error
	// Failed gets the server's error. nil: it closes the connection.
	Failed func(*RPCError) error

	method string
}

// RPCError is an error reply.
type RPCError struct {
	Method string // of the request
	Text   string // the server's words; JSON, unless it was a string
}

func (e *RPCError) Error() string { return e.Method + ": the server answers: " + e.Text }

// maxOut is how much may wait to be written. A server that takes requests this
// slowly is taken for broken.
const maxOut = 64 << 20

// NewConn returns a connection over nc, which it owns from now on. probe is as
// in SessionConfig.
func NewConn(nc net.Conn, peer Peer, probe time.Duration) *Conn {
	open, closer := context.WithCancelCause(context.Background())
	c := &Conn{
		open:  open,
		close: closer,
		nc:    nc,
		peer:  peer,
		start: time.Now(),
		wake:  make(chan struct{}, 1),
		calls: make(map[uint64]*Call),
	}
	c.SetProbe(probe)
	return c
}

// SetProbe changes the probe interval, see SessionConfig.
func (c *Conn) SetProbe(probe time.Duration) { c.probe.Store(int64(probe)) }

// Run reads until the connection fails, is closed, or ctx ends. It returns why
// and leaves nothing running.
func (c *Conn) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { c.Close(context.Cause(ctx)) })
	defer stop()
	var group sync.WaitGroup
	group.Go(func() { c.Close(c.write(c.open)) })
	group.Go(func() { c.Close(c.keep(c.open)) })
	c.Close(c.read(c.open))
	group.Wait()
	return context.Cause(c.open)
}

// Close closes the connection because of err.
func (c *Conn) Close(err error) {
	c.close(err) // only the first cause counts
	c.nc.Close()
}

// Call sends a request. params is a JSON array.
func (c *Conn) Call(method string, params []byte, call *Call) {
	c.mu.Lock()
	c.nextID++
	id := c.nextID
	call.method = method
	c.calls[id] = call
	start := len(c.out)
	b := append(c.out, `{"id":`...)
	b = strconv.AppendUint(b, id, 10)
	b = append(b, `,"method":`...)
	b = AppendString(b, method)
	b = append(b, `,"params":`...)
	b = append(b, params...)
	c.out = append(b, '}')
	if c.chatty() {
		c.logSent(c.out[start:])
	}
	c.queued()
}

// send queues a whole message.
func (c *Conn) send(message []byte) {
	c.mu.Lock()
	c.out = append(c.out, message...)
	if c.chatty() {
		c.logSent(message)
	}
	c.queued()
}

// queued ends the critical section in which a message was appended to out.
func (c *Conn) queued() {
	n := len(c.out)
	c.mu.Unlock()
	if n > maxOut {
		c.Close(fmt.Errorf("the server has not taken %d bytes of requests", n))
	}
	c.signal()
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// take returns what there is to write.
func (c *Conn) take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.out
	c.out = nil
	return out
}

// write sends queued messages, those that gather meanwhile in one piece.
func (c *Conn) write(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.wake:
		}
		if _, err := c.nc.Write(c.take()); err != nil {
			return err
		}
		c.sent.Store(c.now())
	}
}

// now returns nanoseconds since start, never 0.
func (c *Conn) now() int64 { return int64(time.Since(c.start)) + 1 }

// Read lets the Stream read from the connection while it notes the time.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.nc.Read(b)
	if n > 0 {
		c.received.Store(c.now())
	}
	return n, err
}
