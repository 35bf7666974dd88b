package ovsdb

import "hash/maphash"

const (
	// internSlots is the number of strings an Interner remembers: 512 KiB of
	// string headers. A Southbound database repeats a few thousand actions,
	// stage names and map keys over its flows.
	internSlots = 1 << 15
	// internMaxLen bounds what a remembered string can keep alive.
	internMaxLen = 1 << 10
)

// Interner gives equal strings one copy in memory. It is a cache of fixed size
// rather than a complete table: nothing has to be pruned when rows go away, and
// a run of strings that occur once cannot push out those that are repeated. Not
// safe for concurrent use. The zero value is ready to use.
type Interner struct {
	seed  maphash.Seed
	slots []string // pairs: the first of a pair was hit most recently
}

// String returns a string equal to b, an earlier copy of it if remembered.
func (in *Interner) String(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > internMaxLen {
		return string(b)
	}
	if in.slots == nil {
		in.seed = maphash.MakeSeed()
		in.slots = make([]string, internSlots)
	}
	pair := in.slots[(maphash.Bytes(in.seed, b)%(internSlots/2))*2:][:2]
	if pair[0] == string(b) {
		return pair[0]
	}
	if pair[1] == string(b) {
		pair[0], pair[1] = pair[1], pair[0]
		return pair[0]
	}
	s := string(b)
	if pair[0] == "" {
		pair[0] = s
	} else {
		pair[1] = s
	}
	return s
}
