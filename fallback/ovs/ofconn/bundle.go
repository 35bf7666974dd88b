package ofconn

import (
	"context"
	"iter"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// flags of all bundles: executed in order, seen by packets as a whole or not at all.
const bundleFlags = ofp.BundleOrdered | ofp.BundleAtomic

// writeSize is how much of a bundle is encoded before it is written.
const writeSize = 64 << 10

// Bundle executes messages (flow and group changes, packet-outs) in order and
// atomically: all of them or none. When the switch refuses some the error is a
// *Refused whose indexes count from the first message, and nothing has changed.
// Any other error means that the connection ended or a message cannot be
// encoded; in the first case it is unknown whether the bundle was executed.
//
// The messages are encoded while the sequence runs.
func (c *Conn) Bundle(ctx context.Context, msgs iter.Seq[ofp.Message]) error {
	o, err := c.OpenBundle()
	if err != nil {
		return err
	}
	if err := o.Add(msgs); err != nil {
		o.Discard()
		return err
	}
	return o.Commit(ctx)
}

// OpenBundle is a bundle that is filled bit by bit. It ends with Commit or
// Discard; until then no other bundle can be sent. Open vSwitch forgets a bundle to
// which nothing was added for ten seconds (other_config:bundle-idle-timeout).
type OpenBundle struct {
	c      *Conn
	k      *call // its first transaction id is the bundle's id
	opened bool  // the switch has been told
}

// OpenBundle begins a bundle. Nothing is sent before the first messages are.
func (c *Conn) OpenBundle() (*OpenBundle, error) {
	c.bundles.Lock()
	k, err := c.beginBundle()
	if err != nil {
		c.bundles.Unlock()
		return nil, err
	}
	return &OpenBundle{c: c, k: k}, nil
}

// Add writes messages to the bundle. Commit tells what the switch says of them.
// After an error the bundle is to be discarded.
func (o *OpenBundle) Add(msgs iter.Seq[ofp.Message]) error {
	c, k := o.c, o.k
	c.wmu.Lock()
	defer c.wmu.Unlock()
	b, err := c.wbuf[:0], error(nil)
	if !o.opened {
		b, err = o.control(b, ofp.BundleOpen)
	}
	flush := func() error {
		o.opened = true
		err := c.flush(b)
		b = c.wbuf
		return err
	}
	add := &ofp.BundleAdd{ID: k.first, Flags: bundleFlags}
	for m := range msgs {
		if err != nil {
			return err
		}
		add.Message = m
		if b, err = add.Append(b, c.extend(k)); err == nil && len(b) >= writeSize {
			err = flush()
		}
	}
	if err != nil {
		return err
	}
	return flush()
}

// control appends a message about the bundle itself.
func (o *OpenBundle) control(b []byte, t ofp.BundleCtrlType) ([]byte, error) {
	return (&ofp.BundleCtrl{ID: o.k.first, Type: t, Flags: bundleFlags}).Append(b, o.c.extend(o.k))
}

// Commit executes the bundle; for errors see Conn.Bundle.
func (o *OpenBundle) Commit(ctx context.Context) error {
	c, k := o.c, o.k
	defer o.end()
	// Open vSwitch leaves a refused message out of the bundle and would commit
	// the rest, so the commit must wait for the barrier behind the messages.
	if !o.opened {
		if err := o.Add(func(func(ofp.Message) bool) {}); err != nil {
			return err
		}
	}
	barrier := c.extend(k)
	var refused Refused
	err := c.sendFrom(barrier, []ofp.Message{&ofp.Barrier{}})
	if err == nil {
		err = refused.until(ctx, k, barrier)
	}
	if err == nil {
		err = refused.bundle()
	}
	if err != nil {
		c.discard(k.first)
		return err
	}
	commit := c.extend(k)
	if err := c.sendFrom(commit, []ofp.Message{&ofp.BundleCtrl{ID: k.first, Type: ofp.BundleCommit, Flags: bundleFlags}}); err != nil {
		return err
	}
	if err := refused.until(ctx, k, commit); err != nil {
		return err
	}
	return refused.bundle()
}

// Discard ends the bundle without executing anything.
func (o *OpenBundle) Discard() {
	if o.opened {
		o.c.discard(o.k.first)
	}
	o.end()
}

func (o *OpenBundle) end() {
	o.c.end(o.k)
	o.c.bundles.Unlock()
}

// discard makes the switch forget a bundle. It does not wait for the answer,
// which nobody needs; when it cannot be sent the bundle is gone anyway.
func (c *Conn) discard(id uint32) {
	c.Send(&ofp.BundleCtrl{ID: id, Type: ofp.BundleDiscard, Flags: bundleFlags}) //nolint:errcheck
}

// bundle makes r count from the first message instead of from the opening, and
// takes the opening's error for what it is.
func (r *Refused) bundle() error {
	kept := r.Messages[:0]
	for _, m := range r.Messages {
		if m.Index == 0 {
			r.Other = m.Err
			continue
		}
		m.Index--
		kept = append(kept, m)
	}
	r.Messages = kept
	if len(kept) > 0 {
		r.Other = nil // OFPBFC_MSG_FAILED: says that one of them failed
	}
	return r.orNil()
}
