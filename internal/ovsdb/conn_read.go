package ovsdb

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
)

// read handles messages until the first error.
func (c *Conn) read(ctx context.Context) error {
	s := NewStream(c)
	for {
		c.busy.Store(c.now())
		c.paused.Store(true)
		if err := c.peer.Ready(ctx); err != nil {
			return err
		}
		c.received.Store(c.now()) // silence while we did not listen is not the server's
		c.paused.Store(false)
		c.busy.Store(0)
		s.Peek()
		c.busy.Store(c.now())
		if err := c.logged(s, c.message); err != nil {
			return err
		}
	}
}

// message is what is known of a message while it arrives.
type message struct {
	method string
	// JSON texts, nil if there is no such member (yet).
	id, err, params, result []byte
	done                    bool // params or result has been consumed
}

// message reads one message. Updates are large, and servers send method and id
// in front of them: then params and result are decoded while they arrive. What
// comes in another order is kept until the end of the message.
func (c *Conn) message(s *Stream) error {
	var m message
	var key []byte
	for s.BeginObject(); s.NextKey(&key); {
		switch string(key) {
		case "method":
			m.method = plainText(s.Raw())
		case "id":
			m.id = bytes.Clone(s.Raw())
		case "error":
			m.err = bytes.Clone(s.Raw())
		case "params":
			if m.method == "" || m.method == "echo" {
				m.params = bytes.Clone(s.Raw())
			} else if err := c.notify(&m, s); err != nil {
				return err
			}
		case "result":
			if call := c.callOf(m.id); call == nil || s.Peek() == 'n' {
				m.result = bytes.Clone(s.Raw())
			} else if err := c.result(&m, call, s); err != nil {
				return err
			}
		default:
			s.Raw()
		}
	}
	if s.Err() != nil {
		return s.Err()
	}
	if m.done {
		return nil
	}
	return c.finish(&m)
}

// finish handles a message that could not be decoded while it arrived.
func (c *Conn) finish(m *message) error {
	if m.method != "" {
		switch {
		case m.params == nil:
			return fmt.Errorf("the server's %q has no params", m.method)
		case m.method == "echo":
			c.echo(m)
			return nil
		}
		return c.notify(m, newTextStream(m.params))
	}
	call := c.callOf(m.id)
	switch {
	case call == nil: // to one of our echo requests
		return nil
	case m.err != nil && string(m.err) != "null":
		c.forget(m.id)
		err := &RPCError{Method: call.method, Text: plainText(m.err)}
		if call.Failed == nil {
			return err
		}
		return call.Failed(err)
	case m.result == nil:
		return fmt.Errorf("the reply to %q has neither result nor error", call.method)
	}
	return c.result(m, call, newTextStream(m.result))
}

// echo answers an echo request.
func (c *Conn) echo(m *message) {
	b := append([]byte(`{"id":`), m.id...)
	if m.id == nil {
		b = append(b, "null"...)
	}
	b = append(b, `,"result":`...)
	b = append(b, m.params...)
	c.send(append(b, `,"error":null}`...))
}

func (c *Conn) notify(m *message, params *Stream) error {
	m.done = true
	if err := c.peer.Notify(m.method, params); err != nil {
		return fmt.Errorf("%s: %w", m.method, err)
	}
	return params.Err()
}

func (c *Conn) result(m *message, call *Call, s *Stream) error {
	m.done = true
	c.forget(m.id)
	if err := call.Result(s); err != nil {
		return fmt.Errorf("reply to %s: %w", call.method, err)
	}
	return s.Err()
}

// callOf returns the call that a reply with this id answers.
func (c *Conn) callOf(id []byte) *Call {
	n, err := strconv.ParseUint(string(id), 10, 64)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[n]
}

func (c *Conn) forget(id []byte) {
	n, _ := strconv.ParseUint(string(id), 10, 64)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, n)
}

// plainText returns a JSON string's text, and other JSON as it is.
func plainText(text []byte) string {
	d := NewDecoder(new(Interner))
	d.Reset(text)
	if s := d.rawString(); d.End() == nil {
		return string(s)
	}
	return string(text)
}
