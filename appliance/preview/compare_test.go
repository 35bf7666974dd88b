package preview

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// packet is all that the paths of these tests ask for.
type packet struct {
	tag, dscp uint64 // of 2 bits
	long      bool
	state     [3]uint64 // of its connection, of 1 bit, by zone; 0 in zone 0
}

func packets() (all []packet) {
	for n := range uint64(128) {
		all = append(all, packet{n & 3, n >> 2 & 3, n>>4&1 == 1, [3]uint64{0, n >> 5 & 1, n >> 6}})
	}
	return all
}

// meets tells whether p is what a path asks for, in a segment of a zone.
func (p packet) meets(path *flatten.Path, zone uint16) bool {
	for t := range path.Match.Terms() {
		if v := map[ir.Field]uint64{ir.VLANTCI: p.tag, ir.IPDSCP: p.dscp, ir.CTState: p.state[zone]}[t.Field]; ir.V(v).And(t.Mask) != t.Value {
			return false
		}
	}
	return !slices.ContainsFunc(path.If, func(c flatten.Condition) bool { return p.long == c.Not })
}

// walk are the paths that a packet meets, up to where nothing more is to be done.
func (p packet) walk(x *picture) (met []plan.Status) {
	for id := flatten.IngressID(1); id != none; {
		for _, s := range x.segments[id] {
			if p.meets(s.Path, s.Segment.Zone) {
				met = append(met, s)
				id = target(s)
				if s.Reason != nil {
					id = none
				}
				break
			}
		}
	}
	return met
}

// drawPath is a path with a match on some bits, a condition perhaps, and a jump to one of some segments perhaps.
func drawPath(t *rapid.T, in *flatten.Segment, to []flatten.SegmentID) plan.Status {
	p := &flatten.Path{ID: flatten.PathID(rapid.Uint64().Draw(t, "id"))}
	var terms []ir.Term
	for _, f := range []ir.Field{ir.VLANTCI, ir.IPDSCP, ir.CTState} {
		bits := uint64(3)
		if f == ir.CTState {
			bits = uint64(in.Zone+1) / 2 // nothing is known in zone 0
		}
		if mask := rapid.Uint64Range(0, bits).Draw(t, "mask"); mask != 0 {
			terms = append(terms, ir.Masked(f, rapid.Uint64Range(0, bits).Draw(t, "value"), mask))
		}
	}
	p.Match = ir.MustMatch(terms...)
	if rapid.IntRange(0, 3).Draw(t, "if") == 0 {
		p.If = []flatten.Condition{{Kind: flatten.Longer, N: 1000, Not: rapid.Bool().Draw(t, "not")}}
	}
	s := plan.Status{Segment: in, Path: p, Reached: true}
	switch n := rapid.IntRange(-2, len(to)-1).Draw(t, "to"); {
	case n == -2:
		s.Reason = &plan.Reason{}
	case n >= 0:
		p.Jump = &flatten.Jump{CT: &ir.CT{}, To: to[n]}
	}
	return s
}

// drawPicture has an ingress and, with jumps, other segments behind it.
func drawPicture(t *rapid.T, jumps bool) *picture {
	x := &picture{ports: map[string]uint32{"vif": 1}, segments: map[flatten.SegmentID][]plan.Status{}}
	ids := []flatten.SegmentID{flatten.IngressID(1)}
	if jumps {
		ids = append(ids, 2, 3)
	}
	for i, id := range ids {
		in := drawSegment(t, id)
		for range rapid.IntRange(0, 4).Draw(t, "paths") {
			x.segments[id] = append(x.segments[id], drawPath(t, in, ids[i+1:]))
		}
		x.segments[id] = append(x.segments[id], plan.Status{Segment: in, Path: &flatten.Path{ID: flatten.PathID(rapid.Uint64().Draw(t, "id"))}, Reached: true})
	}
	return x
}

// drawSegment is behind connection tracking in one of two zones, unless it is an ingress.
func drawSegment(t *rapid.T, id flatten.SegmentID) *flatten.Segment {
	s := &flatten.Segment{ID: id}
	if _, root := id.Ingress(); !root {
		s.Tracked, s.Zone = true, rapid.Uint16Range(1, 2).Draw(t, "zone")
	}
	return s
}

// drawChange is a picture with something taken away, put in, or decided otherwise.
func drawChange(t *rapid.T, x *picture) *picture {
	y := &picture{ports: x.ports, segments: map[flatten.SegmentID][]plan.Status{}}
	for _, id := range []flatten.SegmentID{flatten.IngressID(1), 2, 3} {
		in := drawSegment(t, id)
		for _, s := range x.segments[id] {
			s.Segment = in
			switch last := len(s.Path.Match.Key())+len(s.Path.If) == 0; rapid.IntRange(0, 7).Draw(t, "change") {
			case 0:
				if !last {
					continue
				}
			case 1:
				y.segments[id] = append(y.segments[id], drawPath(t, in, nil))
			case 2:
				path := *s.Path
				path.ID, path.Jump = flatten.PathID(rapid.Uint64().Draw(t, "id")), nil
				s.Path = &path
				if s.Reason == nil {
					s.Reason = &plan.Reason{}
				} else {
					s.Reason = nil
				}
			}
			y.segments[id] = append(y.segments[id], s)
		}
	}
	return y
}

