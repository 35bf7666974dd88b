package tc

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// edit is how a packet differs from the one that came into the segment. Actions of tc change one packet, one after the other, while
// those of a path begin with the packet as it came: so from action to action what was changed for the last one must be undone.
type edit struct {
	set    map[ir.Field]bits // headers, the VLAN tag that the packet came with, and the mark
	ttl    int               // by how much the TTL was decremented
	popped bool
	pushed []flatten.VLAN
	tunnel map[ir.Field]bits // outer headers to be, which matter to tunnels only
}

// bits are those of a field that mask selects.
type bits struct{ val, mask ir.Value }

func (b bits) with(s ir.Sub, v ir.Value) bits {
	m := ir.Ones(int(s.N)).Shl(int(s.Ofs))
	return bits{b.val.And(m.Not()).Or(v.Shl(int(s.Ofs)).And(m)), b.mask.Or(m)}
}

// editOf is what a rewrite makes of a packet that matches t. The error says for what tc has no action.
func editOf(r *flatten.Rewrite, t *terms) (e edit, err error) {
	if r.IsZero() {
		return edit{}, nil
	}
	e = edit{set: map[ir.Field]bits{}, tunnel: map[ir.Field]bits{}, ttl: int(r.DecTTL), pushed: r.PushVLAN}
	write := func(s ir.Sub, v ir.Value) {
		if s.Field >= ir.TunID && s.Field <= ir.TunDst6 {
			e.tunnel[s.Field] = e.tunnel[s.Field].with(s, v)
			return
		}
		e.set[s.Field] = e.set[s.Field].with(s, v)
	}
	for _, s := range r.Set {
		write(s.Dst, s.Value)
	}
	for _, c := range r.Copy {
		v, ok := t.known(c.Src)
		if !ok {
			return e, fmt.Errorf("copying %s to %s: tc writes constants only", c.Src, c.Dst)
		}
		write(c.Dst, v)
	}
	if r.PopVLAN > 1 {
		return e, fmt.Errorf("taking off %d VLAN headers: packets with more than one stay in the fallback", r.PopVLAN)
	}
	if e.popped = r.PopVLAN == 1; e.popped {
		delete(e.set, ir.VLANTCI) // what may be under it is not there
	}
	for f := range e.set {
		if !slices.Contains(editable, f) {
			return e, fmt.Errorf("writing %s: tc has no action for it", f)
		}
	}
	return e, nil
}

// editable are the headers and metadata that can be written.
var editable = []ir.Field{ir.PktMark, ir.EthSrc, ir.EthDst, ir.VLANTCI, ir.IPDSCP, ir.IPECN, ir.IPTTL, ir.IP4Src, ir.IP4Dst,
	ir.IP6Src, ir.IP6Dst, ir.IP6Label, ir.TCPSrc, ir.TCPDst, ir.UDPSrc, ir.UDPDst}

// to appends the actions that make of a packet in state e one in state want. t is what is known of the packet as it came.
func (e *edit) to(want *edit, t *terms, actions []flower.Action) ([]flower.Action, error) {
	if e.isZero() && want.isZero() {
		return actions, nil
	}
	tagged, actions, err := e.strip(want, t, actions)
	if err != nil {
		return nil, err
	}
	var changes []change
	for f := range ir.NumFields {
		c, err := e.change(want, f, t)
		switch {
		case err != nil:
			return nil, err
		case c.mask.IsZero() || f == ir.VLANTCI:
			continue
		}
		changes = append(changes, c)
	}
	actions, err = appendEdits(actions, changes, want.ttl-e.ttl, t)
	if err != nil {
		return nil, err
	}
	return tagged(actions)
}

// isZero tells whether the packet is as it came, but for its outer headers.
func (e *edit) isZero() bool {
	return len(e.set) == 0 && e.ttl == 0 && !e.popped && len(e.pushed) == 0
}

// change is what is to be written to a field.
type change struct {
	ir.Field
	bits
}

// change is what must be written to f: what want has, and what the packet came with where only e has something.
func (e *edit) change(want *edit, f ir.Field, t *terms) (change, error) {
	have, w := e.set[f], want.set[f]
	restore := have.mask.And(w.mask.Not())
	if !restore.And(t.mask[f].Not()).IsZero() && f != ir.PktMark {
		return change{}, fmt.Errorf("an output with %s as it came behind one that has it rewritten: what it was is not known", f)
	}
	was := t.val[f].And(restore) // the mark of packets that come in is 0
	c := bits{w.val.Or(was), w.mask.Or(restore)}
	same := have.mask.And(have.val.Xor(c.val).Not()) // has it already
	c.mask = c.mask.And(same.Not())
	c.val = c.val.And(c.mask)
	return change{f, c}, nil
}

// strip appends what takes VLAN headers off, and returns what puts on those that want has, for when the headers below are done.
func (e *edit) strip(want *edit, t *terms, actions []flower.Action) (tagged func([]flower.Action) ([]flower.Action, error), _ []flower.Action, err error) {
	own := e.set[ir.VLANTCI]
	if e.popped == want.popped && slices.Equal(e.pushed, want.pushed) && own == want.set[ir.VLANTCI] {
		return func(a []flower.Action) ([]flower.Action, error) { return a, nil }, actions, nil
	}
	for range e.pushed {
		actions = append(actions, flower.Action{Op: flower.VLAN{What: flower.VLANPop}, Control: flower.Pipe})
	}
	if want.popped && !e.popped {
		actions = append(actions, flower.Action{Op: flower.VLAN{What: flower.VLANPop}, Control: flower.Pipe})
	}
	return func(actions []flower.Action) ([]flower.Action, error) {
		c, err := e.change(want, ir.VLANTCI, t)
		if err != nil && !want.popped {
			return nil, err
		}
		tci := c.val.Lo
		if e.popped && !want.popped {
			if !t.exact(ir.VLANTCI) {
				return nil, fmt.Errorf("an output with the VLAN header as it came behind one without it: what it was is not known")
			}
			tci = t.val[ir.VLANTCI].Lo&^c.mask.Lo | c.val.Lo
			actions = append(actions, tag(flower.VLANPush, uint16(tci), 0))
		} else if !want.popped && !c.mask.IsZero() {
			if c.mask.Lo&0xfff != 0xfff || c.mask.Lo&0xe000 != 0 && c.mask.Lo&0xe000 != 0xe000 {
				known, ok := t.known(ir.Bits(ir.VLANTCI, 0, 12))
				if !ok || c.mask.Lo&0xe000 != 0xe000 {
					return nil, fmt.Errorf("writing a part of the VLAN header (mask %#x): tc writes ID and priority whole", c.mask.Lo)
				}
				tci |= known.Lo &^ c.mask.Lo
			}
			m := tag(flower.VLANModify, uint16(tci), 0)
			if c.mask.Lo&0xe000 == 0 {
				op := m.Op.(flower.VLAN)
				op.Prio = flower.Opt[uint8]{}
				m.Op = op
			}
			actions = append(actions, m)
		}
		for _, v := range want.pushed {
			actions = append(actions, tag(flower.VLANPush, v.TCI, v.TPID))
		}
		return actions, nil
	}, actions, nil
}

// tag is an action that writes a VLAN header, with 802.1Q where tpid is 0.
func tag(what flower.VLANChange, tci, tpid uint16) flower.Action {
	typ := flower.EtherType(tpid)
	if typ == 0 {
		typ = flower.EtherVLAN
	}
	return flower.Action{Op: flower.VLAN{What: what, ID: tci & 0xfff, TPID: typ, Prio: flower.Some(uint8(tci >> 13))}, Control: flower.Pipe}
}
