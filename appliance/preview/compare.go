package preview

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// comparison finds what becomes different for packets between two pictures. It follows the packets of each port through both
// at once, set by set: where a set meets an offloaded path in one and a path that is not in the other, its packets move.
//
// What connection tracking finds, and how it translates, is not known, so behind it a set is only known by the headers that
// cannot have changed; it can then be larger than it is. A trap counts for all packets that meet it, also for those that were
// on their way to another one. So it may be said of a path that packets leave the hardware for it though none do, but not the
// other way round.
type comparison struct {
	before, after *picture
	// leaves and joins are by the path after the change.
	leaves, joins map[flatten.PathID]move

	work  []pair
	done  map[visit]bool
	count map[visit]int // by segments
	lists map[listKey]*list
}

// move is packets that one path sees to before a change and another one after it.
type move struct {
	before, after plan.Status
	packets       ir.Match
	port          string // one of those by which such packets come in
}

// visit is a set of packets in a segment before, and in one after.
type visit struct {
	before, after flatten.SegmentID
	packets       ir.Match
	end           flatten.PathID // where after is none: the path with which they are done
}

// none is in place of the segment of packets with which nothing more is to be done.
const none flatten.SegmentID = 0

// pair is a visit to come, and the offloaded paths that lead there.
type pair struct {
	visit
	from move
}

// compare compares two pictures.
func compare(before, after *picture) *comparison {
	c := &comparison{before: before, after: after, leaves: map[flatten.PathID]move{}, joins: map[flatten.PathID]move{},
		done: map[visit]bool{}, count: map[visit]int{}, lists: map[listKey]*list{}}
	for _, name := range slices.Sorted(maps.Keys(before.ports)) {
		if n, stays := after.ports[name]; stays {
			c.push(pair{visit{before: flatten.IngressID(before.ports[name]), after: flatten.IngressID(n)}, move{port: name}})
		}
	}
	for len(c.work) > 0 {
		p := c.work[len(c.work)-1]
		c.work = c.work[:len(c.work)-1]
		c.follow(p)
	}
	return c
}

// many different sets of packets in the same two segments are taken for all packets that there can be, so that the work
// is bounded by the segments.
const many = 64

// push has p looked at, unless it was.
func (c *comparison) push(p pair) {
	segments := visit{before: p.before, after: p.after}
	if p.after == none {
		p.end = p.from.after.Path.ID
	}
	if p.before == p.after || c.count[segments] >= many {
		p.visit = segments
	}
	if p.before == none && p.after == none || c.done[p.visit] {
		return
	}
	c.done[p.visit] = true
	c.count[segments]++
	c.work = append(c.work, p)
}

// listKey names a list.
type listKey struct {
	of    *picture
	id    flatten.SegmentID
	apart bool
}

func (c *comparison) list(of *picture, id flatten.SegmentID, apart bool) *list {
	k := listKey{of, id, apart}
	if c.lists[k] == nil {
		c.lists[k] = newList(of.segments[id], apart)
	}
	return c.lists[k]
}

// apart tells whether the states of connections in two segments have nothing to do with each other.
func (c *comparison) apart(before, after flatten.SegmentID) bool {
	a, b := c.before.segments[before], c.after.segments[after]
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	return a[0].Segment.Tracked != b[0].Segment.Tracked || a[0].Segment.Zone != b[0].Segment.Zone
}

