// Package genl asks one family of generic netlink (linux/genetlink.h) of the kernel: single requests and dumps, with the kernel's
// words when it refuses. It stands at the bottom (layer 0) and knows no family; offload/tc/devlink and offload/tc/ethtool are built
// on it.
//
// The messages are few, so github.com/mdlayher/genetlink carries them, and its attribute decoder reads them: it checks lengths and
// never panics. What must be fast goes through package nl.
package genl

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
)

// ErrNoFamily says that the kernel has no such family: it was built without it, or its module is not loaded.
var ErrNoFamily = errors.New("the kernel has no such family of generic netlink")

// A Conn asks one family. It is safe for concurrent use; one exchange runs at a time.
type Conn struct {
	conn   *genetlink.Conn
	family genetlink.Family
	stop   func() bool
}

// Dial connects to a family in a network namespace: that of a file descriptor, or with 0 that of the calling thread. It fails with
// ErrNoFamily if the kernel does not know it. The caller closes the connection; when ctx ends, exchanges end with an error.
func Dial(ctx context.Context, netns int, family string) (*Conn, error) {
	conn, err := genetlink.Dial(&netlink.Config{NetNS: netns})
	if err != nil {
		return nil, fmt.Errorf("open a socket of generic netlink: %w", err)
	}
	// The texts are wanted, not needed: kernels before 4.12 have none.
	_ = conn.SetOption(netlink.ExtendedAcknowledge, true)
	return New(ctx, conn, family)
}

// New is Dial over a connection that is there, which it takes over.
func New(ctx context.Context, conn *genetlink.Conn, family string) (*Conn, error) {
	c := &Conn{conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	var err error
	if c.family, err = conn.GetFamily(family); err == nil {
		return c, nil
	}
	c.Close()
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", family, ErrNoFamily)
	}
	return nil, fmt.Errorf("ask for the family %s: %w", family, err)
}

// Close ends the connection.
func (c *Conn) Close() {
	c.stop()
	_ = c.conn.Close() // it fails only when it is closed already
}

// Get asks for one object and has read see each answer. body appends the attributes of the request.
func (c *Conn) Get(command uint8, body func(*netlink.AttributeEncoder), read func(*netlink.AttributeDecoder) error) error {
	return c.ask(command, netlink.Request, body, read)
}

// Dump asks for all objects and has read see each. body may be nil.
func (c *Conn) Dump(command uint8, body func(*netlink.AttributeEncoder), read func(*netlink.AttributeDecoder) error) error {
	return c.ask(command, netlink.Request|netlink.Dump, body, read)
}

func (c *Conn) ask(command uint8, flags netlink.HeaderFlags, body func(*netlink.AttributeEncoder), read func(*netlink.AttributeDecoder) error) error {
	request := genetlink.Message{Header: genetlink.Header{Command: command, Version: c.family.Version}}
	if body != nil {
		e := netlink.NewAttributeEncoder()
		body(e)
		var err error
		if request.Data, err = e.Encode(); err != nil {
			return fmt.Errorf("%s: request %d: %w", c.family.Name, command, err)
		}
	}
	answers, err := c.conn.Execute(request, c.family.ID, flags)
	if err != nil {
		return fmt.Errorf("%s: %w", c.family.Name, refusal(err))
	}
	for _, m := range answers {
		if err := Decode(m.Data, read); err != nil {
			return fmt.Errorf("%s: answer to request %d: %w", c.family.Name, command, err)
		}
	}
	return nil
}

// refusal is what the kernel said, without what the library adds to it.
func refusal(err error) error {
	var op *netlink.OpError
	switch {
	case !errors.As(err, &op):
		return err
	case op.Message != "":
		return fmt.Errorf("%w: %s", op.Err, op.Message)
	}
	return op.Err
}

// Decode has read see the attributes of one message. It fails where the message does.
func Decode(message []byte, read func(*netlink.AttributeDecoder) error) error {
	d, err := netlink.NewAttributeDecoder(message)
	if err != nil {
		return err
	}
	if err := read(d); err != nil {
		return err
	}
	return d.Err()
}
