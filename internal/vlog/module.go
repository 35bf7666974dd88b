package vlog

import "sync/atomic"

// module is a named source of messages. Its levels are read for every message and written seldom, hence the atomics.
type module struct {
	name      string
	levels    [nDestinations]atomic.Uint32
	unlimited atomic.Bool // rate limits are off (vlog/disable-rate-limit)
}

func (m *module) level(d Destination) Level       { return Level(m.levels[d].Load()) }
func (m *module) setLevel(d Destination, l Level) { m.levels[d].Store(uint32(l)) }
