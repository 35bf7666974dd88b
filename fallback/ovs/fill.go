package ovs

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
)

// A bridge that has nothing is filled while the rules are still being computed: its
// part of a cold start takes the switch as long as ours takes us. All goes into one
// bundle, which is committed when the rules are complete.

// openFill opens that bundle; nil when the switch has something, which is to be
// read and compared first, or when the rules are complete already.
func (b *Backend) openFill(ctx context.Context, conn *ofconn.Conn) (*ofconn.OpenBundle, error) {
	if b.want != nil {
		return nil, nil
	}
	tables, err := conn.TableStats(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if t.Flows > 0 {
			return nil, nil
		}
	}
	groups, err := conn.DumpGroupStats(ctx)
	if err != nil {
		return nil, err
	}
	meters, err := conn.DumpMeters(ctx)
	if len(groups)+len(meters) > 0 || err != nil { // an error: a datapath without meters, for adopt to tell
		return nil, nil
	}
	return conn.OpenBundle()
}

// fill adds what has become wanted since the last call.
func (b *Backend) fill(ctx context.Context, conn *ofconn.Conn, bundle *ofconn.OpenBundle) error {
	groups, unusedGroups := b.want.low.groups.take()
	meters, unusedMeters := b.want.low.meters.take()
	if err := b.apply(ctx, conn, append(meters, unusedMeters...)); err != nil {
		return err
	}
	return bundle.Add(messages(groups, b.want.takeTouched(), unusedGroups))
}

// finish puts what the bundle has in force. It tells whether that worked: what the
// switch refuses is found out and left out by adopt. That also does all over again when
// computing took so long that the switch forgot the bundle, or the first part of it.
func (b *Backend) finish(ctx context.Context, conn *ofconn.Conn, bundle *ofconn.OpenBundle) (bool, error) {
	err := bundle.Commit(ctx)
	if refused := new(ofconn.Refused); errors.As(err, &refused) {
		b.cfg.Log.Info("filling the empty integration bridge: " + err.Error())
		return false, nil
	}
	if err != nil {
		return false, err
	}
	b.set(func(s *Status) { s.Added += uint64(len(b.want.flows)) })
	b.cfg.Log.Info(fmt.Sprintf("filled the empty integration bridge: %d flows", len(b.want.flows)))
	if err := b.forget(ctx, conn); err != nil {
		return false, err
	}
	b.acknowledge()
	return true, nil
}
