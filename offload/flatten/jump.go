package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// resume is where a segment begins: what is left to do.
type resume struct {
	ops    []ir.Op
	rule   *rule
	frames *frame
	key    uint64 // hash, equal in every process
	name   string
}

// resumeAt begins in a stage, with frames behind it.
func resumeAt(s ir.Stage, frames *frame) resume {
	r := resume{ops: []ir.Op{ir.Call{Stage: s}}, frames: frames, name: s.String()}
	r.key = r.hash()
	return r
}

// resume is what is left to do of st; false when copies of the packet are waiting.
func (st *state) resume() (resume, bool) {
	for f := st.frame; f != nil; f = f.next {
		if f.saved != nil {
			return resume{}, false
		}
	}
	if len(st.ops) == 1 {
		if c, is := st.ops[0].(ir.Call); is {
			return resumeAt(c.Stage, st.frame), true
		}
	}
	r := resume{ops: st.ops, rule: st.rule, frames: st.frame, name: "behind " + st.rule.Stage.String()}
	r.key = r.hash()
	return r, true
}

func (r *resume) hash() uint64 {
	h := opsHash(newHash(0), r.ops)
	for f := r.frames; f != nil; f = f.next {
		h = opsHash(h.add(uint64(f.rule.ID)), f.ops)
	}
	return uint64(h)
}

func opsHash(h hash, ops []ir.Op) hash {
	var buf []byte
	for _, op := range ops {
		buf = append(op.AppendText(buf), ';')
	}
	return h.text(string(buf))
}

// pending is a jump whose segment is still to be found.
type pending struct {
	at      resume
	env     *environment
	ct      *ir.CT
	rewrite Rewrite
	to      *segment

	// What was carried from where, to tell what of its own environment the segment
	// that jumps depends on.
	from  bindings
	local extras
	touched
}

// pend makes a jump of st. What the packet carries becomes the environment of the
// segment that it goes on in; tracked says that it has the state of the connection there.
func (e *evaluation) pend(st *state, ct *ir.CT, r Rewrite, at resume, tracked bool) *pending {
	p := &pending{at: at, ct: ct, rewrite: r, from: st.bindings, local: st.local, touched: st.touched, env: &environment{}}
	var changed [words]uint64 // bits of the packet that are not what they were
	if ct != nil {
		changed = fields.tracking
		if ct.NAT != nil || !r.IsZero() {
			for w := range changed {
				changed[w] |= trackedBits[w]
			}
		}
	}
	if r.PopVLAN > 0 {
		changed[tciAt.word()] |= low(16) << tciAt.bit()
	}
	e.carry(st, p.env, &changed)
	if ct != nil {
		p.env.zone = 0
		for w := range trackedBits { // as they are in the packet now
			if m := trackedBits[w]; m != 0 {
				fieldsIn(w, m, func(f ir.Field, _ uint64) { p.env.release(f) })
			}
		}
		clearTracking(&p.env.bindings)
		if tracked {
			p.env.zone = ct.Zone.Const
			for f := ir.CTState; f <= ir.CTTPDst; f++ {
				p.env.release(f)
			}
		}
	}
	return p
}

// release makes f what it is in the incoming packet.
func (b *bindings) release(f ir.Field) {
	p := fields.at[f]
	for n := f.Width(); n > 0; {
		k := min(n, 64-p.bit())
		if b.known[p.word()] != 0 || b.movedIn>>p.word()&1 != 0 {
			b.put(p, run{n: k, src: p})
		}
		p += position(k)
		n -= k
	}
}

// carry makes env what st is in terms of the incoming packet. Copies of bits that
// have changed are lost, unless it is known what they were.
func (e *evaluation) carry(st *state, env *environment, changed *[words]uint64) {
	for w := range env.known {
		if (st.movedIn|e.env.movedIn)>>w&1 == 0 {
			k := e.env.known[w] &^ st.known[w]
			env.known[w] = st.known[w] | k
			env.val[w] = st.val[w]&st.known[w] | e.env.val[w]&k
			continue
		}
		p := position(w * 64)
		env.assign(p, 64, e.salvage(st, e.env.resolve(st.get(p, 64)), p, changed))
	}
	for _, f := range whereabouts {
		env.fix(f, &st.cube)
	}
	if e.ttlIsIncoming(st) {
		env.ttl = e.decremented(st)
	}
	t := fields.at[ir.EthType]
	if st.cube.mask[t.word()]>>t.bit()&0xffff == 0xffff {
		env.ethType = uint16(st.cube.val[t.word()] >> t.bit())
	}
	if env.tracked() {
		env.zone = e.env.zone
	}
	env.ported = e.env.ported || !st.keepsPort()
	env.tags = e.carryTags(st, changed)
	env.queue = e.env.queue
	if st.queueSet {
		env.queue = st.local.queue
	}
	env.circled = e.circled(st)
	env.stack = e.carryStack(st, st.local.stack, changed)
}

// whereabouts are the fields that say where in the network a packet is. Behind a jump
// they are constants if they can be, though they may be copies of headers, as they
// are of those of tunnels: else the segment would have to look everywhere.
var whereabouts = []ir.Field{ir.Datapath, ir.Inport, ir.Outport}

