package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// candidates are the rules of a stage that packets of st may match, by priority.
// What they are chosen by is noted.
func (e *evaluation) candidates(st *state, s ir.Stage) []*rule {
	var out []*rule
	if n := len(e.cands); n > 0 {
		out, e.cands = e.cands[n-1], e.cands[:n-1]
	}
	shapes := 0
	add := func(sp *space) {
		for _, sh := range sp.shapes {
			n := len(out)
			if out = e.candidatesOf(st, sh, out); len(out) > n {
				shapes++
			}
		}
	}
	// Also of a stage without rules it is noted whose rules there are none of.
	stage := e.rules.stages[s]
	w := fields.at[ir.Datapath].word()
	known, dp := e.known(st, w, ^uint64(0))
	if known == ^uint64(0) {
		e.note(st, w, known)
	}
	switch {
	case stage == nil:
		return out
	case known == ^uint64(0):
		if sp := stage.spaces[0]; sp != nil {
			add(sp)
		}
		if sp := stage.spaces[uint32(dp)]; sp != nil && dp != 0 && dp>>32 == 0 {
			add(sp)
		}
	default:
		for _, sp := range stage.spaces {
			add(sp)
		}
	}
	if shapes > 1 {
		slices.SortFunc(out, byPriority)
	}
	return out
}

// candidatesOf appends the rules of a shape that packets of st may match.
func (e *evaluation) candidatesOf(st *state, sh *shape, out []*rule) []*rule {
	if len(sh.rules) <= fewRules {
		return append(out, sh.rules...)
	}
	var on, ports uint32 // the known fields, and those that tell ports apart
	h, hp := newHash(0), newHash(0)
	for i := range min(len(sh.asks), maxAsks) {
		l := &sh.asks[i]
		k, v := e.known(st, int(l.word), l.mask)
		if k != l.mask {
			continue
		}
		hp = hp.add(v)
		if l.field == ir.Inport || l.field == ir.InPort {
			ports |= 1 << i
			continue
		}
		on |= 1 << i
		h = h.add(v)
	}
	list := sh.rules
	if on != 0 {
		list = sh.sub(on)[uint64(h)]
		e.noteAsks(st, sh, on)
	}
	if ports != 0 && len(list) > fewRules {
		list = sh.sub(on | ports)[uint64(hp)]
		e.noteAsks(st, sh, ports)
	}
	return append(out, list...)
}

func (e *evaluation) noteAsks(st *state, sh *shape, which uint32) {
	for i := range sh.asks[:min(len(sh.asks), maxAsks)] {
		if which>>i&1 != 0 {
			e.note(st, int(sh.asks[i].word), sh.asks[i].mask)
		}
	}
}
