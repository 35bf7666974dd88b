package flatten

import (
	"math/bits"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// An evaluation asks what a field of the packet is now by three steps: the state
// says what it is in terms of the packet as the segment got it, the environment
// what that is in terms of the incoming headers, and the cube what is known of
// those. Whatever is used of the environment is noted in reads; the functions here
// that do not note it say so.

var (
	ttlWord = fields.at[ir.IPTTL].word()
	ttlMask = low(8) << fields.at[ir.IPTTL].bit()
)

// known are the bits of m in word w of which the value is known. Nothing is noted.
func (e *evaluation) known(st *state, w int, m uint64) (known, val uint64) {
	known = st.known[w] & m
	val = st.val[w] & known
	rest := m &^ known
	if rest == 0 {
		return known, val
	}
	if st.movedIn>>w&1 != 0 {
		return e.knownMoved(st, w, m)
	}
	k, v := e.knownEntry(st, w, rest)
	return known | k, val | v
}

// knownEntry is known for the packet as the segment got it.
func (e *evaluation) knownEntry(st *state, w int, m uint64) (known, val uint64) {
	known = e.env.known[w] & m
	val = e.env.val[w] & known
	rest := m &^ known
	if w == ttlWord && st.local.ttl+e.env.ttl > 0 {
		rest &^= ttlMask // what is known of the incoming TTL is not this
	}
	if rest == 0 {
		return known, val
	}
	if e.env.movedIn>>w&1 != 0 {
		k, v := e.knownMovedEntry(st, w, rest)
		return known | k, val | v
	}
	k := st.cube.mask[w] & rest
	return known | k, val | st.cube.val[w]&k
}

func (e *evaluation) knownMoved(st *state, w int, m uint64) (known, val uint64) {
	eachRun(&st.bindings, w, m, func(ofs int, r run) {
		switch {
		case r.fixed:
			known |= low(r.n) << ofs
			val |= r.val << ofs
		case r.src < lost:
			k, v := e.knownEntry(st, r.src.word(), low(r.n)<<r.src.bit())
			known |= k >> r.src.bit() << ofs
			val |= v >> r.src.bit() << ofs
		}
	})
	return known & m, val & m
}

func (e *evaluation) knownMovedEntry(st *state, w int, m uint64) (known, val uint64) {
	eachRun(&e.env.bindings, w, m, func(ofs int, r run) {
		switch {
		case r.fixed:
			known |= low(r.n) << ofs
			val |= r.val << ofs
		case r.src < lost:
			k := st.cube.mask[r.src.word()] >> r.src.bit() & low(r.n)
			known |= k << ofs
			val |= st.cube.val[r.src.word()] >> r.src.bit() & k << ofs
		}
	})
	return known & m, val & m
}

// eachRun calls f for the runs that cover the bits m of word w, with the offset of
// the run in the word. Runs may cover more than m, but never a bit twice.
func eachRun(b *bindings, w int, m uint64, f func(ofs int, r run)) {
	for m != 0 {
		ofs := bits.TrailingZeros64(m)
		r := b.runAt(position(w*64+ofs), bits.TrailingZeros64(^(m >> ofs)))
		f(ofs, r)
		m &^= low(r.n) << ofs
	}
}

// note says that the evaluation depends on the bits m of word w.
func (e *evaluation) note(st *state, w int, m uint64) { e.noteBound(&st.bindings, w, m) }

// noteBound is note for what b says of the packet.
func (e *evaluation) noteBound(b *bindings, w int, m uint64) {
	rest := m &^ b.known[w]
	if rest == 0 {
		return
	}
	if b.movedIn>>w&1 == 0 {
		e.noteEntry(w, rest)
		return
	}
	eachRun(b, w, rest, func(_ int, r run) {
		if !r.fixed && r.src < lost {
			e.noteEntry(r.src.word(), low(r.n)<<r.src.bit())
		}
	})
}

// noteEntry is note for the packet as the segment got it.
func (e *evaluation) noteEntry(w int, m uint64) {
	e.reads.bits[w] |= m
	if w == ttlWord && m&ttlMask != 0 {
		e.reads.ttl = true
	}
}

func (e *evaluation) noteSymbol(v symbol) {
	for _, r := range v {
		if !r.fixed && r.src < lost {
			for done := 0; done < r.n; {
				p := r.src + position(done)
				n := min(r.n-done, 64-p.bit())
				e.noteEntry(p.word(), low(n)<<p.bit())
				done += n
			}
		}
	}
}

// resolve turns a value in terms of the environment into one in terms of the
// incoming packet. It is noted. What the cube says is not used: a copy of a header
// stays one.
func (e *evaluation) resolve(v symbol) symbol {
	e.noteSymbol(v)
	return e.env.resolve(v)
}

// resolve is what v, in terms of e, is in terms of the incoming packet.
func (e *environment) resolve(v symbol) symbol {
	var out symbol
	for _, r := range v {
		if r.fixed || r.src >= lost {
			out = append(out, r)
			continue
		}
		for done := 0; done < r.n; {
			p := r.src + position(done)
			o := e.runAt(p, r.n-done)
			if !o.fixed && o.src < lost && fields.of[p] == ir.IPTTL && e.ttl > 0 {
				o.src = lostTTL
			}
			out = append(out, o)
			done += o.n
		}
	}
	return out
}

// value is the value of s; ok is false when it is not known. It is noted.
func (e *evaluation) value(st *state, s ir.Sub) (v ir.Value, ok bool) {
	p, n := place(s), int(s.N)
	for done := 0; done < n; {
		k := min(n-done, 64-p.bit())
		m := low(k) << p.bit()
		e.note(st, p.word(), m)
		known, val := e.known(st, p.word(), m)
		if known != m {
			return ir.Value{}, false
		}
		v = v.Or(ir.V(val >> p.bit()).Shl(done))
		p += position(k)
		done += k
	}
	return v, true
}
