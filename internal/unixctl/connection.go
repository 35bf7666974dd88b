package unixctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// client is one connection to the server. It has one request in progress at a time.
type client struct {
	server *Server
	conn   net.Conn
	json   bool // set-options --format json
}

func (c *client) serve(ctx context.Context) {
	// A second goroutine reads, so that a client that hangs up ends the request which it was waiting for.
	ctx, cancel := context.WithCancel(ctx)
	requests, gone := make(chan *request), make(chan struct{})
	defer func() { cancel(); <-gone }()
	go func() {
		defer close(gone)
		defer cancel()
		if err := c.read(ctx, requests); err != nil && ctx.Err() == nil {
			c.server.warn.Warn(fmt.Sprintf("%s: %v", c.server.cfg.Path, err))
		}
	}()
	for {
		select {
		case r := <-requests:
			if err := c.send(c.answer(ctx, r)); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// read passes requests on until the connection ends or ctx does. A clean end is no error.
func (c *client) read(ctx context.Context, requests chan<- *request) error {
	stop := context.AfterFunc(ctx, func() { c.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	in := newReader(c.conn, maxRequest)
	for {
		var r request
		if err := in.next(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("received bad JSON-RPC message: %w", err)
		}
		if err := r.check(); err != nil {
			return err
		}
		select {
		case requests <- &r:
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *client) send(r reply) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	// Clients that do not read must not hold up the end of the program.
	if err := c.conn.SetWriteDeadline(time.Now().Add(drain)); err != nil {
		return err
	}
	_, err = c.conn.Write(text)
	return err
}

func (c *client) answer(ctx context.Context, r *request) reply {
	log := c.server.cfg.Log
	log.Debug(fmt.Sprintf("received request %s%s, id=%s", *r.Method, r.Params, r.ID))
	result, err := c.run(ctx, r)
	if err != nil {
		log.Debug(fmt.Sprintf("replying with error, id=%s: %q", r.ID, err))
		return reply{ID: r.ID, Error: c.endLine(err.Error())}
	}
	log.Debug(fmt.Sprintf("replying with success, id=%s", r.ID))
	return reply{ID: r.ID, Result: result}
}

// run finds and runs the command. Its errors are sent to the client as they are; these are the C programs' words.
func (c *client) run(ctx context.Context, r *request) (any, error) {
	cmd := c.server.cfg.Commands.lookup(*r.Method)
	switch {
	case cmd == nil:
		return nil, fmt.Errorf("\"%s\" is not a valid command (use \"list-commands\" to see a list of valid commands)", *r.Method)
	case len(r.Params) < cmd.MinArgs:
		return nil, fmt.Errorf("\"%s\" command requires at least %d arguments", *r.Method, cmd.MinArgs)
	case len(r.Params) > cmd.MaxArgs:
		return nil, fmt.Errorf("\"%s\" command takes at most %d arguments", *r.Method, cmd.MaxArgs)
	}
	args, err := r.args()
	if err != nil {
		return nil, err
	}
	if cmd.Name == setOptions {
		result, err := c.setOptions(args)
		return c.envelope(result), err
	}

	var result any
	work := func() {
		if c.json && cmd.JSON != nil {
			result, err = cmd.JSON(ctx, args)
			return
		}
		var text string
		text, err = cmd.Run(ctx, args)
		result = c.envelope(text)
	}
	if cmd.On == nil {
		work()
	} else if err := cmd.On.Do(ctx, work); err != nil {
		return nil, fmt.Errorf("the program stopped before it came to \"%s\"", *r.Method)
	}
	return result, err
}

// envelope is how a text reaches a client: alone, or in an object if it asked for JSON.
func (c *client) envelope(text string) any {
	if !c.json {
		return c.endLine(text)
	}
	return map[string]string{"reply-format": "plain", "reply": text}
}

// endLine ends a text with a newline, because clients before Open vSwitch 3.5 print what they get as it is. A client that
// asked for JSON is a newer one, which does that itself.
func (c *client) endLine(text string) string {
	if c.json || text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}
