package flatten

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// execute does one operation to st. False: st has been seen to.
func (e *evaluation) execute(st *state, op ir.Op) bool {
	switch o := op.(type) {
	case ir.Set:
		return e.write(st, o.Dst, constant(o.Value, int(o.Dst.N)))
	case ir.Copy:
		return e.read(st, o.Src, func(st *state, v symbol) bool {
			return v == nil || e.write(st, o.Dst, v)
		})
	case ir.Push:
		return e.read(st, o.Src, func(st *state, v symbol) bool {
			if v == nil { // of what the packet has not, 0 is saved
				v = constant(ir.Value{}, int(o.Src.N))
			}
			e.push(st, v)
			return true
		})
	case ir.Pop:
		if v, ok := e.popStack(st); ok {
			return e.write(st, o.Dst, v)
		}
		return true
	case ir.DecTTL:
		return e.decTTL(st)
	case ir.Call:
		st.enter(nil, st.rule)
		return e.visit(st, o.Stage)
	case ir.ToPort:
		return e.toPort(st, o)
	case ir.FirstUp:
		return e.firstUp(st, o)
	case ir.PushVLAN:
		return e.pushVLAN(st, o.TPID)
	case ir.PopVLAN:
		return e.popVLAN(st)
	case ir.CT:
		return e.track(st, o)
	case ir.CTClear:
		st.cleared = true
		clearTracking(&st.bindings)
		return true
	case ir.Select:
		return e.choice(st, o)
	case ir.Clone:
		st.enterCopy(o.Ops)
		return true
	case ir.Punt:
		return e.trap(st, Reason{Code: Punt, Detail: o.Opcode.String()})
	case ir.CheckLarger:
		return e.checkLarger(st, o)
	case ir.Learn:
		return e.trap(st, Reason{Code: Learns, Detail: o.Stage.String()})
	case ir.Screen:
		return e.trap(st, Reason{Code: ACL})
	case ir.Sample:
		return e.sample(st, o)
	case ir.SetQueue:
		st.local.queue, st.queueSet = o.ID, true
		return true
	case ir.Meter:
		a := Action{Do: o}
		if o.Name == "" {
			a.Row = st.rule.Owner.Cookie()
		}
		st.do(a)
		return true
	}
	return e.trap(st, Reason{Code: Unsupported, Detail: fmt.Sprintf("%T", op)})
}

func (st *state) do(a Action) { st.effects = &effect{a, st.effects} }

// write makes s what v says, where the packet has s: operations on headers that are
// not there do nothing, nor do those on transport headers of later fragments.
func (e *evaluation) write(st *state, s ir.Sub, v symbol) bool {
	f := s.Field
	switch {
	case f == ir.FieldNone || f >= ir.NumFields:
		return true
	case f.Info().Read:
		return e.trap(st, Reason{Code: Unsupported, Detail: "writes " + f.String()})
	case f == ir.VLANTCI && !e.keepsTag(st, s, v):
		return e.trap(st, Reason{Code: Unsupported, Detail: "makes a VLAN header by writing its tag"})
	}
	assign := func(st *state, may bool) bool {
		if may && isAnswer(f) {
			return e.trap(st, Reason{Code: Responder})
		}
		if may {
			st.assign(place(s), int(s.N), v)
			if f == ir.IPTTL {
				return e.ttlWritten(st, s)
			}
		}
		return true
	}
	return e.when(st, prerequisites[f], func(st *state, has bool) bool {
		if !has || !isTransport(f) || st.cube.hasTransport() {
			return assign(st, has)
		}
		return e.when(st, lateFragment, func(st *state, late bool) bool { return assign(st, !late) })
	})
}

// isAnswer tells whether packets are made answers of by writing f: a header of ARP, ND or
// ICMP. What becomes of an answer is not followed: software makes it.
func isAnswer(f ir.Field) bool { return f >= ir.ARPOp && f <= ir.NDTLL }

// read calls f with what s is, nil where the packet has no such field.
func (e *evaluation) read(st *state, s ir.Sub, f func(*state, symbol) bool) bool {
	return e.when(st, prerequisites[s.Field], func(st *state, has bool) bool {
		if !has {
			return f(st, nil)
		}
		v := st.get(place(s), int(s.N))
		if s.Field == ir.IPTTL && st.local.ttl > 0 {
			for i := range v {
				if !v[i].fixed {
					v[i].src = lostTTL
				}
			}
		}
		return f(st, v)
	})
}

// when calls f with st, or with both parts of st when the alternatives hold for some
// of its packets only. f says whether to go on, as execute does.
func (e *evaluation) when(st *state, alts alternatives, f func(st *state, holds bool) bool) bool {
	if alts == nil {
		return f(st, true)
	}
	switch e.holds(st, alts) {
	case always:
		return f(st, true)
	case never:
		return f(st, false)
	case undecided:
		return e.trap(st, Reason{Code: Lost})
	}
	st.branches++
	e.split(st, alts, func(c *state, holds bool) {
		if f(c, holds) {
			e.run(c)
		}
	})
	return false
}

// push and popStack are the packet's stack. What a state has pushed lies on what the
// environment has there, until that is needed.
func (e *evaluation) push(st *state, v symbol) { st.local.stack = &stacked{v, st.local.stack} }

func (e *evaluation) popStack(st *state) (symbol, bool) {
	if st.local.stack == nil {
		e.ownStack(st)
	}
	top := st.local.stack
	if top == nil {
		return nil, false
	}
	st.local.stack = top.under
	return top.value, true
}

func (e *evaluation) ownStack(st *state) {
	if st.stackSet {
		return
	}
	st.stackSet = true
	e.reads.stack = true
	st.local.stack = e.adoptStack(e.env.stack)
}

func (e *evaluation) adoptStack(s *stacked) *stacked {
	if s == nil {
		return nil
	}
	return &stacked{e.adopt(s.value), e.adoptStack(s.under)}
}

// adopt turns a value of the environment, in terms of incoming headers, into one in
// terms of the environment. That goes for constants and for headers that are still
// what they were.
func (e *evaluation) adopt(v symbol) symbol {
	out := make(symbol, 0, len(v))
	for _, r := range v {
		if r.fixed || r.src >= lost {
			out = append(out, r)
			continue
		}
		for done := 0; done < r.n; {
			p := r.src + position(done)
			e.noteEntry(p.word(), low(r.n-done)<<p.bit())
			o := e.env.runAt(p, r.n-done)
			if o.fixed || o.src != p || fields.of[p] == ir.IPTTL && e.env.ttl > 0 {
				o = run{n: o.n, src: lostField}
			}
			out = append(out, o)
			done += o.n
		}
	}
	return out
}

// choice follows every bucket of a selection.
func (e *evaluation) choice(st *state, o ir.Select) bool {
	var live []int
	for i, b := range o.Buckets {
		if b.Weight > 0 {
			live = append(live, i)
		}
	}
	switch {
	case len(live) == 0:
		return true
	case !e.CanHash && spreads(&o, live):
		return e.spread(st, &o, live)
	case !e.CanHash:
		return e.trap(st, Reason{Code: Hash, Detail: fmt.Sprintf("%d choices", len(live))})
	}
	st.branches++
	for _, i := range live {
		e.fork(st, func(c *state) {
			c.conds = &condNode{Condition{Kind: Bucket, N: uint16(i), Select: &o, Rule: st.rule.ID}, c.conds}
			c.enterCopy(o.Buckets[i].Ops)
			e.run(c)
		})
	}
	return false
}
