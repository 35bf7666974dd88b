// Package ovsrpc is a small OVSDB client (RFC 7047) for tests and benchmarks: it writes large configurations in few transactions, and
// watches a few columns to tell to the millisecond when something has taken effect. It shares no code with the product's own client, so
// that the one can be judged by the other.
package ovsrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Client is a connection to one database of a server. Its methods may be used from several goroutines.
type Client struct {
	conn net.Conn
	db   string

	send sync.Mutex // serialises requests
	enc  *json.Encoder

	mu      sync.Mutex
	next    int                       // guarded by mu; id of the next request
	waiting map[int]request           // guarded by mu
	rows    map[string]map[string]Row // guarded by mu; monitored rows by table and UUID
	changed chan struct{}             // guarded by mu; closed and replaced when rows change
	err     error                     // guarded by mu; why the connection ended
}

// Row is a monitored row: the raw JSON of its columns.
type Row map[string]json.RawMessage

type reply struct {
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

// request is one that waits for its reply. The reader hands a good result to apply, when there is one, before it reads on: so the initial
// rows of a monitor cannot overtake the updates that follow them.
type request struct {
	answer chan reply
	apply  func(json.RawMessage) error
}

// Dial connects to the unix socket of a server. Close ends the connection and its reader.
func Dial(ctx context.Context, socket, database string) (*Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	c := &Client{
		conn: conn, db: database, enc: json.NewEncoder(conn), waiting: map[int]request{},
		rows: map[string]map[string]Row{}, changed: make(chan struct{}),
	}
	go c.read()
	return c, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// call sends a request and waits for its reply.
func (c *Client) call(apply func(json.RawMessage) error, method string, params ...any) (json.RawMessage, error) {
	answer := make(chan reply, 1)
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil, c.err
	}
	id := c.next
	c.next++
	c.waiting[id] = request{answer: answer, apply: apply}
	c.mu.Unlock()
	if err := c.write(map[string]any{"id": id, "method": method, "params": params}); err != nil {
		return nil, err
	}
	r, ok := <-answer
	if !ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", method, c.err)
	}
	if r.failed() {
		return nil, fmt.Errorf("%s: %s", method, r.Error)
	}
	return r.Result, nil
}

func (r reply) failed() bool { return len(r.Error) > 0 && string(r.Error) != "null" }

func (c *Client) write(v any) error {
	c.send.Lock()
	defer c.send.Unlock()
	return c.enc.Encode(v)
}

// read handles what the server sends until the connection ends.
func (c *Client) read() {
	dec := json.NewDecoder(c.conn)
	var err error
	for err == nil {
		var m struct {
			reply
			ID     json.RawMessage   `json:"id"`
			Method string            `json:"method"`
			Params []json.RawMessage `json:"params"`
		}
		if err = dec.Decode(&m); err != nil {
			break
		}
		switch {
		case m.Method == "echo":
			err = c.write(map[string]any{"id": m.ID, "result": m.Params, "error": nil})
		case m.Method == "update" && len(m.Params) == 2:
			err = c.update(m.Params[1])
		case m.Method == "":
			err = c.answer(m.ID, m.reply)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = errors.Join(errors.New("the connection to the database ended"), err)
	for _, r := range c.waiting {
		close(r.answer)
	}
	c.waiting = nil
	close(c.changed)
	c.changed = make(chan struct{})
}

// answer hands a reply to the request that waits for it.
func (c *Client) answer(rawID json.RawMessage, r reply) error {
	var id int
	if err := json.Unmarshal(rawID, &id); err != nil {
		return fmt.Errorf("reply with id %s: %w", rawID, err)
	}
	c.mu.Lock()
	request, ok := c.waiting[id]
	delete(c.waiting, id)
	c.mu.Unlock()
	if !ok {
		return fmt.Errorf("reply with id %d, which is no request's", id)
	}
	if request.apply != nil && !r.failed() {
		if err := request.apply(r.Result); err != nil {
			return err
		}
	}
	request.answer <- r
	return nil
}
