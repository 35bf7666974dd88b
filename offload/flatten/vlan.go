package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

const vlanPresent = 1 << 12 // bit of VLANTCI

var tciAt = fields.at[ir.VLANTCI]

// tagsOf is what happened to the VLAN headers so far. It is noted.
func (e *evaluation) tagsOf(st *state) *tags {
	if st.local.tags != nil {
		return st.local.tags
	}
	e.reads.tags = true
	t := &tags{}
	if e.env.tags != nil {
		t.popped = e.env.tags.popped
		for _, x := range e.env.tags.pushed {
			t.pushed = append(t.pushed, tag{x.tpid, e.adopt(x.below)})
		}
	}
	return t
}

func (e *evaluation) pushVLAN(st *state, tpid uint16) bool {
	t := e.tagsOf(st)
	st.local.tags = &tags{t.popped, append(slices.Clip(t.pushed), tag{tpid, st.get(tciAt, 16)})}
	st.set(tciAt, 16, ir.V(vlanPresent))
	return true
}

// popVLAN follows the packets that have a VLAN header and those that have none.
func (e *evaluation) popVLAN(st *state) bool {
	present := literals(nil, ir.Masked(ir.VLANTCI, vlanPresent, vlanPresent))[0]
	switch e.test(st, &present) {
	case never:
		return true
	case undecided:
		return e.innerTag(st, func(st *state) bool { return e.popVLAN(st) })
	case sometimes:
		return e.when(st, alternatives{{present}}, func(st *state, has bool) bool {
			if has {
				return e.takeTag(st)
			}
			return true
		})
	}
	return e.takeTag(st)
}

// takeTag takes the outermost VLAN header off. False: all packets of st were seen to.
func (e *evaluation) takeTag(st *state) bool {
	if e.ranksOnly(st) {
		if at, ok := st.resume(); ok {
			e.shed(st, at)
			return false
		}
	}
	t := e.tagsOf(st)
	if n := len(t.pushed); n > 0 {
		st.local.tags = &tags{t.popped, t.pushed[:n-1]}
		st.assign(tciAt, 16, t.pushed[n-1].below)
		return true
	}
	st.local.tags = &tags{t.popped + 1, nil}
	st.put(tciAt, run{n: 16, src: lostTag})
	return true
}

// ranksOnly tells whether the packets of an ingress have a VLAN header with a priority only, which says of no VLAN, and the segment can end there: few
// packets have one. Without it they are like those that came without it, and go the same ways from the next segment on.
func (e *evaluation) ranksOnly(st *state) bool {
	if !e.root || !e.Handover || e.Cut <= 0 || st.effects != nil || st.jump != nil || st.local.tags != nil {
		return false
	}
	w, ofs := tciAt.word(), tciAt.bit()
	const vid = 0xfff
	return st.known[w]>>ofs&0xffff == 0 && st.movedIn>>w&1 == 0 && st.cube.mask[w]>>ofs&vid == vid && st.cube.val[w]>>ofs&vid == 0
}

// shed ends the segment where the VLAN header is taken off.
func (e *evaluation) shed(st *state, at resume) {
	st.jump = e.pend(st, nil, Rewrite{PopVLAN: 1}, at, false)
	st.ops, st.frame = nil, nil
	e.finish(st)
}

// innerTag goes on with the packets that have no VLAN header under those that were
// taken off, for something depends on it; the others stay in the fallback.
func (e *evaluation) innerTag(st *state, f func(*state) bool) bool {
	if !e.CanTags {
		return e.trap(st, Reason{Code: Tags})
	}
	st.branches++
	more := Condition{Kind: MoreTags, N: uint16(e.tagsOf(st).popped)}
	e.fork(st, func(c *state) {
		c.conds = &condNode{more, c.conds}
		e.trap(c, Reason{Code: Tags})
	})
	more.Not = true
	st.conds = &condNode{more, st.conds}
	st.set(tciAt, 16, ir.Value{})
	return f(st)
}

// tagLost tells whether the VLAN header of st is one that was under another, which
// nothing is known about. It is noted.
func (e *evaluation) tagLost(st *state) bool {
	e.note(st, tciAt.word(), low(16)<<tciAt.bit())
	return e.isLost(st, tciAt.word(), low(16)<<tciAt.bit())
}

// askTag tells whether some packets of st match one of the rules or not, depending on
// a VLAN header that nothing is known about.
func (e *evaluation) askTag(st *state, rules []*rule) bool {
	ask := false
	for _, r := range rules {
		switch e.fits(st, r) {
		case always: // the rules behind it are not asked, nor may they be noted
			return ask
		case undecided:
			if slices.ContainsFunc(r.asks, func(l literal) bool { return l.field == ir.VLANTCI }) {
				e.followed[r] = struct{}{}
				ask = true
			}
		}
	}
	return ask
}

// keepsTag tells whether writing v to s of the tag leaves it a header or none.
func (e *evaluation) keepsTag(st *state, s ir.Sub, v symbol) bool {
	bit := 12 - int(s.Ofs)
	if bit < 0 || bit >= int(s.N) {
		return !e.tagLost(st)
	}
	on := false
	for _, r := range v {
		if bit < r.n {
			on = r.fixed && r.val>>bit&1 != 0
			break
		}
		bit -= r.n
	}
	present := literals(nil, ir.Masked(ir.VLANTCI, vlanPresent, vlanPresent))[0]
	return on && e.test(st, &present) == always
}

// grown is by how many bytes st is longer than the packet that came into the segment.
func (e *evaluation) grown(st *state) int {
	t := e.tagsOf(st)
	return 4 * (len(t.pushed) - int(t.popped))
}

// rewriteTags adds what happened to the VLAN headers to r; false when it has no
// hardware form.
func (e *evaluation) rewriteTags(st *state, r *Rewrite) bool {
	t := e.tagsOf(st)
	r.PopVLAN = t.popped
	base := st.get(tciAt, 16)
	if len(t.pushed) > 0 {
		base = t.pushed[0].below
	}
	if !e.rewriteBase(base, t.popped > 0, r, st) {
		return false
	}
	for i, x := range t.pushed {
		tci := st.get(tciAt, 16)
		if i+1 < len(t.pushed) {
			tci = t.pushed[i+1].below
		}
		v, ok := fixed(e.resolve(tci))
		if !ok {
			return false
		}
		r.PushVLAN = append(r.PushVLAN, VLAN{x.tpid, uint16(v)})
	}
	return true
}

// rewriteBase adds what happened to the outermost of the headers that came with the packet.
func (e *evaluation) rewriteBase(tci symbol, popped bool, r *Rewrite, st *state) bool {
	tci = e.resolve(tci)
	if popped {
		return untouchedTag(tci)
	}
	return r.field(ir.VLANTCI, tci, st)
}
