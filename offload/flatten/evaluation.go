package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// evaluation follows all packets of one segment through the rules.
type evaluation struct {
	*Config
	rules  *index
	live   *liveness
	guards guards
	at     *resume
	env    *environment
	root   bool // the segment is an ingress

	reads   reads
	needs   *need           // what is in reads because packets may be handed over
	asked   map[uint32]bool // ports that guards were looked for of
	visited map[visit]*callers
	// followed are the rules whose programs were followed, or that were to blame for a trap.
	followed map[*rule]struct{}
	paths    []*draft
	keys     []string            // of paths: what they match
	seen     map[string]struct{} // the keys
	limit    int                 // there must not be more paths
	full     bool                // there were to be more
	reasons  map[Reason]*Reason
	states   []*state // to be used again
	cands    [][]*rule
}

// evaluate evaluates a segment from what is left to do at its beginning.
func evaluate(b *builder, s *segment, root bool) *evaluation {
	e := &evaluation{Config: b.Config, rules: b.rules, live: b.live, guards: b.guards, at: &s.at, env: s.env, root: root,
		asked: map[uint32]bool{}, visited: map[visit]*callers{}, followed: map[*rule]struct{}{},
		seen: map[string]struct{}{}, limit: b.Paths, reasons: map[Reason]*Reason{}}
	st := &state{ops: s.at.ops, rule: s.at.rule, frame: s.at.frames}
	if s.env.ethType != 0 {
		p := fields.at[ir.EthType]
		st.cube.add(p.word(), uint64(s.env.ethType)<<p.bit(), 0xffff<<p.bit())
	}
	for _, m := range b.Control {
		ls := literalsOf(m)
		st.excluded = append(st.excluded, ls)
		if root {
			e.control(m)
		}
	}
	if root {
		e.guard(st)
	}
	e.run(st)
	if e.full {
		e.handsOver()
		e.paths = append(e.paths, &draft{Path: Path{Reason: e.multipliers()}})
	}
	return e
}

// control keeps control traffic out of the segment.
func (e *evaluation) control(m ir.Match) {
	e.emit(&draft{Path: Path{Match: m, Reason: e.because(Reason{Code: Control})}})
}

func (e *evaluation) copy(st *state) *state {
	var c *state
	if n := len(e.states); n > 0 {
		c, e.states = e.states[n-1], e.states[:n-1]
	} else {
		c = new(state)
	}
	*c = *st
	return c
}

// run follows st to its ends.
func (e *evaluation) run(st *state) {
	for !e.full {
		if len(st.ops) == 0 {
			if !st.pop() {
				e.finish(st)
				return
			}
			continue
		}
		op := st.ops[0]
		st.ops = st.ops[1:]
		if !e.execute(st, op) {
			return
		}
	}
}

// fork runs what f makes of a copy of st.
func (e *evaluation) fork(st *state, f func(*state)) {
	c := e.copy(st)
	f(c)
	e.states = append(e.states, c)
}

// visit goes on with st in a stage. False: all packets of st were seen to.
func (e *evaluation) visit(st *state, s ir.Stage) bool {
	if st.visits++; st.visits > maxVisits {
		return e.trap(st, Reason{Code: Loop, Detail: s.String()})
	}
	cands := e.candidates(st, s)
	defer func() { e.cands = append(e.cands, cands[:0]) }()
	if !e.circles(st, s) {
		return false
	}
	if e.cuts(st, s, cands) {
		e.visitedBy(st, s, true)
		e.leap(st, s)
		return false
	}
	if _, _, logical := s.Logical(); logical {
		st.datapath = e.datapath(st)
	}
	e.visitedBy(st, s, false)
	if e.isLost(st, tciAt.word(), low(16)<<tciAt.bit()) && e.askTag(st, cands) {
		return e.innerTag(st, func(st *state) bool {
			cands := e.candidates(st, s)
			defer func() { e.cands = append(e.cands, cands[:0]) }()
			return e.follow(st, s, cands)
		})
	}
	return e.follow(st, s, cands)
}

// follow goes on with the rules that packets of st match. False: all of them were seen to.
func (e *evaluation) follow(st *state, s ir.Stage, cands []*rule) bool {
	var before []*rule // that some packets of st match
	for _, r := range cands {
		switch e.fits(st, r) {
		case never:
		case always:
			if r.learned {
				return e.trap(st, Reason{Code: Learned, Rule: r.by.ID}) // what was taught is not known
			}
			return e.through(st, r)
		case undecided:
			e.followed[r] = struct{}{}
			return e.trap(st, Reason{Code: Lost, Detail: s.String(), Rule: r.ID})
		case sometimes:
			if e.shadowed(st, before, r) {
				continue
			}
			e.branch(st, r)
			before = append(before, r)
		}
		if e.full {
			return false
		}
	}
	return true
}

// through makes the program of r what is to be done next. False: all packets of st
// were seen to.
func (e *evaluation) through(st *state, r *rule) bool {
	e.followed[r] = struct{}{}
	st.lineage = &step{st.lineage, r}
	st.enter(r.Program.Ops, r)
	if r.floods {
		e.flood(st)
		return false
	}
	return true
}

// branch follows those packets of st that match r.
func (e *evaluation) branch(st *state, r *rule) {
	e.followed[r] = struct{}{}
	st.branches++
	var residue []literal
	n := 0
	e.fork(st, func(c *state) {
		e.require(c, r, func(c *state) {
			if n++; n == 1 {
				residue = c.cube.beyond(&st.cube)
			}
			if r.learned {
				e.trap(c, Reason{Code: Learned, Rule: r.by.ID})
				return
			}
			if e.through(c, r) {
				e.run(c)
			}
		})
	})
	if n == 1 {
		st.exclude(residue)
	}
}

// trap ends st: its packets stay in the fallback.
func (e *evaluation) trap(st *state, why Reason) bool {
	if why.Rule == 0 && st.rule != nil {
		why.Rule = st.rule.ID
	}
	e.handsOver()
	e.emit(&draft{Path: Path{Match: st.cube.match(), If: st.conditions(), Reason: e.because(why), lineage: st.lineage}})
	return false
}

// because is the one copy of a reason.
func (e *evaluation) because(why Reason) *Reason {
	if r, ok := e.reasons[why]; ok {
		return r
	}
	e.reasons[why] = &why
	return &why
}

// emit adds a path behind those that are there. A second path with the same match
// is never met.
func (e *evaluation) emit(d *draft) {
	key := d.Match.Key()
	for _, c := range d.If {
		key += c.String()
	}
	if _, dup := e.seen[key]; dup {
		return
	}
	if len(e.paths) >= e.limit {
		e.full = true
		return
	}
	e.seen[key] = struct{}{}
	e.paths, e.keys = append(e.paths, d), append(e.keys, key)
}

func (st *state) conditions() []Condition {
	var cs []Condition
	for n := st.conds; n != nil; n = n.before {
		cs = append(cs, n.Condition)
	}
	slices.Reverse(cs)
	if st.longer > 0 {
		cs = append(cs, Condition{Kind: Longer, N: st.longer})
	}
	if st.shorter > 0 {
		cs = append(cs, Condition{Kind: Longer, N: st.shorter, Not: true})
	}
	return cs
}
