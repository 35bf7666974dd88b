package flatten

import "github.com/sluice-gw/sluice/controlplane/ir"

// outlook is what a list of operations looks at before it writes it, and the stages
// that it calls.
type outlook struct {
	need
	calls []call
	moves bool // it takes the packet itself into another datapath
}

// call is one of a stage, with what is written by then.
type call struct {
	stage   ir.Stage
	written [words]uint64
	aside   bool // with a copy of the packet
}

func outlookOf(r *rule) outlook {
	v := &view{}
	for _, l := range r.asks {
		v.bits[l.word] |= l.mask & carriedBits[l.word]
	}
	for _, dim := range r.dims {
		for _, o := range dim {
			for _, l := range o.asks {
				v.bits[l.word] |= l.mask & carriedBits[l.word]
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
	depth   int  // entries that were pushed and are still there
	aside   bool // the list is run on a copy of the packet
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
	c := &view{outlook: v.outlook, written: v.written, depth: v.depth, aside: true}
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
		v.untrack()
		if o.Next != ir.NoStage {
			v.calls = append(v.calls, call{o.Next, v.written, true})
		}
	case ir.CTClear:
		v.untrack()
	case ir.Clone:
		v.inside(o.Ops)
	case ir.Select:
		for _, b := range o.Buckets {
			v.inside(b.Ops)
		}
	case ir.Punt:
		v.punt(&o)
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

// punt reads what the controller looks at of a packet besides the operations that it was given (controlplane/punt): where it is, and of
// one that waits for a neighbour the neighbour's address. Such a packet goes on at Output later, with what it carries.
func (v *view) punt(o *ir.Punt) {
	asks := []ir.Field{ir.Datapath, ir.Inport, ir.Outport}
	switch o.Opcode {
	case ir.OpARP:
		asks = append(asks, ir.Reg0)
	case ir.OpNDNS:
		asks = append(asks, ir.Reg0, ir.Reg1, ir.Reg2, ir.Reg3)
	}
	for _, f := range asks {
		v.read(ir.All(f))
	}
	if o.Opcode == ir.OpARP || o.Opcode == ir.OpNDNS {
		v.calls = append(v.calls, call{ir.Output, v.written, true})
	}
	v.inside(o.Inner)
}

func (v *view) read(s ir.Sub) {
	eachWord(s, func(w int, m uint64) { v.bits[w] |= m & carriedBits[w] &^ v.written[w] })
}

func (v *view) write(s ir.Sub) {
	v.moves = v.moves || s.Field == ir.Datapath && !v.aside
	eachWord(s, func(w int, m uint64) { v.written[w] |= m & carriedBits[w] })
}

// untrack is where all that is known of a connection is new or gone.
func (v *view) untrack() {
	for w, m := range fields.tracking {
		v.written[w] |= m
	}
}

func (v *view) call(s ir.Stage) {
	v.calls = append(v.calls, call{s, v.written, v.aside})
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
	if o.moves {
		h = h.add(2)
	}
	add := func(bits *[words]uint64) {
		for w, m := range carriedBits {
			if m != 0 {
				h = h.add(bits[w])
			}
		}
	}
	add(&o.bits)
	for i := range o.calls {
		h = h.add(uint64(o.calls[i].stage))
		if o.calls[i].aside {
			h = h.add(3)
		}
		add(&o.calls[i].written)
	}
	return h
}
