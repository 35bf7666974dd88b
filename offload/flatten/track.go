package flatten

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// track sends the packet through connection tracking. What becomes of its headers
// and of the connection's state there cannot be told in advance, so that the segment
// ends; only a commit that leaves the headers alone is an action like others.
func (e *evaluation) track(st *state, o ir.CT) bool {
	if o.ALG != 0 {
		return e.trap(st, Reason{Code: Unsupported, Detail: fmt.Sprintf("ct alg %d", o.ALG)})
	}
	if st.thread != st.tracks || st.jump != nil {
		return e.trap(st, Reason{Code: Fork})
	}
	if o.Zone.Sub.Field != ir.FieldNone {
		zone, ok := e.value(st, o.Zone.Sub)
		if !ok {
			return e.trap(st, Reason{Code: Zone, Detail: o.Zone.Sub.String()})
		}
		o.Zone = ir.ZoneRef{Const: uint16(zone.Lo)}
	}
	next := o.Next
	o.Next = ir.NoStage
	for i, op := range o.Exec {
		if c, ok := op.(ir.Copy); ok && prerequisites[c.Src.Field] != nil && e.has(st, c.Src.Field) != always {
			return e.trap(st, Reason{Code: Unsupported, Detail: "commits " + c.Src.String() + " of packets that may not have it"})
		} else if ok {
			return e.trackWith(st, o, next, i)
		}
	}
	return e.trackNow(st, o, next)
}

// trackWith resolves what is committed to the mark and the label, from number i on.
func (e *evaluation) trackWith(st *state, o ir.CT, next ir.Stage, i int) bool {
	exec := append([]ir.Op{}, o.Exec[:i]...)
	for _, op := range o.Exec[i:] {
		c, ok := op.(ir.Copy)
		if !ok {
			exec = append(exec, op)
			continue
		}
		v := e.resolve(st.get(place(c.Src), int(c.Src.N)))
		ofs := int(c.Dst.Ofs)
		for _, r := range v {
			dst := ir.Bits(c.Dst.Field, ofs, r.n)
			switch {
			case r.fixed:
				exec = append(exec, ir.Set{Dst: dst, Value: ir.V(r.val)})
			case r.src >= lost:
				return e.trap(st, Reason{Code: Lost, Detail: c.Src.String()})
			default:
				f := fields.of[r.src]
				exec = append(exec, ir.Copy{Dst: dst, Src: ir.Bits(f, int(r.src-fields.at[f]), r.n)})
			}
			ofs += r.n
		}
	}
	o.Exec = exec
	return e.trackNow(st, o, next)
}

// trackNow is track with everything resolved.
func (e *evaluation) trackNow(st *state, o ir.CT, next ir.Stage) bool {
	r, why := e.rewrite(st, trackedFields, &trackedBits)
	if why != nil {
		return e.trap(st, *why)
	}
	if !r.IsZero() && slices.ContainsFunc(o.Exec, copiesTracked) {
		return e.trap(st, Reason{Code: Unsupported, Detail: "commits a header that it rewrites"})
	}
	if st.cleared {
		st.cleared = false
		st.act(Action{Do: ir.CTClear{}})
	}
	if next != ir.NoStage {
		st.jump = e.pend(st, &o, r, resumeAt(next, nil), true)
		st.tracks++ // the packet itself goes on untracked
		clearTracking(&st.bindings)
		return true
	}
	last := !hasEffect(st.ops) && st.frame == nil
	if o.NAT == nil && r.IsZero() || last {
		st.act(Action{Rewrite: r, Do: o})
		clearTracking(&st.bindings)
		return true
	}
	at, ok := st.resume()
	if !ok {
		return e.trap(st, Reason{Code: Fork, Detail: "a copy is translated and the packet goes on behind it"})
	}
	st.jump = e.pend(st, &o, r, at, false)
	e.finish(st)
	return false
}

// copiesTracked tells whether op copies from a field that is rewritten in front of
// connection tracking.
func copiesTracked(op ir.Op) bool {
	c, ok := op.(ir.Copy)
	return ok && slices.Contains(trackedFields, c.Src.Field)
}

// act is do for an operation of connection tracking.
func (st *state) act(a Action) {
	st.do(a)
	st.tracks++
	st.thread = st.tracks
}

// clearTracking makes the fields of connection tracking 0.
func clearTracking(b *bindings) {
	for w := range b.known {
		m := fields.tracking[w]
		if m == 0 {
			continue
		}
		if b.movedIn>>w&1 != 0 {
			fieldsIn(w, m, func(f ir.Field, _ uint64) { b.set(fields.at[f], f.Width(), ir.Value{}) })
			continue
		}
		b.known[w] |= m
		b.val[w] &^= m
	}
}
