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
// The messages are encoded while the sequence runs; one bundle is sent at a time.
func (c *Conn) Bundle(ctx context.Context, msgs iter.Seq[ofp.Message]) error {
	c.bundles.Lock()
	defer c.bundles.Unlock()
	k, err := c.beginBundle()
	if err != nil {
		return err
	}
	defer c.end(k)

	// Open vSwitch leaves a refused message out of the bundle and would commit
	// the rest, so the commit must wait for the barrier behind the messages.
	barrier, opened, err := c.sendBundle(k, msgs)
	var refused Refused
	if err == nil {
		err = refused.until(ctx, k, barrier)
	}
	if err == nil {
		err = refused.bundle()
	}
	if err != nil {
		if opened {
			c.discard(k.first)
		}
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

// sendBundle writes the opening, the messages and a barrier, whose transaction
// id it returns. opened tells whether anything was written. The bundle's id is
// its first transaction id.
func (c *Conn) sendBundle(k *call, msgs iter.Seq[ofp.Message]) (barrier uint32, opened bool, err error) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	b, err := (&ofp.BundleCtrl{ID: k.first, Type: ofp.BundleOpen, Flags: bundleFlags}).Append(c.wbuf[:0], c.extend(k))
	add := &ofp.BundleAdd{ID: k.first, Flags: bundleFlags}
	for m := range msgs {
		if err != nil {
			return 0, opened, err
		}
		add.Message = m
		b, err = add.Append(b, c.extend(k))
		if err == nil && len(b) >= writeSize {
			opened = true
			err = c.flush(b)
			b = c.wbuf
		}
	}
	if err != nil {
		return 0, opened, err
	}
	barrier = c.extend(k)
	if b, err = (&ofp.Barrier{}).Append(b, barrier); err != nil {
		return 0, opened, err
	}
	return barrier, true, c.flush(b)
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
