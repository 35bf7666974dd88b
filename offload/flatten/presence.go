package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// haveAll tells which packets of st have all of the fields.
func (e *evaluation) haveAll(st *state, fs []ir.Field) fit {
	all := always
	for _, f := range fs {
		if all = worse(all, e.holds(st, prerequisites[f])); all == never {
			return never
		}
	}
	return all
}

// has tells which packets of st have f.
func (e *evaluation) has(st *state, f ir.Field) fit {
	if prerequisites[f] == nil {
		return always
	}
	return e.holds(st, prerequisites[f])
}

// holds tells for which packets of st one of the alternatives holds.
func (e *evaluation) holds(st *state, alts alternatives) fit {
	best := never
	for _, alt := range alts {
		all := always
		for i := range alt {
			if all = worse(all, e.test(st, &alt[i])); all == never {
				break
			}
		}
		if all == always {
			return always
		}
		best = max(best, all)
	}
	return best
}

// test tells which packets of st pass l.
func (e *evaluation) test(st *state, l *literal) fit {
	e.note(st, int(l.word), l.mask)
	k, v := e.known(st, int(l.word), l.mask)
	switch {
	case (v^l.val)&k != 0:
		return never
	case k == l.mask:
		return always
	case e.isLost(st, int(l.word), l.mask&^k):
		return undecided
	case e.impossible(st, l):
		return never
	}
	return sometimes
}

// impossible tells whether the excluded packets are all that could pass l.
func (e *evaluation) impossible(st *state, l *literal) bool {
	if e.bound(st, l) {
		return false
	}
	return slices.ContainsFunc(st.excluded, func(x exclusion) bool {
		for i := range x {
			same := x[i].word == l.word && x[i].mask&^l.mask == 0 && (x[i].val^l.val)&x[i].mask == 0
			if !same && !st.cube.within(x[i:i+1]) {
				return false
			}
		}
		return true
	})
}

// bound tells whether what l asks for is anything but a field of the incoming packet.
func (e *evaluation) bound(st *state, l *literal) bool {
	is := false
	for _, b := range []*bindings{&st.bindings, &e.env.bindings} {
		eachRun(b, int(l.word), l.mask, func(ofs int, r run) {
			is = is || r.fixed || r.src != position(int(l.word)*64+ofs)
		})
	}
	return is
}

// have calls then with the packets of st that have all of the fields. It owns st.
func (e *evaluation) have(st *state, fs []ir.Field, then func(*state)) {
	if len(fs) == 0 {
		then(st)
		return
	}
	e.split(st, prerequisites[fs[0]], func(c *state, has bool) {
		if has {
			e.have(c, fs[1:], then)
		}
	})
}

// split calls then with the packets of st for which one of the alternatives holds,
// and with the others, each in as many parts as it takes, in an order in which the
// first that has a packet is right. It owns st. None of the alternatives may be
// undecided.
func (e *evaluation) split(st *state, alts alternatives, then func(st *state, holds bool)) {
	if st.barred() {
		return
	}
	for i, alt := range alts {
		open, all := -1, always // open: the first literal that is not decided
		for j := range alt {
			f := e.test(st, &alt[j])
			if all = worse(all, f); f == sometimes && open < 0 {
				open = j
			}
		}
		switch all {
		case always:
			then(st, true)
			return
		case sometimes:
			l := &alt[open]
			e.fork(st, func(c *state) {
				var none []ir.Field
				if e.constrain(c, l, &none) { // not asked again: of a header that was copied from another it would not be seen
					e.split(c, passed(alts[i:], l), then)
				}
			})
			if !e.bound(st, l) {
				st.excluded = append(slices.Clip(st.excluded), exclusion{*l})
			}
			// What is left does not pass l: the part in front has all that does.
			e.split(st, without(alts[i:], l), then)
			return
		}
	}
	then(st, false)
}

// passed are the alternatives for packets that pass l.
func passed(alts alternatives, l *literal) (rest alternatives) {
	for _, alt := range alts {
		rest = append(rest, slices.DeleteFunc(slices.Clone(alt), func(x literal) bool { return x == *l }))
	}
	return rest
}

// without are the alternatives that do not ask for l.
func without(alts alternatives, l *literal) alternatives {
	return slices.DeleteFunc(slices.Clone(alts), func(alt []literal) bool { return slices.Contains(alt, *l) })
}
