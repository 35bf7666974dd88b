package ofconn

import (
	"context"
	"fmt"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// write encodes with f and writes what it appends.
func (c *Conn) write(f func([]byte) ([]byte, error)) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	b, err := f(c.wbuf[:0])
	if err != nil {
		return err
	}
	return c.flush(b)
}

// flush writes b and keeps its memory. c.wmu is held.
func (c *Conn) flush(b []byte) error {
	c.wbuf = b[:0]
	if _, err := c.nc.Write(b); err != nil {
		if ended := c.Err(); ended != nil {
			return ended
		}
		return fmt.Errorf("ofconn: %w", err)
	}
	return nil
}

// Send sends messages and does not wait for anything. An error that the switch
// sends about one of them arrives in Events; first is the transaction id of the
// first message, the others follow it.
func (c *Conn) Send(msgs ...ofp.Message) (first uint32, err error) {
	c.mu.Lock()
	first, err = c.takeXIDs(uint32(len(msgs))), c.err
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return first, c.sendFrom(first, msgs)
}

func (c *Conn) sendFrom(first uint32, msgs []ofp.Message) error {
	return c.write(func(b []byte) (_ []byte, err error) {
		for i, m := range msgs {
			if b, err = m.Append(b, first+uint32(i)); err != nil {
				return nil, err
			}
		}
		return b, nil
	})
}

// Do sends one request and returns its answer, or the switch's *ofp.Error.
func (c *Conn) Do(ctx context.Context, req ofp.Message) (any, error) {
	k, err := c.begin(1)
	if err != nil {
		return nil, err
	}
	defer c.end(k)
	if err := c.sendFrom(k.first, []ofp.Message{req}); err != nil {
		return nil, err
	}
	_, m, err := k.next(ctx)
	if err != nil {
		return nil, err
	}
	if e, ok := m.(*ofp.Error); ok {
		return nil, e
	}
	return m, nil
}

// Barrier waits until the switch has finished all that was sent before.
func (c *Conn) Barrier(ctx context.Context) error {
	_, err := c.Do(ctx, &ofp.Barrier{})
	return err
}

// Apply sends messages that have no answer (flow, group, meter and TLV table
// changes, packet-outs) and waits until the switch has executed them. Each is
// executed or refused by itself: the error is a *Refused that names those refused.
func (c *Conn) Apply(ctx context.Context, msgs ...ofp.Message) error {
	k, err := c.begin(uint32(len(msgs)) + 1)
	if err != nil {
		return err
	}
	defer c.end(k)
	barrier := k.first + uint32(len(msgs))
	err = c.sendFrom(k.first, append(msgs[:len(msgs):len(msgs)], &ofp.Barrier{}))
	if err != nil {
		return err
	}
	var refused Refused
	if err := refused.until(ctx, k, barrier); err != nil {
		return err
	}
	return refused.orNil()
}
