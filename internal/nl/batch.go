package nl

import (
	"context"
	"errors"
	"syscall"
)

// A Batch is a list of requests, for Conn.Do.
type Batch interface {
	// Len is the number of requests.
	Len() int
	// Encode appends the body of request i and returns its message type and flags; FlagRequest and FlagAck are added. If it
	// fails, the request is not sent and Done gets the error.
	Encode(i int, e *Encoder) (typ, flags uint16, err error)
	// Reply gets a message other than the acknowledgement: what was asked for by a GET request or FlagEcho. m is valid during
	// the call. A request that can have replies must have FlagEcho set, by which Do bounds what is in flight.
	Reply(i int, m Message)
	// Done gets the outcome of request i, exactly once for each, before Do returns.
	Done(i int, a Answer)
}

// A request is in flight. Its sequence number follows from its place in Conn.flight.
type request struct {
	index      int
	start, end int // in Conn.out
	done       bool
}

// Do sends the requests in their order, many at a time, and reports the outcome of each; a refused request does not stop those
// behind it. The error says that the exchange broke down (the socket or the context ended); then the outcomes of some requests
// are ErrNoAnswer or ErrNotSent.
func (c *Conn) Do(ctx context.Context, b Batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, failure := 0, ctx.Err()
	if failure == nil {
		release := c.watch(ctx)
		defer release()
	}
	for next < b.Len() && failure == nil {
		next = c.fill(b, next)
		if failure = c.exchange(b); failure == nil {
			failure = ctx.Err()
		}
	}
	for ; next < b.Len(); next++ {
		b.Done(next, Answer{Err: ErrNotSent})
	}
	return why(ctx, failure)
}

// fill encodes requests from next on into a datagram and returns the first that is not in it.
func (c *Conn) fill(b Batch, next int) int {
	c.out.Reset()
	c.flight = c.flight[:0]
	room := 0
	for ; next < b.Len() && len(c.flight) < c.window && c.out.Len() < datagramSize && room < c.room; next++ {
		start := c.out.Len()
		c.out.Raw(HeaderLen)
		typ, flags, err := b.Encode(next, &c.out)
		if err == nil {
			err = c.out.Err()
		}
		if err != nil {
			c.out.truncate(start)
			b.Done(next, Answer{Err: err})
			continue
		}
		c.seq++
		putHeader(c.out.Bytes()[start:], typ, flags|FlagRequest|FlagAck, c.seq)
		c.flight = append(c.flight, request{index: next, start: start, end: c.out.Len()})
		c.out.Raw(align(c.out.Len()) - c.out.Len())
		if room += ackRoom; flags&FlagEcho != 0 {
			room += echoRoom
		}
	}
	return next
}

// exchange sends the datagram and waits for the answers. It fails if the wire does.
func (c *Conn) exchange(b Batch) error {
	if len(c.flight) == 0 {
		return nil
	}
	if err := c.wire.Send(c.out.Bytes()); err != nil {
		c.giveUp(b, err)
		if errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.EMSGSIZE) {
			return nil // nothing of this datagram was carried out; the next may fit
		}
		return err
	}
	wait := true
	for waiting := len(c.flight); waiting > 0; {
		n, err := c.wire.Receive(c.in, wait)
		switch {
		case errors.Is(err, syscall.ENOBUFS):
			// The kernel has answered everything before Send returned: what is not in the buffer now will not come.
			c.overruns.Add(1)
			wait = false
		case errors.Is(err, ErrEmpty):
			c.giveUp(b, ErrNoAnswer)
			return nil
		case err != nil:
			c.giveUp(b, ErrNoAnswer)
			return err
		default:
			answered, err := c.deliver(b, c.in[:n])
			if err != nil {
				c.giveUp(b, ErrNoAnswer)
				return err
			}
			waiting -= answered
		}
	}
	return nil
}

// giveUp ends what is in flight.
func (c *Conn) giveUp(b Batch, err error) {
	for i := range c.flight {
		if r := &c.flight[i]; !r.done {
			r.done = true
			b.Done(r.index, Answer{Err: err})
		}
	}
}

// deliver hands a received datagram to the requests that it answers and returns how many of them are done now.
func (c *Conn) deliver(b Batch, datagram []byte) (answered int, err error) {
	for len(datagram) > 0 {
		var m Message
		if m, datagram, err = NextMessage(datagram); err != nil {
			return answered, err
		}
		// The last request in flight has the number c.seq.
		place := len(c.flight) - 1 - int(int32(c.seq-m.Seq))
		if place < 0 || place >= len(c.flight) || c.flight[place].done {
			c.stale.Add(1)
			continue
		}
		r := &c.flight[place]
		if m.Type != TypeError {
			b.Reply(r.index, m)
			continue
		}
		a, err := parseAnswer(m, c.out.Bytes()[r.start:r.end], HeaderLen+c.bodyHeader)
		if err != nil {
			return answered, err
		}
		r.done = true
		answered++
		b.Done(r.index, a)
	}
	return answered, nil
}
