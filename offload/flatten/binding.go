package flatten

import (
	"math/bits"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// bindings say what the bits of a packet's fields are: constants, copies of other
// bits, or (when nothing is said) themselves. Of what they are copies depends on
// whose bindings these are: an environment speaks of the packet as it comes into
// its segment, a state of the environment.
type bindings struct {
	known, val [words]uint64 // constants
	moved      []piece       // by dst, never overlapping; shared, so never written to
	movedIn    uint64        // words that moved has bits of
}

// piece says that n bits at dst are what was at src. dst is within one word.
type piece struct {
	dst, src position
	n        uint8
}

// Positions from lost on stand for no bit but for values that cannot be told.
const lost position = words * 64

const (
	lostField = lost + iota // a field that connection tracking or a rewrite changed since
	lostTTL                 // a copy of a decremented TTL
	lostTag                 // what was under a VLAN header that was taken off
	numLost   = iota
)

// run is a run of bits within one word that have one origin.
type run struct {
	n     int
	fixed bool     // they are val
	val   uint64   // in the lowest bits
	src   position // else: where they come from
}

// runAt is the longest run from p on, at most n bits.
func (b *bindings) runAt(p position, n int) run {
	w, bit := p.word(), p.bit()
	n = min(n, 64-bit)
	if known := b.known[w] >> bit; known&1 != 0 {
		n = min(n, bits.TrailingZeros64(^known))
		return run{n: n, fixed: true, val: b.val[w] >> bit & low(n)}
	}
	n = min(n, bits.TrailingZeros64(b.known[w]>>bit)) // 64 when there are none
	if b.movedIn>>w&1 != 0 {
		for _, x := range b.moved {
			switch {
			case x.dst > p: // starts behind
				return run{n: min(n, int(x.dst-p)), src: p}
			case x.dst+position(x.n) > p:
				n = min(n, int(x.dst+position(x.n)-p))
				if x.src >= lost {
					return run{n: n, src: x.src}
				}
				src := x.src + (p - x.dst)
				return run{n: min(n, 64-src.bit()), src: src}
			}
		}
	}
	return run{n: n, src: p}
}

// put makes the bits from p on what r says.
func (b *bindings) put(p position, r run) {
	w, bit := p.word(), p.bit()
	m := low(r.n) << bit
	if b.movedIn>>w&1 != 0 {
		b.forget(p, r.n)
	}
	b.known[w] &^= m
	b.val[w] &^= m
	switch {
	case r.fixed:
		b.known[w] |= m
		b.val[w] |= r.val << bit & m
	case r.src != p:
		x := piece{p, r.src, uint8(r.n)}
		i, _ := slices.BinarySearchFunc(b.moved, x, func(a, b piece) int { return int(a.dst) - int(b.dst) })
		b.moved = slices.Insert(slices.Clip(b.moved), i, x)
		b.movedIn |= 1 << w
	}
}

// forget takes n bits from p on out of moved.
func (b *bindings) forget(p position, n int) {
	var kept []piece
	b.movedIn = 0
	end := p + position(n)
	keep := func(x piece, from, to position) {
		if from >= to {
			return
		}
		src := x.src
		if src < lost {
			src += from - x.dst
		}
		kept = append(kept, piece{from, src, uint8(to - from)})
		b.movedIn |= 1 << from.word()
	}
	for _, x := range b.moved {
		xEnd := x.dst + position(x.n)
		if xEnd <= p || x.dst >= end {
			keep(x, x.dst, xEnd)
			continue
		}
		keep(x, x.dst, p)
		keep(x, end, xEnd)
	}
	b.moved = kept
}

// set makes n bits from p on the constant v.
func (b *bindings) set(p position, n int, v ir.Value) {
	for n > 0 {
		k := min(n, 64-p.bit())
		b.put(p, run{n: k, fixed: true, val: v.Lo & low(k)})
		p += position(k)
		n -= k
		v = v.Shr(k)
	}
}

// symbol is a value of up to 128 bits, as runs from its lowest bit upward.
type symbol []run

// get reads n bits from p on.
func (b *bindings) get(p position, n int) symbol {
	var s symbol
	for n > 0 {
		r := b.runAt(p, n)
		s = append(s, r)
		p += position(r.n)
		n -= r.n
	}
	return s
}

// assign writes n bits of s from p on.
func (b *bindings) assign(p position, n int, s symbol) {
	for _, r := range s {
		for r.n > 0 && n > 0 { // a run may straddle two words where it goes
			k := min(r.n, n, 64-p.bit())
			b.put(p, run{n: k, fixed: r.fixed, val: r.val & low(k), src: r.src})
			p += position(k)
			n -= k
			r.n -= k
			r.val >>= uint(k)
			if r.src < lost {
				r.src += position(k)
			}
		}
	}
	if n > 0 { // a shorter value was saved: its upper bits are 0
		b.set(p, n, ir.Value{})
	}
}

// constant is the symbol of a constant.
func constant(v ir.Value, n int) symbol {
	if n <= 64 {
		return symbol{{n: n, fixed: true, val: v.Lo & low(n)}}
	}
	return symbol{{n: 64, fixed: true, val: v.Lo}, {n: n - 64, fixed: true, val: v.Hi & low(n-64)}}
}
