package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// A choice by hash can be had without one: by some bits of ports and addresses, as those
// are different for many connections and the same for all packets of one direction of a
// connection. Every target can match them. So it is done for routes (ECMP), where every
// packet is chosen for. Such a choice makes many paths; what follows it is shared.

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
	st.spread, st.shared = true, true
	last := func(st *state) bool {
		st.enterCopy(o.Buckets[live[len(live)-1]].Ops)
		return true
	}
	by := func(st *state, d digits) bool { return e.bySlot(st, o, d.shares(of, width), last) }
	ip := func(st *state, src, dst ir.Field) bool {
		return e.when(st, prerequisites[ir.TCPSrc], func(st *state, tcp bool) bool {
			if tcp {
				return by(st, portDigits(ir.TCPSrc, ir.TCPDst, dst))
			}
			return e.when(st, prerequisites[ir.UDPSrc], func(st *state, udp bool) bool {
				if udp {
					return by(st, portDigits(ir.UDPSrc, ir.UDPDst, dst))
				}
				return by(st, digits{{ir.Bits(src, 0, 1), ir.Bits(dst, 0, 1)}, {ir.Bits(dst, 1, 1)}, {ir.Bits(src, 1, 1)}})
			})
		})
	}
	return e.when(st, prerequisites[ir.IP4Src], func(st *state, v4 bool) bool {
		if v4 {
			return ip(st, ir.IP4Src, ir.IP4Dst)
		}
		return e.when(st, prerequisites[ir.IP6Src], func(st *state, v6 bool) bool {
			if v6 {
				return ip(st, ir.IP6Src, ir.IP6Dst)
			}
			return last(st)
		})
	})
}

// digits are bits of a slot's number from the lowest one on: each is the exclusive or of
// some bits of the packet.
type digits [spreadWidth][]ir.Sub

// portDigits are those of packets with ports. The lowest bit of a port is left out:
// Linux takes even ports for connections.
func portDigits(src, dst, to ir.Field) digits {
	return digits{{ir.Bits(src, 1, 1), ir.Bits(dst, 1, 1), ir.Bits(to, 0, 1)}, {ir.Bits(src, 2, 1), ir.Bits(dst, 2, 1)}, {ir.Bits(to, 1, 1)}}
}

// share is some packets of a bucket.
type share struct {
	bucket int
	asks   []literal
}

// shares are those of all buckets but the last, to which the rest goes. of has the
// bucket of each slot.
func (d digits) shares(of []int, width int) (shares []share) {
	var bits []ir.Sub
	var digit []int // of each of bits
	for i, list := range d[:width] {
		for _, b := range list {
			bits, digit = append(bits, b), append(digit, i)
		}
	}
	for v := range 1 << len(bits) {
		slot := 0
		for i := range bits {
			slot ^= v >> i & 1 << digit[i]
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
