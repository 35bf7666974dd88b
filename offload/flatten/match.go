package flatten

import "github.com/sluice-gw/sluice/controlplane/ir"

// fit says which packets of a state match a rule.
type fit uint8

const (
	never fit = iota
	sometimes
	always
	undecided // it depends on something that cannot be told
)

// fits tells which packets of st match r. What the answer depends on is noted, and
// of a rule that no packet matches only what it fails by.
func (e *evaluation) fits(st *state, r *rule) fit {
	all := e.passes(st, r.asks)
	if all == never {
		return never
	}
	all = worse(all, e.haveAll(st, r.needs))
	for _, dim := range r.dims {
		if all == never {
			return never
		}
		all = worse(all, e.fitsAny(st, dim))
	}
	return all
}

// fitsAny tells which packets pass one of the options.
func (e *evaluation) fitsAny(st *state, dim []option) fit {
	best := never
	for _, o := range dim {
		switch f := worse(e.passes(st, o.asks), e.haveAll(st, o.needs)); f {
		case always:
			return always
		case sometimes, undecided:
			best = max(best, f)
		}
	}
	if best == undecided {
		return undecided
	}
	return best
}

// worse is the fit of both.
func worse(a, b fit) fit {
	switch {
	case a == never || b == never:
		return never
	case a == undecided || b == undecided:
		return undecided
	}
	return min(a, b)
}

// passes tells which packets of st pass all of ls.
func (e *evaluation) passes(st *state, ls []literal) fit {
	all := always
	for i := range ls {
		l := &ls[i]
		k, v := e.known(st, int(l.word), l.mask)
		f := always
		switch {
		case (v^l.val)&k != 0:
			f = never
		case k == l.mask:
		case l.field == ir.IPTTL && e.decremented(st) > 0:
			f = e.ttlFits(st, l)
		case e.isLost(st, int(l.word), l.mask&^k):
			f = undecided
		default:
			f = sometimes
		}
		if f == never {
			e.note(st, int(l.word), l.mask)
			return never
		}
		all = worse(all, f)
	}
	for i := range ls {
		e.note(st, int(ls[i].word), ls[i].mask)
	}
	return all
}

// isLost tells whether some of the bits m of word w, of which the value is not known,
// cannot be told by the incoming packet either.
func (e *evaluation) isLost(st *state, w int, m uint64) bool {
	if (st.movedIn|e.env.movedIn)>>w&1 == 0 {
		return false
	}
	is := false
	eachRun(&st.bindings, w, m, func(ofs int, r run) {
		switch {
		case r.fixed:
		case r.src >= lost || e.copiesTTL(r.src, position(w*64+ofs)):
			is = true
		default:
			eachRun(&e.env.bindings, r.src.word(), low(r.n)<<r.src.bit(), func(_ int, r run) {
				is = is || !r.fixed && r.src >= lost
			})
		}
	})
	return is
}

// copiesTTL tells whether what is at dst was copied from a TTL that is less than the incoming one.
func (e *evaluation) copiesTTL(src, dst position) bool {
	return src != dst && fields.of[src] == ir.IPTTL && e.env.ttl > 0
}

// require calls then with the packets of st that match r, in as many parts as it takes. It owns st.
func (e *evaluation) require(st *state, r *rule, then func(*state)) {
	e.pass(st, r.asks, func(st *state) {
		e.have(st, r.needs, func(st *state) {
			e.choose(st, r.dims, func(st *state) {
				if !st.barred() {
					then(st)
				}
			})
		})
	})
}

// choose calls then with the packets of st that pass an option of every dimension.
func (e *evaluation) choose(st *state, dims [][]option, then func(*state)) {
	if len(dims) == 0 {
		then(st)
		return
	}
	if e.fitsAny(st, dims[0]) == always {
		e.choose(st, dims[1:], then)
		return
	}
	for _, o := range dims[0] {
		e.fork(st, func(c *state) {
			e.pass(c, o.asks, func(c *state) {
				e.have(c, o.needs, func(c *state) { e.choose(c, dims[1:], then) })
			})
		})
	}
}

// pass calls then with the packets of st that pass ls.
func (e *evaluation) pass(st *state, ls []literal, then func(*state)) {
	var headers []ir.Field
	for i := range ls {
		l := &ls[i]
		if l.field == ir.IPTTL && e.decremented(st) > 0 {
			if k, _ := e.known(st, int(l.word), l.mask); k != l.mask {
				e.eachTTL(st, l, func(c *state) { e.pass(c, ls[i+1:], then) })
				return
			}
		}
		if !e.constrain(st, l, &headers) {
			return
		}
	}
	e.bringHeaders(st, headers, then)
}

// constrain keeps the packets of st that pass l. Where that is a condition on a
// copy of a header field, the field is added to headers: the packet had it when it
// was copied.
func (e *evaluation) constrain(st *state, l *literal, headers *[]ir.Field) bool {
	w := int(l.word)
	k, v := e.known(st, w, l.mask)
	if (v^l.val)&k != 0 {
		return false
	}
	m := l.mask &^ k
	if m == 0 {
		return true
	}
	if (st.movedIn|e.env.movedIn)>>w&1 == 0 {
		return st.cube.add(w, l.val, m)
	}
	ok := true
	eachRun(&st.bindings, w, m, func(ofs int, r run) {
		if r.fixed || r.src >= lost || e.copiesTTL(r.src, position(w*64+ofs)) {
			ok = ok && r.fixed
			return
		}
		for done := 0; done < r.n; {
			o := e.env.runAt(r.src+position(done), r.n-done)
			if !o.fixed && o.src < lost {
				want := l.val >> (ofs + done) & low(o.n) << o.src.bit()
				ok = ok && st.cube.add(o.src.word(), want, low(o.n)<<o.src.bit())
				if f := fields.of[o.src]; f != l.field && prerequisites[f] != nil {
					*headers = append(*headers, f)
				}
			} else if !o.fixed {
				ok = false
			}
			done += o.n
		}
	})
	return ok
}

// bringHeaders calls then with the packets of st that came with all of the fields.
func (e *evaluation) bringHeaders(st *state, fs []ir.Field, then func(*state)) {
	for i, f := range fs {
		alts := prerequisites[f]
		if len(alts) == 1 {
			for _, l := range alts[0] {
				if !st.cube.add(int(l.word), l.val, l.mask) {
					return
				}
			}
			continue
		}
		for _, alt := range alts {
			e.fork(st, func(c *state) {
				for _, l := range alt {
					if !c.cube.add(int(l.word), l.val, l.mask) {
						return
					}
				}
				e.bringHeaders(c, fs[i+1:], then)
			})
		}
		return
	}
	then(st)
}

// shadowed tells whether all packets of st that match r match one of the rules before.
func (e *evaluation) shadowed(st *state, before []*rule, r *rule) bool {
	if r.learned {
		return false
	}
	for _, b := range before[:min(len(before), maxShadows)] {
		if len(b.needs)+len(b.dims) > 0 {
			continue
		}
		all := true
		for i := range b.asks {
			l := &b.asks[i]
			k, v := e.known(st, int(l.word), l.mask)
			for j := range r.asks {
				if o := &r.asks[j]; o.word == l.word && o.field == l.field {
					k |= o.mask & l.mask
					v |= o.val & l.mask
				}
			}
			if k != l.mask || v != l.val {
				all = false
				break
			}
		}
		if all {
			return true
		}
	}
	return false
}

// maxShadows bounds how many rules are looked at to find one that shadows another.
const maxShadows = 48
