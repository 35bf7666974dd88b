package ovs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// learned are the stages whose flows are made by the switch itself.
var learned = map[ir.Stage]bool{ir.ChkLBHairpinReply: true, ir.ECMPNHMAC: true, ir.ECMPNH: true, ir.ChkLBAffinity: true}

// adopt reads what the switch has and changes only what differs.
func (b *Backend) adopt(ctx context.Context, conn *ofconn.Conn) error {
	w := b.want
	w.gen++
	w.takeTouched()
	groups, err := w.low.groups.installed(ctx, conn)
	if err != nil {
		return err
	}
	meters, err := conn.DumpMeters(ctx)
	if err != nil { // a datapath without meters: rules that use one are refused one by one
		b.cfg.Log.Warn("the switch has no meters: " + err.Error())
		meters = nil
	}
	var right, gone int
	b.foreign = nil
	for f, err := range conn.DumpFlows(ctx, &ofp.FlowStatsRequest{Table: ofp.AllTables}) {
		if err != nil {
			return err
		}
		switch known, same := w.compare(f); {
		case same:
			right++
		case !known && !b.handover && w.handsOver(f):
			b.foreign = append(b.foreign, w.keyOf(f))
		case !known && !w.learnedHere(f):
			gone++
			w.touch(&flow{key: w.keyOf(f), gone: true})
		}
	}
	for _, f := range w.flows {
		if f.refused = false; f.seen != w.gen {
			w.touch(f)
		}
	}
	gb, ga := w.low.groups.diff(groups)
	mb, ma := w.low.meters.diff(meters)
	changed := len(w.touched) - gone
	if err := b.push(ctx, conn, gb, ga, mb, ma); err != nil {
		return err
	}
	b.set(func(s *Status) { s.Adopted += uint64(right) })
	b.cfg.Log.Info(fmt.Sprintf("adopted the integration bridge: %d flows are right, %d added or corrected, %d removed; messages about groups: %d",
		right, changed, gone, len(gb)+len(ga)))
	if err := b.forget(ctx, conn); err != nil {
		return err
	}
	b.acknowledge()
	return nil
}

func (d *desired) keyOf(f *ofp.Flow) string {
	m, err := f.Match.Canonical()
	if err != nil {
		m = f.Match // a field that we do not know: it cannot be ours, and is deleted as it is
	}
	return string(flowKey(nil, f.Table, f.Priority, m))
}

// compare files a flow of the switch: known tells whether a flow with its match is
// wanted, same whether it is right.
func (d *desired) compare(f *ofp.Flow) (known, same bool) {
	x := d.find(f)
	if x == nil {
		return false, false
	}
	actions, cookie := x.want()
	if f.Cookie != cookie || string(f.Actions) != actions || f.IdleTimeout|f.HardTimeout != 0 || len(f.Actions) > 0 && !f.Plain() {
		return true, false
	}
	x.seen = d.gen
	return true, true
}

// find is the flow that is wanted in the place of one of the switch; nil for none.
func (d *desired) find(f *ofp.Flow) *flow {
	d.keyBuf = flowKey(d.keyBuf[:0], f.Table, f.Priority, f.Match)
	if x := d.flows[string(d.keyBuf)]; x != nil {
		return x
	}
	return d.flows[d.keyOf(f)]
}

// handsOver tells whether a flow takes over what a target of the offload hands over in the middle.
func (d *desired) handsOver(f *ofp.Flow) bool {
	return d.low.profile.Stage(f.Table) == ir.Handover || d.low.profile.Stage(f.Table) == ir.PhyToLog && f.Priority >= ir.HandoverPriority
}

// takeOver notes that it is known what is handed over. Flows that were left for an earlier process are wanted or go now.
func (b *Backend) takeOver() {
	b.handover = true
	for _, key := range b.foreign {
		if b.want.flows[key] == nil {
			b.want.touch(&flow{key: key, gone: true})
		}
	}
	b.foreign = nil
}

// learnedHere tells whether a flow was learned by one of our own.
func (d *desired) learnedHere(f *ofp.Flow) bool {
	return learned[d.low.profile.Stage(f.Table)] && d.learners[uint32(f.Cookie)] > 0
}

// push makes the switch agree on all touched flows: new meters first, then groups
// and flows in one atomic bundle, unused meters last. What the switch refuses is
// left out, named as a failure, and the rest is sent again.
func (b *Backend) push(ctx context.Context, conn *ofconn.Conn, groupsBefore, groupsAfter, metersBefore, metersAfter []ofp.Message) error {
	w := b.want
	if err := b.apply(ctx, conn, metersBefore); err != nil {
		return err
	}
	flows := w.takeTouched()
	groupsBefore = append(groupsBefore, w.takeUnlearn()...)
	for len(flows)+len(groupsBefore)+len(groupsAfter) > 0 { // each round leaves something out
		err := conn.Bundle(ctx, messages(groupsBefore, flows, groupsAfter))
		if err == nil {
			break
		}
		refused := new(ofconn.Refused)
		if !errors.As(err, &refused) || len(refused.Messages) == 0 {
			return err
		}
		groupsBefore, flows, groupsAfter = b.leaveOut(refused, groupsBefore, flows, groupsAfter)
	}
	b.count(flows)
	return b.apply(ctx, conn, metersAfter)
}

