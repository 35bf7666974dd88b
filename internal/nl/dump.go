package nl

import (
	"context"
	"errors"
	"iter"
	"syscall"
)

// Dump asks for all objects that a request selects and yields them as they arrive; a message is valid until the next one.
// encode appends the request's body. The last pair has the error, if there was one: a refusal (*Error), ErrInterrupted,
// ErrOverrun, or what broke the exchange. After an error of the last three kinds what was yielded is not all. A dump that the
// context has ended goes on in the kernel, which refuses the next one on this socket (EBUSY): close the connection then.
func (c *Conn) Dump(ctx context.Context, typ uint16, encode func(e *Encoder)) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if err := ctx.Err(); err != nil {
			yield(Message{}, context.Cause(ctx))
			return
		}
		defer c.watch(ctx)()
		d := dump{conn: c, yield: yield}
		err := d.run(typ, encode)
		if err != nil && !d.stopped {
			yield(Message{}, why(ctx, err))
		}
	}
}

type dump struct {
	conn        *Conn
	yield       func(Message, error) bool
	stopped     bool // the consumer wants no more; the rest is read, or the next dump would be refused (EBUSY)
	interrupted bool
	overrun     bool
}

func (d *dump) run(typ uint16, encode func(*Encoder)) error {
	c := d.conn
	c.out.Reset()
	c.out.Raw(HeaderLen)
	encode(&c.out)
	if err := c.out.Err(); err != nil {
		return err
	}
	c.seq++
	putHeader(c.out.Bytes(), typ, FlagRequest|FlagDump, c.seq)
	if err := c.wire.Send(c.out.Bytes()); err != nil {
		return err
	}
	for {
		n, err := c.wire.Receive(c.in, true)
		if errors.Is(err, syscall.ENOBUFS) {
			// The kernel goes on with the dump as the buffer is read, up to its end.
			c.overruns.Add(1)
			d.overrun = true
			continue
		}
		if err != nil {
			return err
		}
		if done, err := d.deliver(c.in[:n]); err != nil || done {
			return d.outcome(err)
		}
	}
}

func (d *dump) outcome(err error) error {
	switch {
	case err != nil:
		return err
	case d.overrun:
		return ErrOverrun
	case d.interrupted:
		return ErrInterrupted
	}
	return nil
}

func (d *dump) deliver(datagram []byte) (done bool, err error) {
	c := d.conn
	for len(datagram) > 0 {
		var m Message
		if m, datagram, err = NextMessage(datagram); err != nil {
			return false, err
		}
		if m.Seq != c.seq {
			c.stale.Add(1)
			continue
		}
		d.interrupted = d.interrupted || m.Flags&FlagDumpIntr != 0
		switch {
		case m.Type == TypeDone && len(m.Body) < 4: // older kernels give no error number
			return true, nil
		case m.Type == TypeDone || m.Type == TypeError:
			a, err := parseAnswer(m, c.out.Bytes(), HeaderLen+c.bodyHeader)
			if err == nil {
				err = a.Err
			}
			return true, err
		case !d.stopped:
			d.stopped = !d.yield(m, nil)
		}
	}
	return false, nil
}
