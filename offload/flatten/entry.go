package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// entry makes the operations of Segment.Entry: all that packets carry into s as far
// as it depends on it, and then what is left to do. ok is false when something that
// it depends on cannot be put back.
func (s *segment) entry() (ops []ir.Op, ok bool) {
	rest, ok := s.at.list()
	if !ok {
		return nil, false
	}
	if _, root := s.id.Ingress(); root {
		return rest, true
	}
	if s.reads.stack {
		if ops, ok = s.env.stack.restore(nil); !ok {
			return nil, false
		}
	}
	var r Rewrite
	for w, m := range s.reads.bits {
		fieldsIn(w, m&^fields.tracking[w]&^unwritable(w), func(f ir.Field, m uint64) { ok = r.carried(s.env, f, w, m) && ok })
	}
	if s.reads.ttl {
		r.DecTTL = s.env.ttl
	}
	if s.reads.tags && s.env.tags != nil {
		r.PopVLAN = s.env.tags.popped
		ok = r.carriedTags(s.env) && ok
	}
	if !ok {
		return nil, false
	}
	ops = append(ops, r.Ops()...)
	if s.reads.queue {
		ops = append(ops, ir.SetQueue{ID: s.env.queue})
	}
	return append(ops, rest...), true
}

// handsOver notes that packets of the segment may be handed over where it begins: they
// need all that they carry, but for registers and the state of a connection that the rest
// of the pipeline does not look at, and in_port, which they still have.
func (e *evaluation) handsOver() {
	if !e.Handover || e.root || e.needs != nil {
		return
	}
	e.needs = e.live.at(e.at, e.env.datapath())
	headers := headerBits
	headers[fields.at[ir.Datapath].word()] = ^uint64(0) // by which the needs are known
	if in := fields.at[ir.InPort]; e.env.ported {
		headers[in.word()] |= low(32) << in.bit()
	}
	for w, m := range headers {
		e.reads.bits[w] |= m | e.needs.bits[w]
		e.reads.zone = e.reads.zone || e.needs.bits[w]&fields.tracking[w] != 0
	}
	e.reads.ttl, e.reads.tags, e.reads.queue = true, true, true
	e.reads.stack = e.reads.stack || e.needs.stack
}

// headerBits are all that is neither a register, nor of connection tracking, nor in_port.
var headerBits = func() (m [words]uint64) {
	for w := range m {
		m[w] = fields.in[w] &^ carriedBits[w]
	}
	in := fields.at[ir.InPort]
	m[in.word()] &^= low(32) << in.bit()
	return m
}()

// unwritable are bits of word w that are 0 for ever: port numbers of Open vSwitch have 16
// bits, and it has no way to write more.
func unwritable(w int) uint64 {
	if in := fields.at[ir.InPort]; in.word() == w {
		return low(16) << 16 << in.bit()
	}
	return 0
}

// list is r as one list of operations. That cannot be had where one list can be cut
// short without the next.
func (r *resume) list() (ops []ir.Op, ok bool) {
	ops = slices.Clone(r.ops)
	for f := r.frames; f != nil; f = f.next {
		if slices.ContainsFunc(ops, func(op ir.Op) bool { _, is := op.(ir.DecTTL); return is }) {
			return nil, false
		}
		ops = append(ops, f.ops...)
	}
	return ops, true
}

// carried adds bits m of word w, which are f's, as env says they are.
func (r *Rewrite) carried(env *environment, f ir.Field, w int, m uint64) bool {
	ok := true
	eachRun(&env.bindings, w, m, func(ofs int, x run) {
		dst := position(w*64 + ofs)
		sub := ir.Bits(f, int(dst-fields.at[f]), x.n)
		switch {
		case x.fixed && f == ir.VLANTCI && env.tags != nil: // the tags see to it
		case x.fixed:
			r.Set = append(r.Set, ir.Set{Dst: sub, Value: ir.V(x.val)})
		case x.src == lostTag: // as it is when the tag is off
		case x.src >= lost:
			ok = false
		case x.src != dst:
			src := fields.of[x.src]
			r.Copy = append(r.Copy, ir.Copy{Dst: sub, Src: ir.Bits(src, int(x.src-fields.at[src]), x.n)})
		}
	})
	return ok
}

// carriedTags adds the VLAN headers that are to be put on.
func (r *Rewrite) carriedTags(env *environment) bool {
	t := env.tags
	for i, x := range t.pushed {
		tci := env.get(tciAt, 16)
		if i+1 < len(t.pushed) {
			tci = t.pushed[i+1].below
		}
		v, ok := fixed(tci)
		if !ok {
			return false
		}
		r.PushVLAN = append(r.PushVLAN, VLAN{x.tpid, uint16(v)})
	}
	base := env.get(tciAt, 16)
	if len(t.pushed) > 0 {
		base = t.pushed[0].below
	}
	if t.popped > 0 {
		return untouchedTag(base)
	}
	return r.field(ir.VLANTCI, base, &state{})
}

// untouchedTag tells whether tci is that of a header below one that was taken off.
func untouchedTag(tci symbol) bool {
	v, ok := fixed(tci)
	return ok && v == 0 || !slices.ContainsFunc(tci, func(x run) bool { return x.src != lostTag || x.fixed })
}

// fixed is the value of a symbol of up to 64 bits that is a constant.
func fixed(s symbol) (v uint64, ok bool) {
	shift := 0
	for _, r := range s {
		if !r.fixed {
			return 0, false
		}
		v |= r.val << shift
		shift += r.n
	}
	return v, true
}

// restore appends operations that put s on the stack.
func (s *stacked) restore(ops []ir.Op) ([]ir.Op, bool) {
	if s == nil {
		return ops, true
	}
	ops, ok := s.under.restore(ops)
	if !ok {
		return nil, false
	}
	n := 0
	for _, r := range s.value {
		n += r.n
	}
	one := s.value[0]
	switch {
	case len(s.value) == 1 && !one.fixed && one.src < lost:
		f := fields.of[one.src]
		return append(ops, ir.Push{Src: ir.Bits(f, int(one.src-fields.at[f]), n)}), true
	case slices.ContainsFunc(s.value, func(r run) bool { return !r.fixed }):
		return nil, false
	}
	var v ir.Value
	shift := 0
	for _, r := range s.value {
		v = v.Or(ir.V(r.val).Shl(shift))
		shift += r.n
	}
	return append(ops, ir.Set{Dst: ir.Bits(ir.XXReg0, 0, n), Value: v}, ir.Push{Src: ir.Bits(ir.XXReg0, 0, n)}), true
}
