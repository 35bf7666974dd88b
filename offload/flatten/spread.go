package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// A choice by hash can be had without one: by bits of both IP addresses, as those are
// different for many packets and the same for all of a connection. Every target can
// match them. So it is done for routes (ECMP), where every packet is chosen for. Linux
// hashes the same by default (fib_multipath_hash_policy 0), Open vSwitch ports as well.

// maxSpread is how many choices are spread at most: in as many slots.
const (
	maxSpread   = 8
	spreadWidth = 3 // bits of a slot's number
)

// spreads tells whether packets are spread over the live buckets of o. They are not
// where the rules say what to hash, where the target must know which ports are up, nor
// over the backends of a load balancer: there only the first packet of a connection is
// chosen for.
func spreads(o *ir.Select, live []int) bool {
	if len(live) > maxSpread || len(o.Fields) > 0 {
		return false
	}
	tracks := false
	for _, i := range live {
		eachOp(o.Buckets[i].Ops, func(op ir.Op, _ []ir.Op) {
			_, is := op.(ir.CT)
			tracks = tracks || is
		})
		tracks = tracks || o.Buckets[i].Watch != 0
	}
	return !tracks
}

// slots gives each of 2^width slots to a bucket of live, by weight, with the number of
// bits that are needed. Every bucket gets one.
func slots(o *ir.Select, live []int) (of []int, width int) {
	total, even := 0, true
	for _, i := range live {
		total += int(o.Buckets[i].Weight)
		even = even && o.Buckets[i].Weight == o.Buckets[live[0]].Weight
	}
	width = spreadWidth
	for w := range spreadWidth {
		if even && len(live) == 1<<w {
			width = w
		}
	}
	n := 1 << width
	got := make([]int, len(live))
	for k := range got {
		got[k] = 1
	}
	for range n - len(live) { // the next slot goes to who has the fewest for its weight
		best := 0
		for k, i := range live {
			// got/weight is compared without dividing.
			if got[k]*int(o.Buckets[live[best]].Weight) < got[best]*int(o.Buckets[i].Weight) {
				best = k
			}
		}
		got[best]++
	}
	for k, i := range live {
		of = append(of, slices.Repeat([]int{i}, got[k])...)
	}
	return of, width
}

// spread follows every bucket with its share of the packets. Those without IP
// addresses go to the last one.
func (e *evaluation) spread(st *state, o *ir.Select, live []int) bool {
	of, width := slots(o, live)
	st.spread = true
	last := func(st *state) bool {
		st.enterCopy(o.Buckets[live[len(live)-1]].Ops)
		return true
	}
	return e.when(st, prerequisites[ir.IP4Src], func(st *state, v4 bool) bool {
		if v4 {
			return e.bySlot(st, o, spreadBy(of, width, ir.IP4Src, ir.IP4Dst), last)
		}
		return e.when(st, prerequisites[ir.IP6Src], func(st *state, v6 bool) bool {
			if v6 {
				return e.bySlot(st, o, spreadBy(of, width, ir.IP6Src, ir.IP6Dst), last)
			}
			return last(st)
		})
	})
}

// share is some packets of a bucket.
type share struct {
	bucket int
	asks   []literal
}

// spreadBy are the shares of all buckets but the last, to which the rest goes. The slot
// of a packet is, from its lowest bit on: the lowest bits of both addresses, one xor the
// other, the next bit of the destination, the next bit of the source.
func spreadBy(of []int, width int, src, dst ir.Field) (shares []share) {
	bits := []ir.Sub{ir.Bits(src, 0, 1), ir.Bits(dst, 0, 1), ir.Bits(dst, 1, 1), ir.Bits(src, 1, 1)}
	if width > 0 {
		bits = bits[:width+1]
	} else {
		bits = nil
	}
	for v := range 1 << len(bits) {
		slot := 0
		if width > 0 {
			slot = (v&1 ^ v>>1&1) | v>>2<<1
		}
		if of[slot] == of[len(of)-1] {
			continue
		}
		s := share{bucket: of[slot]}
		for i, b := range bits {
			s.asks = literals(s.asks, ir.TermOf(b, ir.V(uint64(v>>i&1))))
		}
		shares = append(shares, s)
	}
	return shares
}

// bySlot follows the packets of each share, and the rest by last.
func (e *evaluation) bySlot(st *state, o *ir.Select, shares []share, last func(*state) bool) bool {
	if len(shares) == 0 {
		return last(st)
	}
	return e.when(st, alternatives{shares[0].asks}, func(st *state, holds bool) bool {
		if holds {
			st.enterCopy(o.Buckets[shares[0].bucket].Ops)
			return true
		}
		return e.bySlot(st, o, shares[1:], last)
	})
}
