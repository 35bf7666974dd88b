package punt

import (
	"maps"
	"sync"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Stats is a snapshot of counters since the start, and of what is held now.
type Stats struct {
	Received map[ir.Opcode]uint64 // packet-ins by opcode
	Dropped  map[DropKey]uint64   // packet-ins, or held packets, by opcode and reason
	Sent     uint64               // packet-outs, announcements and advertisements included
	Resumed  uint64
	Learned  uint64 // neighbors and stations given to the store, or waiting to be
	Known    uint64 // neighbors not given to the store: it has them

	Queued          int // packet-ins that wait for their turn
	Held            int // packets that wait for a neighbor
	HeldNeighbors   int // neighbors that packets wait for
	LearningDelayed int
	KnownNeighbors  int
}

// DropKey is what drops are counted by.
type DropKey struct {
	Opcode ir.Opcode
	Reason Reason
}

// counters are the growing part of Stats.
type counters struct {
	mu sync.Mutex
	s  Stats // guarded by mu
}

func newCounters() *counters {
	return &counters{s: Stats{Received: map[ir.Opcode]uint64{}, Dropped: map[DropKey]uint64{}}}
}

func (c *counters) change(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.s)
}

func (c *counters) drop(op ir.Opcode, r Reason, n int) {
	c.change(func(s *Stats) { s.Dropped[DropKey{op, r}] += uint64(n) })
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.s
	s.Received, s.Dropped = maps.Clone(s.Received), maps.Clone(s.Dropped)
	return s
}
