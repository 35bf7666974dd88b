package ovsrpc

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Monitor starts to mirror columns of a table.
func (c *Client) Monitor(table string, columns ...string) error {
	_, err := c.call(c.update, "monitor", c.db, table, map[string]any{table: map[string]any{"columns": columns}})
	return err
}

// update applies a table-updates object (RFC 7047 section 4.1.6) to the mirrored rows.
func (c *Client) update(raw json.RawMessage) error {
	var tables map[string]map[string]struct{ New Row }
	if err := json.Unmarshal(raw, &tables); err != nil {
		return fmt.Errorf("table updates: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for table, rows := range tables {
		if c.rows[table] == nil {
			c.rows[table] = map[string]Row{}
		}
		for id, r := range rows {
			if r.New == nil {
				delete(c.rows[table], id)
			} else {
				c.rows[table][id] = r.New
			}
		}
	}
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

// Rows returns the mirrored rows of a table by UUID.
func (c *Client) Rows(table string) map[string]Row {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.rows[table])
}

// Await returns when cond holds for the mirrored rows of a table; it is asked again after each change.
func (c *Client) Await(ctx context.Context, timeout time.Duration, what, table string, cond func(map[string]Row) bool) error {
	deadline := time.After(timeout)
	for {
		c.mu.Lock()
		changed, err := c.changed, c.err
		c.mu.Unlock()
		if cond(c.Rows(table)) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		select {
		case <-changed:
		case <-deadline:
			return fmt.Errorf("waiting for %s: not within %s", what, timeout)
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		}
	}
}

// Int reads an integer column; 0 when the row has none.
func (r Row) Int(column string) int {
	var n int
	_ = json.Unmarshal(r[column], &n) // another type is no integer
	return n
}

// Text reads a string column; empty when the row has none.
func (r Row) Text(column string) string {
	var s string
	_ = json.Unmarshal(r[column], &s) // another type is no string
	return s
}

// Bool reads a boolean column; false when the row has none.
func (r Row) Bool(column string) bool {
	var b bool
	_ = json.Unmarshal(r[column], &b) // another type is no boolean
	return b
}
