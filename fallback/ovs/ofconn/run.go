package ofconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/reconnect"
)

// Run reads from the connection until it ends or ctx does, and returns why. It
// closes the connection, PacketIns and Events; requests that wait get the error.
// It is called once.
func (c *Conn) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		c.nc.Close() //nolint:errcheck // wakes the reader, which reports
	})
	defer stop()

	var answering sync.WaitGroup
	answering.Go(c.answerEchoes)
	err := c.read()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	c.nc.Close() //nolint:errcheck // the connection has ended anyway
	c.fail(err)
	close(c.echoes)
	answering.Wait()
	close(c.packets)
	close(c.events)
	return err
}

// read handles messages until one cannot be had.
func (c *Conn) read() error {
	probing := false
	for {
		probe, err := c.arm()
		if err != nil {
			return fmt.Errorf("ofconn: %w", err)
		}
		msg, err := c.peek()
		switch {
		case err == nil:
			probing = false
		case errors.Is(err, os.ErrDeadlineExceeded) && c.probeChanged():
			probing = false
			continue // the silence is measured anew
		case errors.Is(err, os.ErrDeadlineExceeded) && !probing:
			probing = true
			select {
			case c.echoes <- nil:
				continue
			default: // earlier answers could not be written either
				return ErrNoAnswer
			}
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("%w: %w", ErrNoAnswer, &reconnect.NoAnswerError{After: probe})
		default:
			return fmt.Errorf("ofconn: %w", err)
		}
		if err := c.handle(msg); err != nil {
			return err
		}
		c.r.Discard(len(msg)) //nolint:errcheck // cannot fail: it was peeked
	}
}

// peek returns the next whole message without taking it out of the buffer, so
// that a read that times out loses nothing. The message is valid until the
// next read.
func (c *Conn) peek() ([]byte, error) {
	b, err := c.r.Peek(ofp.HeaderLen)
	if err != nil {
		return nil, err
	}
	h, err := ofp.ParseHeader(b)
	if err != nil {
		return nil, err
	}
	return c.r.Peek(int(h.Len))
}

// handle routes one message; msg is not kept.
func (c *Conn) handle(msg []byte) error {
	h, err := ofp.ParseHeader(msg)
	if err != nil {
		return err
	}
	switch h.Type {
	case ofp.TypeEchoRequest:
		// Never block here: the switch may be waiting for us to read.
		select {
		case c.echoes <- append(make([]byte, 0, len(msg)), msg...):
			return nil
		default:
			return fmt.Errorf("ofconn: the switch sends echo requests and does not read the answers")
		}
	case ofp.TypeEchoReply:
		return nil
	}
	msg = bytes.Clone(msg)
	if k := c.find(h.XID); k != nil && answers(h.Type) {
		k.deliver(msg, nil)
		return nil
	}
	_, m, err := ofp.Decode(msg)
	if err != nil {
		m = Undecodable{h.Type, err}
	}
	switch m := m.(type) {
	case *ofp.PacketIn:
		select {
		case c.packets <- m:
		default:
			c.dropped.Add(1)
		}
		return nil
	case *ofp.MultipartReply:
		if m.Type != ofp.MultipartFlowMonitor || h.XID != 0 {
			return nil // as below
		}
	case *ofp.Barrier, *ofp.BundleCtrl, *ofp.TLVTable, *ofp.Features:
		return nil // answers to a request that was given up
	}
	select {
	case c.events <- Event{h.XID, m}:
		return nil
	default:
		return ErrEventsNotRead
	}
}

// answers tells whether messages of type t answer requests. Asynchronous ones
// have transaction id 0 mostly, which no request has, but need not.
func answers(t ofp.MessageType) bool {
	switch t {
	case ofp.TypePacketIn, ofp.TypePortStatus, ofp.TypeFlowRemoved, ofp.TypeRoleStatus, ofp.TypeTableStatus, ofp.TypeRequestForward:
		return false
	}
	return true
}

// answerEchoes writes echo replies, and a probe for nil, outside of the reader.
func (c *Conn) answerEchoes() {
	for req := range c.echoes {
		m := &ofp.Echo{}
		var xid uint32
		if req == nil {
			xid = c.xid()
		} else {
			h, _ := ofp.ParseHeader(req) // it was read by its header
			xid, m = h.XID, &ofp.Echo{Reply: true, Data: req[ofp.HeaderLen:]}
		}
		// An error ends the reads as well, and is reported there.
		c.write(func(b []byte) ([]byte, error) { return m.Append(b, xid) }) //nolint:errcheck
	}
}