// show is for failures.
func show(x *picture) (text string) {
	for id, paths := range x.segments {
		text += id.String() + "\n"
		for _, s := range paths {
			text += fmt.Sprintf("  %016x fallback %v: %s\n", uint64(s.Path.ID), s.Reason != nil, s.Path)
		}
	}
	return text
}

// TestPacketsThatMove: what becomes different for any packet is found.
func TestPacketsThatMove(t *testing.T) {
	leave, join := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		x := drawPicture(t, true)
		y := drawChange(t, x)
		c := compare(x, y)
		for _, p := range packets() {
			before, after := p.walk(x), p.walk(y)
			from, to := before[len(before)-1], after[len(after)-1]
			switch {
			case from.Reason == nil && to.Reason != nil:
				leave++
				if _, found := c.leaves[to.Path.ID]; !found {
					t.Fatalf("%+v leaves, and nobody has noticed\n%s\n%s", p, show(x), show(y))
				}
			case from.Reason != nil && to.Reason == nil:
				join++
				if !slices.ContainsFunc(after, func(s plan.Status) bool { _, found := c.joins[s.Path.ID]; return found }) {
					t.Fatalf("%+v joins, and nobody has noticed\n%s\n%s", p, show(x), show(y))
				}
			}
		}
	})
	if leave == 0 || join == 0 {
		t.Error("no packet moves: this test tests nothing")
	}
}

// TestOnlyPacketsThatMove: where everything is known of the packets, nothing else is found, and the packets of a move are
// some that move.
func TestOnlyPacketsThatMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawPicture(t, false)
		y := drawChange(t, x)
		c := compare(x, y)
		for _, list := range []map[flatten.PathID]move{c.leaves, c.joins} {
			for id, m := range list {
				if m.after.Path.ID != id || (m.before.Reason == nil) == (m.after.Reason == nil) || !slices.ContainsFunc(packets(), func(p packet) bool {
					return p.walk(x)[0].Path == m.before.Path && p.walk(y)[0].Path == m.after.Path && p.meets(&flatten.Path{Match: m.packets}, 0)
				}) {
					t.Fatalf("no packet moves from %v to %v\n%s\n%s", m.before.Path, m.after.Path, show(x), show(y))
				}
			}
		}
	})
}

// TestOutside holds the search for packets against looking at all of them.
func TestOutside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := &flatten.Segment{Zone: 1}
		r := region{match: drawPath(t, in, nil).Path.Match}
		var paths []*flatten.Path
		var covers []region
		for range rapid.IntRange(0, 6).Draw(t, "paths") {
			paths = append(paths, drawPath(t, in, nil).Path)
			covers = append(covers, asked(paths[len(paths)-1], false))
		}
		want := slices.ContainsFunc(packets(), func(p packet) bool {
			return p.meets(&flatten.Path{Match: r.match}, in.Zone) && !slices.ContainsFunc(paths, func(path *flatten.Path) bool { return p.meets(path, in.Zone) })
		})
		if got := outside(r, covers); got != want {
			t.Fatalf("%v outside %v: %v", r, paths, got)
		}
	})
}

// TestCarried: behind a jump only that is known which it cannot have changed.
func TestCarried(t *testing.T) {
	m := ir.MustMatch(ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IP4Dst, 7), ir.Exact(ir.IPTTL, 3), ir.Exact(ir.CTState, 1), ir.Exact(ir.EthDst, 9))
	for _, x := range []struct {
		jumps []*flatten.Jump
		want  string
	}{
		{[]*flatten.Jump{nil, {}}, m.String()},
		{[]*flatten.Jump{{CT: &ir.CT{}}}, "eth.dst=9, eth.type=2048, ip.ttl=3, ip4.dst=7"},
		{[]*flatten.Jump{{CT: &ir.CT{NAT: &ir.NAT{}}}, {Rewrite: flatten.Rewrite{DecTTL: 1}}}, "eth.dst=9, eth.type=2048"},
		{[]*flatten.Jump{{Rewrite: flatten.Rewrite{Set: []ir.Set{{Dst: ir.All(ir.EthDst)}}}}}, "ct_state=1, eth.type=2048, ip.ttl=3, ip4.dst=7"},
	} {
		if got := carried(m, x.jumps...).String(); got != x.want {
			t.Errorf("got %s, want %s", got, x.want)
		}
	}
}
