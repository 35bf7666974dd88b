package flatten

import "github.com/sluice-gw/sluice/controlplane/ir"

// A segment can end without connection tracking, so that what follows is evaluated
// once for all paths that come there alike, instead of being multiplied by what is
// in front.

// cuts tells whether the segment shall end in front of a stage: because packets were
// spread in front of it, because many of the candidates match some packets, because a packet enters another logical datapath as it
// came, because it comes back to the same one, or because it is delivered out of a tunnel. A changed packet could not be handed
// over to the fallback there without Handover.
func (e *evaluation) cuts(st *state, s ir.Stage, candidates []*rule) bool {
	if e.Cut <= 0 || st.effects != nil || st.jump != nil {
		return false
	}
	for f := st.frame; f != nil; f = f.next {
		if f.saved != nil {
			return false
		}
	}
	if st.shared || e.enters(st, s) && (e.Handover && e.datapath(st) == st.datapath || e.untouched(st)) || e.delivers(st, s) && e.untouched(st) {
		return true
	}
	return e.multiplies(st, candidates)
}

// delivers tells whether a packet begins with an egress pipeline: the keys of the tunnel that it came by say for whom it is. Behind that it does not matter
// which tunnel it was, and nothing looks at its outer headers any more.
func (e *evaluation) delivers(st *state, s ir.Stage) bool {
	return e.root && s == ir.Egress(0) && st.datapath == 0
}

// multiplies tells whether there are many candidates for packets that are some of many.
func (e *evaluation) multiplies(st *state, candidates []*rule) bool {
	if len(candidates) < e.Cut || st.branches == 0 && !(e.root && st.visits > 1) {
		return false
	}
	match := 0
	for _, r := range candidates {
		if e.fits(st, r) != never {
			match++
		}
	}
	return match >= e.Cut
}

// untouched tells whether the headers of st are those of the incoming packet. It is noted.
func (e *evaluation) untouched(st *state) bool {
	for w, m := range rewritableBits {
		if m == 0 {
			continue
		}
		e.note(st, w, m)
		for _, b := range []*bindings{&st.bindings, &e.env.bindings} {
			if b.known[w]&m != 0 {
				return false
			}
			same := true
			if b.movedIn>>w&1 != 0 {
				eachRun(b, w, m, func(ofs int, r run) { same = same && r.src == position(w*64+ofs) })
			}
			if !same {
				return false
			}
		}
	}
	e.note(st, ttlWord, ttlMask)
	return e.ttlIsIncoming(st) && e.decremented(st) == 0
}

// leap ends the segment in front of a stage.
func (e *evaluation) leap(st *state, s ir.Stage) {
	if st.cleared {
		st.cleared = false
		st.act(Action{Do: ir.CTClear{}})
	}
	st.jump = e.pend(st, nil, Rewrite{}, resumeAt(s, st.frame), false)
	st.ops, st.frame = nil, nil
	e.finish(st)
}
