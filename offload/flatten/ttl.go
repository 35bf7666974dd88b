package flatten

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// The TTL is the one field that operations count with. A state says how often the
// incoming one was decremented; that it was large enough is known then.

// decremented is by how much the TTL of st is less than the incoming one, 0 also
// when it is bound to anything else.
func (e *evaluation) decremented(st *state) uint8 {
	p := fields.at[ir.IPTTL]
	if r := st.runAt(p, 8); r.fixed || r.src != p || r.n != 8 {
		return 0
	}
	if r := e.env.runAt(p, 8); r.fixed || r.src != p || r.n != 8 {
		return st.local.ttl
	}
	return st.local.ttl + e.env.ttl
}

// incomingTTL calls f with each incoming TTL that packets of st can have.
func (e *evaluation) incomingTTL(st *state, f func(ttl uint64)) {
	b := fields.at[ir.IPTTL].bit()
	k, v := st.cube.mask[ttlWord]&ttlMask>>b<<b, st.cube.val[ttlWord]
	for ttl := uint64(e.decremented(st)) + 1; ttl < 256; ttl++ {
		if (ttl<<b^v)&k == 0 {
			f(ttl)
		}
	}
}

func (e *evaluation) ttlFits(st *state, l *literal) fit {
	b := fields.at[ir.IPTTL].bit()
	less := uint64(e.decremented(st))
	some, all := false, true
	e.incomingTTL(st, func(ttl uint64) {
		if ((ttl-less)<<b^l.val)&l.mask == 0 {
			some = true
		} else {
			all = false
		}
	})
	switch {
	case !some:
		return never
	case all:
		return always
	}
	return sometimes
}

// eachTTL calls then with the packets of st that pass l, a test of the decremented TTL.
func (e *evaluation) eachTTL(st *state, l *literal, then func(*state)) {
	b := fields.at[ir.IPTTL].bit()
	less := uint64(e.decremented(st))
	e.incomingTTL(st, func(ttl uint64) {
		if ((ttl-less)<<b^l.val)&l.mask == 0 {
			e.fork(st, func(c *state) {
				if c.cube.add(ttlWord, ttl<<b, ttlMask) {
					then(c)
				}
			})
		}
	})
}

// decTTL follows the packets whose TTL would reach 0, which do not go on in this list
// of operations, and the others.
func (e *evaluation) decTTL(st *state) bool {
	return e.when(st, prerequisites[ir.IPTTL], func(st *state, ip bool) bool {
		if !ip {
			return true
		}
		e.note(st, ttlWord, ttlMask)
		if k, v := e.known(st, ttlWord, ttlMask); k == ttlMask && e.decremented(st) == 0 && e.ttlIsFixed(st) {
			ttl := v >> fields.at[ir.IPTTL].bit()
			if ttl <= 1 {
				st.ops = nil
				return true
			}
			st.set(fields.at[ir.IPTTL], 8, ir.V(ttl-1))
			return true
		}
		if !e.ttlIsIncoming(st) {
			return e.trap(st, Reason{Code: Unsupported, Detail: "decrements a TTL that was copied"})
		}
		return e.countTTL(st)
	})
}

// countTTL is decTTL for the incoming TTL. That it is more than it was decremented by
// is known, so that what may not go on is just one value more.
func (e *evaluation) countTTL(st *state) bool {
	b := fields.at[ir.IPTTL].bit()
	less := uint64(e.decremented(st))
	spent := literal{uint8(ttlWord), ir.IPTTL, (less + 1) << b, ttlMask}
	if less == 0 {
		spent.val, spent.mask = 0, ttlMask&^(1<<b)
	}
	if less >= maxHops {
		return e.trap(st, Reason{Code: Loop, Detail: fmt.Sprintf("more than %d routers", maxHops)})
	}
	c := e.copy(st)
	if c.cube.add(ttlWord, spent.val, spent.mask) {
		if c.cube == st.cube { // the TTL is known
			c.ops = nil
			e.run(c)
			e.states = append(e.states, c)
			return false
		}
		if !c.barred() {
			st.branches++
			c.branches++
			c.ops = nil
			e.run(c)
		}
		st.excluded = append(st.excluded[:len(st.excluded):len(st.excluded)], exclusion{spent})
	}
	e.states = append(e.states, c)
	if st.barred() {
		return false
	}
	st.local.ttl++
	return true
}

func (e *evaluation) ttlIsFixed(st *state) bool {
	r := st.runAt(fields.at[ir.IPTTL], 8)
	if !r.fixed && r.src == fields.at[ir.IPTTL] && r.n == 8 {
		r = e.env.runAt(fields.at[ir.IPTTL], 8)
	}
	return r.fixed && r.n == 8
}

func (e *evaluation) ttlIsIncoming(st *state) bool {
	p := fields.at[ir.IPTTL]
	r, o := st.runAt(p, 8), e.env.runAt(p, 8)
	return !r.fixed && r.src == p && r.n == 8 && !o.fixed && o.src == p && o.n == 8
}

// ttlWritten starts counting again when bits s of the TTL were written. Where a part
// of a decremented TTL stays there is nothing to count from.
func (e *evaluation) ttlWritten(st *state, s ir.Sub) bool {
	e.note(st, ttlWord, ttlMask)
	if !s.Whole() && !e.ttlIsFixed(st) && st.local.ttl+e.env.ttl > 0 {
		return e.trap(st, Reason{Code: Unsupported, Detail: "writes a part of a decremented TTL"})
	}
	st.local.ttl = 0
	return true
}
