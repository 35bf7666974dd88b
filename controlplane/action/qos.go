package action

import (
	"math"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// setQueue is "set_queue(N);".
type setQueue struct{ id uint32 }

const maxQueue = 61440 // of a port's QoS (ovn-sb(5), set_queue)

func parseSetQueue(p *parser) node {
	p.force(expr.LParen)
	n := setQueue{uint32(p.uint(math.MaxInt32, "queue number"))}
	if n.id > maxQueue {
		p.errorf("Queue ID %d for set_queue is not in valid range 0 to %d", n.id, maxQueue)
	}
	p.force(expr.RParen)
	return n
}

func (n setQueue) format(b []byte, _ Position) []byte {
	return append(appendUint(append(b, "set_queue("...), uint64(n.id)), ");"...)
}

func (n setQueue) lower(l *lowering) { l.emit(ir.SetQueue{ID: n.id}) }

// setMeter is "set_meter(RATE);" and "set_meter(RATE, BURST);", in kb/s and kb.
type setMeter struct{ rate, burst uint64 }

func parseSetMeter(p *parser) node {
	p.force(expr.LParen)
	n := setMeter{rate: p.uint(math.MaxUint64, "rate in kb/s")}
	if n.rate == 0 {
		p.errorf("rate 0 for set_meter is not valid")
	}
	if p.match(expr.Comma) {
		n.burst = p.uint(math.MaxUint64, "burst in kb")
	}
	p.force(expr.RParen)
	return n
}

func (n setMeter) format(b []byte, _ Position) []byte {
	b = appendUint(append(b, "set_meter("...), n.rate)
	if n.burst != 0 {
		b = appendUint(append(b, ", "...), n.burst)
	}
	return append(b, ");"...)
}

func (n setMeter) lower(l *lowering) { l.emit(ir.Meter{Rate: n.rate, Burst: n.burst}) }

// checkLarger is "R = check_pkt_larger(LEN);".
type checkLarger struct {
	dst    field
	length uint16
}

func parseCheckLarger(p *parser, dst field) node {
	p.check(dst, 1, true)
	p.force(expr.LParen)
	n := checkLarger{dst, p.uint16("packet length")}
	p.force(expr.RParen)
	return n
}

func (n checkLarger) format(b []byte, _ Position) []byte {
	b = append(n.dst.append(b), " = check_pkt_larger("...)
	return append(appendUint(b, uint64(n.length)), ");"...)
}

func (n checkLarger) lower(l *lowering) {
	l.emit(ir.CheckLarger{Dst: n.dst.sub(), Len: n.length})
}