// count counts what was done to flows.
func (b *Backend) count(flows []*flow) {
	b.set(func(s *Status) {
		for _, f := range flows {
			if f.gone {
				s.Removed++
			} else {
				s.Added++
			}
		}
	})
}

// messages yields what brings groups and flows up to date. A flow's message is
// valid until the next one.
func messages(before []ofp.Message, flows []*flow, after []ofp.Message) iter.Seq[ofp.Message] {
	return func(yield func(ofp.Message) bool) {
		m := &ofp.FlowMod{}
		for _, m := range before {
			if !yield(m) {
				return
			}
		}
		for _, f := range flows {
			if f.mod(m); !yield(m) {
				return
			}
		}
		for _, m := range after {
			if !yield(m) {
				return
			}
		}
	}
}

// apply sends messages that no bundle can carry. A refusal is logged: rules that
// need what was refused will be refused too, by name.
func (b *Backend) apply(ctx context.Context, conn *ofconn.Conn, msgs []ofp.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	err := conn.Apply(ctx, msgs...)
	if refused := new(ofconn.Refused); errors.As(err, &refused) {
		b.cfg.Log.Warn("the switch refused a meter: " + err.Error())
		return nil
	}
	return err
}

// leaveOut takes what the switch refused out of a bundle and names it. Without its
// group a flow cannot be installed either.
func (b *Backend) leaveOut(r *ofconn.Refused, before []ofp.Message, flows []*flow, after []ofp.Message) ([]ofp.Message, []*flow, []ofp.Message) {
	out, groups := map[int]bool{}, map[uint32]bool{}
	for _, m := range r.Messages {
		out[m.Index] = true
		switch i := m.Index - len(before); {
		case i < 0:
			if g, ok := before[m.Index].(*ofp.GroupMod); ok {
				groups[g.Group.ID] = true
				b.refuseGroup(g.Group.ID, m.Err)
			} else {
				b.cfg.Log.Warn("the switch refused to remove learned flows: " + m.Err.Error())
			}
		case i < len(flows):
			if !flows[i].gone {
				b.refuse(flows[i], m.Err)
			}
		default:
			b.cfg.Log.Warn("the switch refused to remove a group: " + m.Err.Error())
		}
	}
	keep := func(msgs []ofp.Message, at int) (kept []ofp.Message) {
		for i, m := range msgs {
			if g, ok := m.(*ofp.GroupMod); ok && groups[g.Group.ID] { // one that was not refused may belong to one that was
				continue
			}
			if !out[at+i] {
				kept = append(kept, m)
			}
		}
		return kept
	}
	kept := make([]*flow, 0, len(flows))
	for i, f := range flows {
		if !out[len(before)+i] && !f.refused {
			kept = append(kept, f)
		}
	}
	return keep(before, 0), kept, keep(after, len(before)+len(flows))
}

// refuseGroup refuses the flows of every rule that uses a group.
func (b *Backend) refuseGroup(id uint32, why *ofp.Error) {
	for _, rec := range b.want.rules {
		if rec.more != nil && rec.flow != nil && slices.Contains(rec.more.groups, id) {
			b.refuse(rec.flow, why)
		}
	}
}

// refuse remembers that the switch does not take a flow.
func (b *Backend) refuse(f *flow, why *ofp.Error) {
	f.refused = true
	c := f.used()
	fail := backend.Failure{Rule: c.rule, Kind: backend.Invalid, Detail: why.Cause()}
	fail.Owner.Kind = c.kind
	binary.BigEndian.PutUint32(fail.Owner.UUID[:], c.cookie) // all that is kept of it
	b.want.failed[c.rule] = fail
}

// The Geneve option of OVN (ovn-architecture(7), "Tunnel Encapsulations").
const (
	optClass = 0x0102
	optType  = 0x80
	optLen   = 4
	maxTLVs  = 64
)

// tunnelOption finds or makes the tunnel metadata field for Geneve's option; -1
// when the switch has no room for it.
func (b *Backend) tunnelOption(ctx context.Context, conn *ofconn.Conn) (int, error) {
	for range 3 { // another controller may take the field that we chose
		t, err := conn.TLVTable(ctx)
		if err != nil {
			return -1, err
		}
		used := map[uint16]bool{}
		for _, m := range t.Maps {
			if m.Class == optClass && m.Type == optType && m.Len == optLen {
				return int(m.Index), nil
			}
			used[m.Index] = true
		}
		index := uint16(0)
		for used[index] {
			index++
		}
		if index >= maxTLVs || index >= t.MaxFields {
			break
		}
		err = conn.Apply(ctx, &ofp.TLVTableMod{Command: ofp.TLVAdd,
			Maps: []ofp.TLVMap{{Class: optClass, Type: optType, Len: optLen, Index: index}}})
		if refused := new(ofconn.Refused); err != nil && !errors.As(err, &refused) {
			return -1, err
		}
	}
	b.cfg.Log.Warn(errNoTunOpt.Error())
	return -1, nil
}
