package flatten

import "github.com/sluice-gw/sluice/controlplane/ir"

// Where a packet may be handed over it needs what the pipeline may still look at. Of
// the registers that is not all: most are written before they are read. What is live
// where is found from the rules alone, by stage and for all datapaths together.

// need is what a packet may be looked at for, of what it does not bring along: bits of
// the registers, and the stack.
type need struct {
	bits  [words]uint64
	stack bool
}

func (n *need) join(o *need, but *[words]uint64) {
	for w, m := range fields.pipeline {
		if m != 0 {
			n.bits[w] |= o.bits[w] &^ but[w]
		}
	}
	n.stack = n.stack || o.stack
}

// outlook is what a list of operations looks at before it writes it, and the stages
// that it calls, each with what is written by then.
type outlook struct {
	need
	calls []call
}

type call struct {
	stage   ir.Stage
	written [words]uint64
}

// liveness is what is live in front of each stage.
type liveness struct {
	stages map[ir.Stage]*need
	// sums are the outlooks of the rules of each stage, each with how many have it.
	sums  map[ir.Stage]map[hash]*counted
	stale bool // sums have changed since stages was made
}

type counted struct {
	outlook
	rules int
}

func newLiveness() *liveness {
	return &liveness{stages: map[ir.Stage]*need{}, sums: map[ir.Stage]map[hash]*counted{}}
}

func (l *liveness) add(r *rule) {
	of := l.sums[r.Stage]
	if of == nil {
		of = map[hash]*counted{}
		l.sums[r.Stage] = of
	}
	o := outlookOf(r)
	k := o.hash()
	c := of[k]
	if c == nil {
		c = &counted{outlook: o}
		of[k], l.stale = c, true
	}
	c.rules++
}

func (l *liveness) remove(r *rule) {
	o := outlookOf(r)
	k := o.hash()
	c := l.sums[r.Stage][k]
	if c == nil {
		return
	}
	if c.rules--; c.rules == 0 {
		delete(l.sums[r.Stage], k)
		l.stale = true
	}
}

// settle finds what is live in front of the stages: the least that holds for all
// rules. It tells whether that has changed.
func (l *liveness) settle() (changed bool) {
	if !l.stale {
		return false
	}
	l.stale = false
	old := l.stages
	l.stages = map[ir.Stage]*need{}
	for s := range l.sums {
		l.stages[s] = &need{}
	}
	for again := true; again; {
		again = false
		for s, of := range l.sums {
			was := *l.stages[s]
			for _, c := range of {
				l.see(l.stages[s], &c.outlook)
			}
			again = again || *l.stages[s] != was
		}
	}
	for s, n := range l.stages {
		changed = changed || old[s] == nil || *old[s] != *n
	}
	return changed || len(old) != len(l.stages)
}

// see adds to n what o looks at, itself and in the stages that it calls.
func (l *liveness) see(n *need, o *outlook) {
	n.join(&o.need, &[words]uint64{})
	for i := range o.calls {
		if to := l.stages[o.calls[i].stage]; to != nil {
			n.join(to, &o.calls[i].written)
		}
	}
}

// at is what is live where packets go on with r.
func (l *liveness) at(r *resume) *need {
	v := &view{}
	v.list(r.ops)
	for f := r.frames; f != nil; f = f.next {
		v.endList()
		v.list(f.ops)
	}
	n := &need{}
	l.see(n, &v.outlook)
	return n
}

func outlookOf(r *rule) outlook {
	v := &view{}
	for _, l := range r.asks {
		v.bits[l.word] |= l.mask & fields.pipeline[l.word]
	}
	for _, dim := range r.dims {
		for _, o := range dim {
			for _, l := range o.asks {
				v.bits[l.word] |= l.mask & fields.pipeline[l.word]
			}
		}
	}
	v.list(r.Program.Ops)
	return v.outlook
}

// view goes through operations in their order.
type view struct {
	outlook
	written [words]uint64
	depth   int // entries that were pushed and are still there
	// skipping is set behind DecTTL, which may skip the rest of its list: sure is what
	// was written in front of it.
	skipping bool
	sure     [words]uint64
}

// endList is where one list ends and the next goes on.
func (v *view) endList() {
	if v.skipping {
		v.written, v.skipping = v.sure, false
	}
}

func (v *view) list(ops []ir.Op) {
	for _, op := range ops {
		v.op(op)
	}
}

// inside goes through a list that is run on a copy of the packet.
func (v *view) inside(ops []ir.Op) {
	c := &view{outlook: v.outlook, written: v.written, depth: v.depth}
	c.list(ops)
	v.outlook = c.outlook
}

func (v *view) op(op ir.Op) {
	switch o := op.(type) {
	case ir.Set:
		v.write(o.Dst)
	case ir.Copy:
		v.read(o.Src)
		v.write(o.Dst)
	case ir.Push:
		v.read(o.Src)
		v.depth++
	case ir.Pop:
		if v.depth--; v.depth < 0 {
			v.depth, v.stack = 0, true
		}
		v.write(o.Dst)
	case ir.DecTTL:
		if !v.skipping {
			v.skipping, v.sure = true, v.written
		}
	case ir.Call:
		v.call(o.Stage)
	case ir.CT:
		v.read(o.Zone.Sub)
		v.list(o.Exec)
		if o.Next != ir.NoStage {
			v.call(o.Next)
		}
	case ir.Clone:
		v.inside(o.Ops)
	case ir.Select:
		for _, b := range o.Buckets {
			v.inside(b.Ops)
		}
	case ir.Punt:
		for _, f := range puntReads {
			v.read(ir.All(f))
		}
		v.inside(o.Inner)
	case ir.CheckLarger:
		v.write(o.Dst)
	case ir.Learn:
		for _, m := range o.Matches {
			v.read(m.Src)
		}
		for _, x := range o.Loads {
			v.read(x.Src)
		}
	case ir.Sample:
		v.read(o.ObsPointSub)
	}
}

// puntReads is what the controller looks at of a packet besides the operations that it
// was given (controlplane/punt).
var puntReads = append([]ir.Field{ir.Datapath, ir.Inport, ir.Outport}, registers...)

func (v *view) read(s ir.Sub) {
	eachWord(s, func(w int, m uint64) { v.bits[w] |= m & fields.pipeline[w] &^ v.written[w] })
}

func (v *view) write(s ir.Sub) {
	eachWord(s, func(w int, m uint64) { v.written[w] |= m & fields.pipeline[w] })
}

func (v *view) call(s ir.Stage) {
	v.calls = append(v.calls, call{s, v.written})
}

// eachWord calls f for the words that s is in, with the bits.
func eachWord(s ir.Sub, f func(w int, m uint64)) {
	if s.Field == ir.FieldNone {
		return
	}
	p := place(s)
	for n := int(s.N); n > 0; {
		k := min(n, 64-p.bit())
		f(p.word(), low(k)<<p.bit())
		p += position(k)
		n -= k
	}
}

func (o *outlook) hash() hash {
	h := newHash(0)
	if o.stack {
		h = h.add(1)
	}
	add := func(bits *[words]uint64) {
		for w, m := range fields.pipeline {
			if m != 0 {
				h = h.add(bits[w])
			}
		}
	}
	add(&o.bits)
	for i := range o.calls {
		h = h.add(uint64(o.calls[i].stage))
		add(&o.calls[i].written)
	}
	return h
}
