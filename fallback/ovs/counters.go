package ovs

import (
	"context"
	"errors"
	"math"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// counted is an answer to Counters.
type counted struct {
	packets map[ir.RuleID]uint64
	err     error
}

// Counters are the packets that the flow of each rule has matched since the switch has it. Rules with one flow have the same;
// of a conjunctive match it is the flow behind all clauses. All flows are read, so nothing is sent meanwhile: ask seldom. It waits
// for a connection until ctx ends.
func (b *Backend) Counters(ctx context.Context) (map[ir.RuleID]uint64, error) {
	reply := make(chan counted, 1)
	select {
	case b.asks <- reply:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case c := <-reply:
		return c.packets, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

var errNoRules = errors.New("the switch has not been told of any rules yet")

// counters reads them. An error of the connection is in both.
func (b *Backend) counters(ctx context.Context, conn *ofconn.Conn) (counted, error) {
	if b.want == nil {
		return counted{err: errNoRules}, nil
	}
	packets := make(map[ir.RuleID]uint64, len(b.want.rules))
	for f, err := range conn.DumpFlows(ctx, &ofp.FlowStatsRequest{Table: ofp.AllTables}) {
		if err != nil {
			return counted{err: err}, err
		}
		if f.Stats.Packets == math.MaxUint64 { // not kept
			continue
		}
		x := b.want.find(f)
		if x == nil || x.gone {
			continue
		}
		for _, c := range x.claims() {
			if !c.conj {
				packets[c.rule] = f.Stats.Packets
			}
		}
	}
	return counted{packets: packets}, nil
}
