package flatten

import (
	"cmp"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// rewritable are the fields that a Rewrite can change, VLANTCI and IPTTL apart: not those
// by which a packet becomes an answer (isAnswer).
// Those of tunnels and the mark are metadata: they matter to some outputs only.
var rewritable = []ir.Field{ir.PktMark, ir.TunID, ir.TunOpt, ir.TunSrc, ir.TunDst, ir.TunSrc6, ir.TunDst6, ir.EthSrc, ir.EthDst,
	ir.IPDSCP, ir.IPECN, ir.IP4Src, ir.IP4Dst, ir.IP6Src, ir.IP6Dst, ir.IP6Label,
	ir.TCPSrc, ir.TCPDst, ir.UDPSrc, ir.UDPDst, ir.SCTPSrc, ir.SCTPDst}

// trackedFields are the headers that connection tracking looks at.
var trackedFields = []ir.Field{ir.IP4Src, ir.IP4Dst, ir.IP6Src, ir.IP6Dst, ir.ICMP4Type, ir.ICMP4Code, ir.ICMP6Type, ir.ICMP6Code,
	ir.TCPSrc, ir.TCPDst, ir.UDPSrc, ir.UDPDst, ir.SCTPSrc, ir.SCTPDst}

// masks of lists of fields, by word.
var rewritableBits, trackedBits = bitsOf(rewritable), bitsOf(trackedFields)

func bitsOf(fs []ir.Field) (m [words]uint64) {
	for _, f := range fs {
		for i := range f.Width() {
			p := fields.at[f] + position(i)
			m[p.word()] |= 1 << p.bit()
		}
	}
	return m
}

// toPort puts the packet out of a port, never the one that it came in by.
func (e *evaluation) toPort(st *state, o ir.ToPort) bool {
	if o.Port == 0 {
		return true
	}
	if o.Port == ir.InPortNumber {
		in, ok := e.value(st, ir.All(ir.InPort))
		switch {
		case !ok:
			return e.trap(st, Reason{Code: Lost, Detail: "in_port"})
		case in.IsZero():
			return true
		}
		return e.past(st, uint32(in.Lo), func(st *state) bool { return e.output(st, ir.ToPort{Port: uint32(in.Lo)}) })
	}
	in, ok := e.cameFrom(st, o.Port)
	switch {
	case !ok:
		return e.trap(st, Reason{Code: Lost, Detail: "in_port"})
	case in:
		return true
	}
	return e.past(st, o.Port, func(st *state) bool { return e.output(st, o) })
}

// cameFrom tells whether in_port is a certain port. What is noted is only the answer,
// so that ingresses that do not differ in it can share the segment.
func (e *evaluation) cameFrom(st *state, port uint32) (is, ok bool) {
	p := fields.at[ir.InPort]
	w, all := p.word(), low(32)<<p.bit()
	fixed := st.known[w] & all
	if (st.val[w]^uint64(port)<<p.bit())&fixed != 0 {
		return false, true // that it differs is known from what was written to it here
	}
	if st.keepsPort() && !e.env.ported {
		in, ok := e.env.inPort()
		e.reads.port(port)
		return in == port, ok
	}
	v, ok := e.value(st, ir.All(ir.InPort))
	return uint32(v.Lo) == port, ok
}

// keepsPort tells whether in_port is what it was. The word that it is in has other fields as well.
func (b *bindings) keepsPort() bool {
	in := fields.at[ir.InPort]
	return b.runAt(in, ir.InPort.Width()) == run{n: ir.InPort.Width(), src: in}
}

// firstUp is output to the first port that is up, which the target knows. in_port is
// not among the ports: it would be skipped only when it is its turn.
func (e *evaluation) firstUp(st *state, o ir.FirstUp) bool {
	if len(o.Ports) == 0 {
		return true
	}
	for _, port := range o.Ports {
		in, ok := e.cameFrom(st, port)
		if !ok || in || port == 0 || port == ir.InPortNumber {
			return e.trap(st, Reason{Code: Unsupported, Detail: "first_up among ports of which the packet may have come"})
		}
		if e.guarded(port) != nil {
			return e.trap(st, Reason{Code: Guarded})
		}
	}
	return e.output(st, o)
}

func (e *evaluation) output(st *state, do ir.Op) bool {
	r, why := e.rewrite(st, rewritable, &rewritableBits)
	if why != nil {
		return e.trap(st, *why)
	}
	if !e.rewriteTags(st, &r) {
		return e.trap(st, Reason{Code: Tags})
	}
	if st.thread != st.tracks && slices.ContainsFunc(r.Copy, func(c ir.Copy) bool { return isTracking(c.Src.Field) }) {
		return e.trap(st, Reason{Code: Fork, Detail: "an output needs what was known of the connection"})
	}
	st.do(Action{Rewrite: r, Do: do, Queue: e.queue(st)})
	return true
}

func isTracking(f ir.Field) bool { return f >= ir.CTState && f <= ir.CTTPDst }

func (e *evaluation) queue(st *state) uint32 {
	if st.queueSet {
		return st.local.queue
	}
	e.reads.queue = true
	return e.env.queue
}

// sample is a sample of the packet as it is now.
func (e *evaluation) sample(st *state, o ir.Sample) bool {
	if o.ObsPointSub.Field != ir.FieldNone {
		v, ok := e.value(st, o.ObsPointSub)
		if !ok {
			return e.trap(st, Reason{Code: Unsupported, Detail: "sample with an observation point from the packet"})
		}
		o.ObsPoint, o.ObsPointSub = uint32(v.Lo), ir.Sub{}
	}
	r, why := e.rewrite(st, rewritable, &rewritableBits)
	if why != nil {
		return e.trap(st, *why)
	}
	if !e.rewriteTags(st, &r) {
		return e.trap(st, Reason{Code: Tags})
	}
	st.do(Action{Rewrite: r, Do: o})
	return true
}

// rewrite is what has become of some fields of the packet, and of its TTL, since it
// came into the segment. The other result says why it cannot be done.
func (e *evaluation) rewrite(st *state, fs []ir.Field, mask *[words]uint64) (r Rewrite, why *Reason) {
	changed := false
	for w := range mask {
		m := mask[w]
		if m == 0 {
			continue
		}
		e.note(st, w, m)
		changed = changed || (st.known[w]|e.env.known[w])&m != 0 || (st.movedIn|e.env.movedIn)>>w&1 != 0
	}
	if changed {
		for _, f := range fs {
			if st.leaves(f) && e.env.leaves(f) {
				continue
			}
			if !r.field(f, e.resolve(st.get(fields.at[f], f.Width())), st) {
				return r, &Reason{Code: Lost, Detail: f.String()}
			}
		}
	}
	if mask == &rewritableBits && !e.rewriteTTL(st, &r) {
		return r, &Reason{Code: Lost, Detail: ir.IPTTL.String()}
	}
	slices.SortFunc(r.Set, func(a, b ir.Set) int {
		return cmp.Or(cmp.Compare(a.Dst.Field, b.Dst.Field), cmp.Compare(a.Dst.Ofs, b.Dst.Ofs))
	})
	return r, nil
}

// leaves tells whether nothing is said of f: it is what it was.
func (b *bindings) leaves(f ir.Field) bool {
	p := fields.at[f]
	for n := f.Width(); n > 0; {
		w, k := p.word(), min(n, 64-p.bit())
		if b.movedIn>>w&1 != 0 || b.known[w]>>p.bit()&low(k) != 0 {
			return false
		}
		p += position(k)
		n -= k
	}
	return true
}

func (e *evaluation) rewriteTTL(st *state, r *Rewrite) bool {
	e.note(st, ttlWord, ttlMask)
	if e.ttlIsIncoming(st) {
		r.DecTTL = e.decremented(st)
		return true
	}
	return r.field(ir.IPTTL, e.resolve(st.get(fields.at[ir.IPTTL], 8)), st)
}

// field adds that f becomes v, in terms of the incoming packet; false when v is lost.
func (r *Rewrite) field(f ir.Field, v symbol, st *state) bool {
	p := fields.at[f]
	var fixed, val ir.Value
	ofs := 0
	for _, x := range v {
		here := p + position(ofs)
		m := low(x.n) << here.bit()
		switch {
		case x.fixed:
			w := here.word()
			if st.cube.mask[w]&m != m || (st.cube.val[w]^x.val<<here.bit())&m != 0 {
				fixed = fixed.Or(ir.Ones(x.n).Shl(ofs))
				val = val.Or(ir.V(x.val).Shl(ofs))
			}
		case x.src >= lost:
			return false
		case x.src != here:
			src := fields.of[x.src]
			r.Copy = append(r.Copy, ir.Copy{Dst: ir.Bits(f, ofs, x.n), Src: ir.Bits(src, int(x.src-fields.at[src]), x.n)})
		}
		ofs += x.n
	}
	for ofs := 0; !fixed.IsZero(); {
		for fixed.Lo&1 == 0 {
			fixed, val = fixed.Shr(1), val.Shr(1)
			ofs++
		}
		n := 0
		for fixed.Bit(n) == 1 && n < f.Width() {
			n++
		}
		r.Set = append(r.Set, ir.Set{Dst: ir.Bits(f, ofs, n), Value: val.And(ir.Ones(n))})
		fixed, val = fixed.Shr(n), val.Shr(n)
		ofs += n
	}
	return true
}
