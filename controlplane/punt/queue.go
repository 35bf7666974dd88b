package punt

import (
	"slices"
	"sync"
)

// Bounds of a queue, in packets. They are what OVS's own packet-in queue may bring in
// a burst; more would only be answered late.
const (
	queuePerDatapath = 256
	queueTotal       = 2048
)

// queue holds packet-ins of several datapaths, which take turns. When there is no room
// the oldest packet goes: of the same datapath when that is at its bound, else of the
// datapath that has the most.
type queue struct {
	ready chan struct{} // has a token when something may be there

	mu    sync.Mutex // guards what follows
	lines map[uint32]*line
	turns []*line // lines that are not empty, the next one first
	total int
}

type line struct {
	datapath uint32
	packets  []PacketIn
}

func newQueue() *queue {
	return &queue{ready: make(chan struct{}, 1), lines: map[uint32]*line{}}
}

// push puts in behind the others of its datapath. lost tells whether an older packet
// made room, and which.
func (q *queue) push(in PacketIn) (old PacketIn, lost bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	dp := in.datapath()
	l := q.lines[dp]
	if l == nil {
		l = &line{datapath: dp}
		q.lines[dp] = l
	}
	if len(l.packets) == 0 {
		q.turns = append(q.turns, l)
	}
	l.packets = append(l.packets, in)
	q.total++
	switch {
	case len(l.packets) > queuePerDatapath:
		old, lost = q.shift(l), true
	case q.total > queueTotal:
		old, lost = q.evict(), true
	}
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return old, lost
}

// pop takes the oldest packet of the datapath whose turn it is.
func (q *queue) pop() (in PacketIn, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.turns) == 0 {
		return PacketIn{}, false
	}
	l := q.turns[0]
	in = q.shift(l)
	q.turns = q.turns[1:]
	if len(l.packets) > 0 {
		q.turns = append(q.turns, l)
	} else {
		delete(q.lines, l.datapath)
	}
	return in, true
}

// shift takes the oldest packet of a line. The caller takes care that no empty line
// stays in turns.
func (q *queue) shift(l *line) PacketIn {
	in := l.packets[0]
	l.packets[0] = PacketIn{}
	l.packets = l.packets[1:]
	q.total--
	return in
}

// evict takes the oldest packet of the longest line.
func (q *queue) evict() PacketIn {
	longest := 0
	for i, l := range q.turns {
		if len(l.packets) > len(q.turns[longest].packets) {
			longest = i
		}
	}
	l := q.turns[longest]
	in := q.shift(l)
	if len(l.packets) == 0 {
		q.turns = slices.Delete(q.turns, longest, longest+1)
		delete(q.lines, l.datapath)
	}
	return in
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}
