package ofconn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// Config is how a connection behaves. The zero value is useful.
type Config struct {
	// ProbeInterval is the silence after which the switch is asked whether it
	// is alive; after as long again without an answer the connection ends. 0: never.
	ProbeInterval time.Duration
	PacketIns     int // length of the queue of packet-ins; 0: 4096
	Events        int // length of the queue of events; 0: 8192
}

// Event is a message that no request waits for: *ofp.PortStatus,
// *ofp.FlowRemoved, *ofp.Error about a message that was given to Send,
// *ofp.MultipartReply with what a flow monitor tells (see Monitor), Undecodable,
// or another type of ofp.Decode.
type Event struct {
	XID     uint32
	Message any
}

// Undecodable is the event of a message that cannot be read: this program does
// not understand the switch. The connection goes on.
type Undecodable struct {
	Type ofp.MessageType
	Err  error
}

var (
	// ErrEventsNotRead ends a connection whose Events nobody reads.
	ErrEventsNotRead = errors.New("ofconn: the queue of events is full: nobody reads it")
	// ErrNoAnswer ends a connection whose switch does not answer a probe.
	ErrNoAnswer = errors.New("ofconn: the switch does not answer")
)

// Conn is a connection to one bridge.
type Conn struct {
	nc      net.Conn
	cfg     Config
	r       *bufio.Reader // Run's, after Dial
	packets chan *ofp.PacketIn
	events  chan Event
	echoes  chan []byte // data of echo requests to be answered
	dropped atomic.Uint64

	pmu     sync.Mutex
	probe   time.Duration // guarded by pmu: Config.ProbeInterval, as SetProbe left it
	armed   bool          // guarded by pmu: reads have a deadline
	changed bool          // guarded by pmu: SetProbe has woken the reader

	wmu  sync.Mutex
	wbuf []byte // guarded by wmu

	bundles sync.Mutex // held by Bundle: one at a time

	mu      sync.Mutex
	calls   []*call // guarded by mu, as the rest
	nextXID uint32
	nextBun uint32
	err     error // why the connection ended
}

// Dial connects to addr, "unix:PATH" or "tcp:HOST:PORT", and agrees on OpenFlow
// 1.5. ctx limits that, not the life of the connection. The caller owns the
// connection: it calls Run, or Close instead.
func Dial(ctx context.Context, addr string, cfg Config) (*Conn, error) {
	network, address, err := splitAddr(addr)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("ofconn: %s: %w", addr, err)
	}
	c, err := New(ctx, nc, cfg)
	if err != nil {
		nc.Close() //nolint:errcheck // the first error is the one to tell
		return nil, fmt.Errorf("ofconn: %s: %w", addr, err)
	}
	return c, nil
}

// New agrees on OpenFlow 1.5 over nc. On an error nc is left open.
func New(ctx context.Context, nc net.Conn, cfg Config) (*Conn, error) {
	if cfg.PacketIns <= 0 {
		cfg.PacketIns = 4096
	}
	if cfg.Events <= 0 {
		cfg.Events = 8192
	}
	c := &Conn{
		nc: nc, cfg: cfg, probe: cfg.ProbeInterval,
		r:       bufio.NewReaderSize(nc, 2*ofp.MaxLen),
		packets: make(chan *ofp.PacketIn, cfg.PacketIns),
		events:  make(chan Event, cfg.Events),
		echoes:  make(chan []byte, 16),
	}
	if err := c.handshake(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// PacketIns is where packet-ins arrive. It is closed when the connection ends.
func (c *Conn) PacketIns() <-chan *ofp.PacketIn { return c.packets }

// Events is where all else arrives that was not asked for. It is closed when
// the connection ends.
func (c *Conn) Events() <-chan Event { return c.events }

// DroppedPacketIns is the number of packet-ins that found their queue full.
func (c *Conn) DroppedPacketIns() uint64 { return c.dropped.Load() }

// Close ends the connection. It is for connections that Run is not called for;
// otherwise cancel Run's context.
func (c *Conn) Close() error { return c.nc.Close() }

// Err is why the connection ended; nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
