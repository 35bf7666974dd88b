package flatten

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Segment is the paths of packets that come in by a port, or that paths of other
// segments jump to with. It is a value: nobody changes it.
type Segment struct {
	ID SegmentID
	// Stage is where its packets are: phy_to_log for an ingress.
	Stage string
	// Paths in order: what counts for a packet is the first that it matches. Every
	// packet matches one.
	Paths []*Path
	// Tracked says that its packets have the state of a connection, of this Zone, and that
	// it matters.
	Tracked bool
	Zone    uint16

	entry   []ir.Op
	entryOK bool
}

// Entry are operations that bring a packet into the state in which the segment takes
// it over, and on through the pipeline from there: so the fallback can take over
// what a trap of the segment hands to it. The packet must be as it came into the
// segment, with the state of its connection if the segment is Tracked, and with
// registers of 0. ok is false when there are no such operations.
func (s *Segment) Entry() (ops []ir.Op, ok bool) { return s.entry, s.entryOK }

// Change is how one segment differs from what it was.
type Change struct {
	ID SegmentID
	// Segment is what it is now; nil when it is gone.
	Segment *Segment
	Removed []*Path
	Added   []*Path
	// Relabelled are paths that do what they did but for packets that go through other
	// rules or, for a trap, for another reason.
	Relabelled []*Path
	// Reordered says that paths which stayed have changed places.
	Reordered bool
}

// shown is what was handed out of a segment.
type shown struct {
	*Segment
	of   *segment           // what it was made of
	late map[SegmentID]bool // jumps to these were refused
}

// Segments are all segments, ingresses first, in the order of their IDs.
func (f *Flattener) Segments() iter.Seq[*Segment] {
	ids := slices.SortedFunc(maps.Keys(f.shown), CompareIDs)
	return func(yield func(*Segment) bool) {
		for _, id := range ids {
			if !yield(f.shown[id].Segment) {
				return
			}
		}
	}
}

// Segment is the segment with an ID, nil for none.
func (f *Flattener) Segment(id SegmentID) *Segment {
	if s := f.shown[id]; s != nil {
		return s.Segment
	}
	return nil
}

// Rules are all rules, in no order.
func (f *Flattener) Rules() iter.Seq[ir.Rule] {
	return func(yield func(ir.Rule) bool) {
		for _, r := range f.rules {
			if !yield(r.Rule) {
				return
			}
		}
	}
}

// Rule is the rule with an ID, for those who explain a Reason; nil for none.
func (f *Flattener) Rule(id ir.RuleID) *ir.Rule {
	if r := f.rules[id]; r != nil {
		return &r.Rule
	}
	return nil
}

// CompareIDs is the order of Segments: ingresses by port first.
func CompareIDs(a, b SegmentID) int {
	_, x := a.Ingress()
	_, y := b.Ingress()
	if x != y {
		if x {
			return -1
		}
		return 1
	}
	return cmp.Compare(a, b)
}

// show hands out what has changed.
func (f *Flattener) show() []Change {
	traps := f.fragile()
	var changes []Change
	for id, s := range f.segments {
		old := f.shown[id]
		late := lateTargets(s, traps)
		if old != nil && old.of == s && maps.Equal(old.late, late) {
			continue
		}
		now := &shown{s.segment(), s, late}
		c := Change{ID: id, Segment: now.Segment}
		c.fill(s, late, old)
		f.shown[id] = now
		if old == nil || len(c.Removed)+len(c.Added)+len(c.Relabelled) > 0 || c.Reordered {
			changes = append(changes, c)
		}
	}
	for id, old := range f.shown {
		if f.segments[id] == nil {
			delete(f.shown, id)
			changes = append(changes, Change{ID: id, Removed: old.Paths})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return CompareIDs(a.ID, b.ID) })
	return changes
}

// segment is s without its paths.
func (s *segment) segment() *Segment {
	out := &Segment{ID: s.id, Stage: s.at.name}
	if out.Tracked = s.reads.tracking() && s.env.tracked(); out.Tracked && s.reads.zone {
		out.Zone = s.env.zone
	}
	out.entry, out.entryOK = s.entry()
	return out
}

// fill makes the paths of s and compares them with what was shown before. Paths that
// are what they were stay the same values.
func (c *Change) fill(s *segment, late map[SegmentID]bool, old *shown) {
	before := map[PathID]*Path{}
	if old != nil {
		for _, p := range old.Paths {
			before[p.ID] = p
		}
	}
	c.Segment.Paths = make([]*Path, 0, len(s.drafts))
	kept := map[PathID]bool{}
	for _, d := range s.drafts {
		p := d.path(s.id, late)
		switch was := before[p.ID]; {
		case was == nil:
			c.Added = append(c.Added, p)
		case was.sameOrigin(p):
			kept[p.ID] = true
			p = was
		default:
			kept[p.ID] = true
			c.Relabelled = append(c.Relabelled, p)
		}
		c.Segment.Paths = append(c.Segment.Paths, p)
	}
	if old == nil {
		return
	}
	var was []PathID
	for _, p := range old.Paths {
		if kept[p.ID] {
			was = append(was, p.ID)
		} else {
			c.Removed = append(c.Removed, p)
		}
	}
	for _, p := range c.Segment.Paths {
		if kept[p.ID] {
			if was[0] != p.ID {
				c.Reordered = true
				return
			}
			was = was[1:]
		}
	}
}

// sameOrigin tells whether p and o, which do the same, do it for the same reasons.
func (p *Path) sameOrigin(o *Path) bool {
	if (p.Reason == nil) != (o.Reason == nil) || p.Reason != nil && *p.Reason != *o.Reason {
		return false
	}
	a, b := p.lineage, o.lineage
	for a != b {
		if a == nil || b == nil || a.rule.ID != b.rule.ID || a.rule.Owner != b.rule.Owner {
			return false
		}
		a, b = a.before, b.before
	}
	return true
}

// path is the draft with an address for its jump and with its ID.
func (d *draft) path(in SegmentID, late map[SegmentID]bool) *Path {
	p := d.Path
	switch {
	case d.jump == nil:
	case d.dirty && late[d.jump.to.id]:
		p.Actions, p.Reason = nil, &Reason{Code: Late, Detail: d.jump.to.at.name}
		if d.lineage != nil {
			p.Reason.Rule = d.lineage.rule.ID
		}
	default:
		p.Jump = &Jump{CT: d.jump.ct, Rewrite: d.jump.rewrite, To: d.jump.to.id}
	}
	h := newHash(uint64(in)).text(p.Match.Key())
	for _, c := range p.If {
		h = h.text(c.String())
	}
	switch {
	case p.Reason != nil:
		h = h.add(uint64(p.Reason.Code))
	default:
		for _, a := range p.Actions {
			h = h.text(a.String())
			if a.Row != 0 {
				h = h.add(uint64(a.Row))
			}
		}
		if p.Jump != nil {
			h = h.text(p.Jump.String())
		}
	}
	p.ID = PathID(h)
	return &p
}