// follow looks at the packets of p.
func (c *comparison) follow(p pair) {
	all := region{match: p.packets}
	a, b := c.list(c.before, p.before, c.apart(p.before, p.after)), c.list(c.after, p.after, false)
	switch {
	case p.before == none:
		c.alone(b, all, func(s plan.Status, r region) { c.meet(p, p.from.before, s, r) })
		return
	case p.after == none:
		c.alone(a, all, func(s plan.Status, r region) { c.meet(p, s, p.from.after, r) })
		return
	}
	twins := a.twins(b)
	twinned := map[int]bool{}
	for _, i := range twins {
		twinned[i] = true
	}
	for _, j := range b.meeting(p.packets) {
		twin, has := twins[j]
		if has {
			if r, ok := all.and(b.asks[j]); ok {
				c.meet(p, a.paths[twin], b.paths[j], r)
			}
			if len(twinned) == len(a.paths) {
				continue
			}
		}
		r, ok := all.and(b.asks[j])
		if !ok {
			continue
		}
		for _, i := range a.meeting(r.match) {
			if (!has || !twinned[i]) && c.matters(a.paths[i], b.paths[j]) {
				if r, ok := r.and(a.asks[i]); ok && outside(r, append(a.before(i, r.match), b.before(j, r.match)...)) {
					c.meet(p, a.paths[i], b.paths[j], r)
				}
			}
		}
	}
}

// alone calls do for the paths of a list that packets of r meet.
func (c *comparison) alone(l *list, r region, do func(plan.Status, region)) {
	for _, i := range l.meeting(r.match) {
		if both, ok := r.and(l.asks[i]); ok && outside(both, l.before(i, both.match)) {
			do(l.paths[i], both)
		}
	}
}

// matters tells whether something follows from packets that meet two paths.
func (c *comparison) matters(x, y plan.Status) bool {
	switch {
	case x.Reason != nil && y.Reason != nil:
		return false
	case x.Reason == nil && y.Reason == nil:
		return x.Path.Jump != nil || y.Path.Jump != nil
	case y.Reason != nil:
		_, known := c.leaves[y.Path.ID]
		return !known
	}
	_, known := c.joins[y.Path.ID]
	return !known
}

// meet notes what follows from packets of p that meet path x before the change and path y after it.
func (c *comparison) meet(p pair, x, y plan.Status, packets region) {
	if !c.matters(x, y) {
		return
	}
	m := move{x, y, packets.match, p.from.port}
	switch {
	case x.Reason == nil && y.Reason != nil:
		c.leaves[y.Path.ID] = m
	case x.Reason != nil && y.Reason == nil:
		c.joins[y.Path.ID] = m
	default:
		c.push(pair{visit{before: target(x), after: target(y), packets: carried(packets.match, x.Path.Jump, y.Path.Jump)}, m})
	}
}

// target is the segment in which the packets of a path go on.
func target(s plan.Status) flatten.SegmentID {
	if s.Path.Jump == nil {
		return none
	}
	return s.Path.Jump.To
}

// carried is what is still known of packets behind some jumps; nil is none.
func carried(m ir.Match, jumps ...*flatten.Jump) ir.Match {
	changed := map[ir.Field]bool{}
	note := func(fields ...ir.Field) {
		for _, f := range fields {
			changed[f] = true
		}
	}
	for _, j := range jumps {
		if j == nil {
			continue
		}
		for _, s := range j.Rewrite.Set {
			note(s.Dst.Field)
		}
		for _, x := range j.Rewrite.Copy {
			note(x.Dst.Field)
		}
		if j.Rewrite.DecTTL > 0 {
			note(ir.IPTTL)
		}
		if j.Rewrite.PopVLAN > 0 || len(j.Rewrite.PushVLAN) > 0 {
			note(ir.VLANTCI)
		}
		if j.CT == nil {
			continue
		}
		for f := ir.CTState; f <= ir.CTTPDst; f++ {
			note(f)
		}
		if j.CT.NAT != nil {
			note(ir.IP4Src, ir.IP4Dst, ir.IP6Src, ir.IP6Dst, ir.TCPSrc, ir.TCPDst, ir.UDPSrc, ir.UDPDst, ir.SCTPSrc, ir.SCTPDst)
		}
	}
	var terms []ir.Term
	for t := range m.Terms() {
		if !changed[t.Field] {
			terms = append(terms, t)
		}
	}
	return ir.MustMatch(terms...)
}
