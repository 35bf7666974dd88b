package ovs

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// reading is a question for the statistics of flows.
type reading struct {
	stages []ir.Stage // nil: all
	see    func(ir.RuleID, *ofp.Stats)
	done   chan error // gets one value
}

// Counters are the packets that the flow of each rule has matched since the switch has it. Rules with one flow have the same;
// of a conjunctive match it is the flow behind all clauses. All flows are read, so nothing is sent meanwhile: ask seldom. It waits
// for a connection until ctx ends.
func (b *Backend) Counters(ctx context.Context) (map[ir.RuleID]uint64, error) {
	packets := map[ir.RuleID]uint64{}
	err := b.read(ctx, nil, func(rule ir.RuleID, s *ofp.Stats) { packets[rule] = s.Packets })
	if err != nil {
		return nil, err
	}
	return packets, nil
}

// Idle is how long ago the flow of each rule of some stages has matched its last packet, to the second. Rules whose flow never
// matched any are left out. Only the tables of these stages are read; otherwise it is as Counters.
func (b *Backend) Idle(ctx context.Context, stages ...ir.Stage) (map[ir.RuleID]time.Duration, error) {
	idle := map[ir.RuleID]time.Duration{}
	err := b.read(ctx, stages, func(rule ir.RuleID, s *ofp.Stats) {
		if s.Packets > 0 {
			idle[rule] = time.Duration(s.IdleSec) * time.Second
		}
	})
	if err != nil {
		return nil, err
	}
	return idle, nil
}

// read has see called for each rule of stages, on the goroutine of Run. After an error see may go on being called.
func (b *Backend) read(ctx context.Context, stages []ir.Stage, see func(ir.RuleID, *ofp.Stats)) error {
	r := reading{stages, see, make(chan error, 1)}
	select {
	case b.readings <- r:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errNoRules = errors.New("the switch has not been told of any rules yet")

// answer reads what is asked for. It returns an error of the connection.
func (b *Backend) answer(ctx context.Context, conn *ofconn.Conn, r reading) error {
	tables, err := b.tablesOf(r.stages)
	if err != nil {
		r.done <- err
		return nil
	}
	for _, t := range tables {
		for f, err := range conn.DumpFlows(ctx, &ofp.FlowStatsRequest{Table: t}) {
			if err != nil {
				r.done <- err
				return err
			}
			b.tell(f, r.see)
		}
	}
	r.done <- nil
	return nil
}

// tablesOf are the tables of stages; nil: all, as one.
func (b *Backend) tablesOf(stages []ir.Stage) ([]uint8, error) {
	switch {
	case b.want == nil:
		return nil, errNoRules
	case stages == nil:
		return []uint8{ofp.AllTables}, nil
	}
	tables := make([]uint8, len(stages))
	for i, s := range stages {
		var err error
		if tables[i], err = b.want.low.profile.Table(s); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

// tell calls see for the rules of a flow.
func (b *Backend) tell(f *ofp.Flow, see func(ir.RuleID, *ofp.Stats)) {
	x := b.want.find(f)
	if x == nil || x.gone || f.Stats.Packets == math.MaxUint64 { // not kept
		return
	}
	for _, c := range x.claims() {
		if !c.conj {
			see(c.rule, &f.Stats)
		}
	}
}