// fix makes f constant where it is a copy of incoming bits that c knows.
func (e *environment) fix(f ir.Field, c *cube) {
	for p, n := fields.at[f], f.Width(); n > 0; {
		r := e.runAt(p, n)
		if !r.fixed && r.src < lost {
			m := low(r.n) << r.src.bit()
			if w := r.src.word(); c.mask[w]&m == m {
				e.put(p, run{n: r.n, fixed: true, val: c.val[w] & m >> r.src.bit()})
			}
		}
		p += position(r.n)
		n -= r.n
	}
}

// salvage is v, which stands at p, without copies of changed bits.
func (e *evaluation) salvage(st *state, v symbol, p position, changed *[words]uint64) symbol {
	var out symbol
	for _, r := range v {
		here := p
		p += position(r.n)
		if r.fixed || r.src >= lost || r.src == here {
			out = append(out, r)
			continue
		}
		for i := range r.n {
			src := r.src + position(i)
			w, b := src.word(), src.bit()
			x := run{n: 1, src: src}
			if changed[w]>>b&1 != 0 {
				x.src = lostField
				if st.cube.mask[w]>>b&1 != 0 {
					x = run{n: 1, fixed: true, val: st.cube.val[w] >> b & 1}
				}
			}
			out = out.add(x)
		}
	}
	return out
}

// add appends a run, to the last one when it continues it.
func (v symbol) add(r run) symbol {
	if n := len(v) - 1; n >= 0 && v[n].fixed == r.fixed && v[n].n+r.n <= 64 {
		switch l := &v[n]; {
		case r.fixed:
			l.val |= r.val << l.n
			l.n += r.n
			return v
		case r.src >= lost && l.src == r.src, l.src < lost && l.src+position(l.n) == r.src && r.src.bit() != 0:
			l.n += r.n
			return v
		}
	}
	return append(v, r)
}

func (e *evaluation) carryTags(st *state, changed *[words]uint64) *tags {
	if st.local.tags == nil {
		return e.env.tags
	}
	t := &tags{popped: st.local.tags.popped}
	for _, x := range st.local.tags.pushed {
		t.pushed = append(t.pushed, tag{x.tpid, e.salvage(st, e.env.resolve(x.below), tciAt, changed)})
	}
	return t
}

func (e *evaluation) carryStack(st *state, s *stacked, changed *[words]uint64) *stacked {
	switch {
	case s != nil:
		return &stacked{e.salvage(st, e.env.resolve(s.value), lost, changed), e.carryStack(st, s.under, changed)}
	case st.stackSet:
		return nil
	}
	return e.salvageStack(st, e.env.stack, changed)
}

// salvageStack is salvage for what the environment has on the stack.
func (e *evaluation) salvageStack(st *state, s *stacked, changed *[words]uint64) *stacked {
	if s == nil {
		return nil
	}
	return &stacked{e.salvage(st, s.value, lost, changed), e.salvageStack(st, s.under, changed)}
}

// depends notes what the segment depends on because that in which a jump ends
// depends on r.
func (e *evaluation) depends(p *pending, r *reads) {
	for w, m := range r.bits {
		if p.ct != nil {
			m &^= fields.tracking[w] | trackedBits[w]
		}
		e.noteBound(&p.from, w, m)
	}
	if r.tags {
		if p.local.tags == nil {
			e.reads.tags = true
		} else {
			for _, x := range p.local.tags.pushed {
				e.noteSymbol(x.below)
			}
		}
	}
	e.reads.queue = e.reads.queue || r.queue && !p.queueSet
	e.reads.circled = e.reads.circled || r.circled && !p.circledSet
	e.reads.zone = e.reads.zone || r.zone && p.ct == nil
	if r.stack {
		for s := p.local.stack; s != nil; s = s.under {
			e.noteSymbol(s.value)
		}
		e.reads.stack = e.reads.stack || !p.stackSet
	}
	e.dependsOnPorts(p, r.ports)
}

func (e *evaluation) dependsOnPorts(p *pending, ports []uint32) {
	at := fields.at[ir.InPort]
	m := low(32) << at.bit()
	switch {
	case len(ports) == 0 || p.from.known[at.word()]&m == m:
	case p.from.keepsPort():
		for _, n := range ports {
			e.reads.port(n)
		}
	default:
		e.noteBound(&p.from, at.word(), m)
	}
}

// finish ends a path.
func (e *evaluation) finish(st *state) {
	d := &draft{Path: Path{Match: st.cube.match(), If: st.conditions(), Actions: st.effects.list(), Spread: st.spread, lineage: st.lineage}, jump: st.jump}
	if d.dirty = d.jump != nil && commits(d.Actions, d.jump.ct, &d.jump.rewrite); d.dirty {
		e.handsOver() // if it comes too late behind the jump, it happens here
	}
	e.emit(d)
}

// commits tells whether something has happened in front of the end of a jump that the
// fallback would do again or could not undo.
func commits(actions []Action, ct *ir.CT, r *Rewrite) bool {
	if ct != nil && (ct.Commit || ct.NAT != nil) || !r.IsZero() {
		return true
	}
	return slices.ContainsFunc(actions, func(a Action) bool { _, clear := a.Do.(ir.CTClear); return !clear })
}
