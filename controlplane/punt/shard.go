package punt

import (
	"context"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// shard handles the packet-ins of a part of the datapaths, on one goroutine.
type shard struct {
	path  *SlowPath
	queue *queue
	held  *holdings
}

func (sh *shard) run(ctx context.Context) error {
	expiry := newAlarm()
	defer expiry.stop()
	for {
		for ctx.Err() == nil {
			in, ok := sh.queue.pop()
			if !ok {
				break
			}
			sh.handle(in)
		}
		now := time.Now()
		dropped, next := sh.held.expire(now)
		for _, in := range dropped {
			sh.path.counters.drop(in.Opcode, ReasonHoldExpired, 1)
		}
		expiry.set(next, now)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sh.queue.ready:
		case <-sh.held.ready:
			sh.deliver(nil)
		case <-expiry.C:
		}
	}
}

func (sh *shard) handle(in PacketIn) {
	for _, e := range Respond(in) {
		sh.apply(in, e)
	}
}

func (sh *shard) apply(in PacketIn, e Effect) {
	s := sh.path
	switch e := e.(type) {
	case Send:
		s.packetOut(e.PacketOut)
	case Resume:
		s.cfg.Switch.Resume(in, e.Verdict)
		s.counters.change(func(st *Stats) { st.Resumed++ })
	case Hold:
		if r := sh.held.add(in, e.NextHop, time.Now()); r != "" {
			s.drop(in.Opcode, Drop{Reason: r})
		}
	case LearnNeighbor:
		sh.learn(in.Opcode, e)
	case LearnStation:
		due, ok := s.learner.station(e.Station, time.Now())
		sh.learned(in.Opcode, due, ok)
	case BindVirtual:
		s.cfg.Store.BindVirtual(e.VirtualParent)
	case ActivatePort:
		s.cfg.Store.ActivatePort(e.Key)
	case ReportEmptyBackends:
		s.cfg.Store.ReportEmptyBackends(e.EmptyBackends)
	case LogACL:
		s.cfg.ACLLog.Info(e.Line)
	case Note:
		s.notes.Info(e.Text)
	case Drop:
		s.drop(in.Opcode, e)
	}
}

// learn passes on what the database does not have. Packets that wait for the neighbor
// need not wait for the database.
func (sh *shard) learn(op ir.Opcode, e LearnNeighbor) {
	sh.deliver(&e.Neighbor)
	if sh.held.known(e.Neighbor) {
		sh.path.counters.change(func(st *Stats) { st.Known++ })
		return
	}
	due, ok := sh.path.learner.neighbor(e.Neighbor, e.Hurry, time.Now())
	sh.learned(op, due, ok)
}

func (sh *shard) learned(op ir.Opcode, due time.Time, ok bool) {
	if !ok {
		sh.path.drop(op, Drop{Reason: ReasonLearnFull})
		return
	}
	sh.path.counters.change(func(st *Stats) { st.Learned++ })
	if !due.IsZero() {
		sh.path.wakeClockwork()
	}
}

// deliver sends the packets on whose neighbor is known, or is heard.
func (sh *shard) deliver(heard *Neighbor) {
	for _, r := range sh.held.release(heard) {
		r.deliver(sh.path.cfg.Switch)
		sh.path.counters.change(func(st *Stats) {
			if r.Paused {
				st.Resumed++
			} else {
				st.Sent++
			}
		})
	}
}
