package ofconn

import (
	"context"
	"sync"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// call is a request, or a series of them with consecutive transaction ids, that
// waits for answers.
type call struct {
	first uint32
	n     uint32 // guarded by Conn.mu

	mu      sync.Mutex
	answers [][]byte // whole messages; guarded by mu
	err     error    // the connection has ended; guarded by mu
	wake    chan struct{}
}

// deliver hands a message, which the call then owns, to the call.
func (k *call) deliver(msg []byte, err error) {
	k.mu.Lock()
	if msg != nil {
		k.answers = append(k.answers, msg)
	}
	if err != nil {
		k.err = err
	}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// next waits for the next answer. What arrived before the connection ended is
// still returned.
func (k *call) next(ctx context.Context) (ofp.Header, any, error) {
	for {
		k.mu.Lock()
		var msg []byte
		if len(k.answers) > 0 {
			msg, k.answers = k.answers[0], k.answers[1:]
		}
		err := k.err
		k.mu.Unlock()
		switch {
		case msg != nil:
			return ofp.Decode(msg)
		case err != nil:
			return ofp.Header{}, nil, err
		}
		select {
		case <-k.wake:
		case <-ctx.Done():
			return ofp.Header{}, nil, context.Cause(ctx)
		}
	}
}

// bundleXID is set in the transaction ids of bundles, which have a number space
// of their own so that those of one bundle are consecutive.
const bundleXID = 1 << 31

// xid returns an unused transaction id.
func (c *Conn) xid() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeXIDs(1)
}

// takeXIDs returns the first of n unused consecutive ids. c.mu is held, or
// nobody else has c yet.
func (c *Conn) takeXIDs(n uint32) uint32 {
	if c.nextXID == 0 || c.nextXID+n >= bundleXID {
		c.nextXID = 1
	}
	first := c.nextXID
	c.nextXID += n
	return first
}

// begin registers a call of n requests; end removes it.
func (c *Conn) begin(n uint32) (*call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	return c.register(c.takeXIDs(n), n), nil
}

// beginBundle registers a call whose requests are added with extend.
func (c *Conn) beginBundle() (*call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	if c.nextBun > bundleXID/2 {
		c.nextBun = 0 // far from the end, so that a bundle is not cut in two
	}
	return c.register(bundleXID|c.nextBun, 0), nil
}

func (c *Conn) register(first, n uint32) *call {
	k := &call{first: first, n: n, wake: make(chan struct{}, 1)}
	c.calls = append(c.calls, k)
	return k
}

// extend gives a bundle's call one more transaction id.
func (c *Conn) extend(k *call) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.n++
	c.nextBun++
	return k.first + k.n - 1
}

func (c *Conn) end(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, o := range c.calls {
		if o == k {
			c.calls[i] = c.calls[len(c.calls)-1]
			c.calls = c.calls[:len(c.calls)-1]
			return
		}
	}
}

// find returns the call that xid belongs to.
func (c *Conn) find(xid uint32) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.calls {
		if xid-k.first < k.n {
			return k
		}
	}
	return nil
}

// fail ends all calls, now and later.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	for _, k := range c.calls {
		k.deliver(nil, err)
	}
}
