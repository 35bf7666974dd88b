package vtepserve

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
)

func station(n int) wire.MAC { return wire.MAC{2, 0, 0, 0, 0, byte(n)} }

func remote(n int) bridging.Remote {
	return bridging.Remote{IP: netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})}
}

func nobody(uint64) ir.Owner { return ir.Owner{Kind: ir.OwnerLogicalSwitch} }

// model is what a rulebook was told, and what a target was.
type model struct {
	segments map[uint64]bridging.Segment
	learned  map[bridging.Learned]bool
	target   map[ir.RuleID]ir.Rule
}

func (m *model) take(t *testing.T, b *rulebook) {
	t.Helper()
	var d backend.Delta
	b.set.Take(&d)
	for _, id := range d.Del {
		if _, has := m.target[id]; !has {
			t.Fatalf("rule %x goes that was not there", id)
		}
		delete(m.target, id)
	}
	for _, r := range d.Put {
		m.target[r.ID] = r
	}
}

// fresh are the rules of a rulebook that is told all at once.
func (m *model) fresh() map[ir.RuleID]ir.Rule {
	b := newRulebook()
	b.setAging(300)
	b.setSegments(m.segments, nobody)
	b.setLearned(maps.Keys(m.learned))
	b.begin()
	var d backend.Delta
	b.set.Take(&d)
	all := map[ir.RuleID]ir.Rule{}
	for _, r := range d.Put {
		all[r.ID] = r
	}
	return all
}

// change makes one random change, as the plan would tell it.
func (m *model) change(b *rulebook, rnd *rand.Rand) {
	id := uint64(rnd.IntN(3)+1) << 33
	s, there := m.segments[id]
	switch n := rnd.IntN(6); {
	case !there || n == 0:
		s = bridging.Segment{ID: id, Tunnel: 9, Attachments: []bridging.Attachment{{Port: ofp.Port(id >> 33), VLAN: 100}, {Port: ofp.Port(id >> 33), VLAN: 200}}, Unknown: []bridging.Remote{remote(9)}}
		if rnd.IntN(3) > 0 { // each has VNIs of its own
			s.VNI = uint32(id>>33)*10 + uint32(rnd.IntN(3))
		}
		for i := range 4 {
			if s.VNI != 0 && rnd.IntN(2) == 0 {
				s.Stations = append(s.Stations, bridging.Station{MAC: station(i), At: remote(i)})
			}
		}
		m.segments[id] = s
		b.setSegments(map[uint64]bridging.Segment{id: s}, nobody)
	case n == 1:
		delete(m.segments, id)
		b.setSegments(map[uint64]bridging.Segment{id: {ID: id}}, nobody)
	case n == 2 && s.VNI != 0:
		mac := station(rnd.IntN(4))
		s.Stations = slices.DeleteFunc(slices.Clone(s.Stations), func(st bridging.Station) bool { return st.MAC == mac })
		if rnd.IntN(2) == 0 {
			b.setRemote(id, mac, nil)
		} else {
			at := remote(rnd.IntN(4))
			s.Stations = append(s.Stations, bridging.Station{MAC: mac, At: at})
			b.setRemote(id, mac, &at)
		}
		m.segments[id] = s
	default:
		for l := range m.learned {
			if l.MAC == station(rnd.IntN(6)) {
				delete(m.learned, l)
			}
		}
		l := bridging.Learned{Segment: id, MAC: station(rnd.IntN(6)), At: s.Attachments[rnd.IntN(2)]}
		maps.DeleteFunc(m.learned, func(o bridging.Learned, _ bool) bool { return o.Segment == l.Segment && o.MAC == l.MAC })
		m.learned[l] = true
	}
	maps.DeleteFunc(m.learned, func(l bridging.Learned, _ bool) bool { _, there := m.segments[l.Segment]; return !there })
	if rnd.IntN(2) == 0 { // as the next reading would
		b.setLearned(maps.Keys(m.learned))
		return
	}
	for id := range m.segments { // as the data path tells by itself
		for i := range 6 {
			b.setLocation(id, station(i), m.location(id, station(i)))
		}
	}
}

// location is where a station was learned.
func (m *model) location(segment uint64, mac wire.MAC) *bridging.Attachment {
	for l := range m.learned {
		if l.Segment == segment && l.MAC == mac {
			return &l.At
		}
	}
	return nil
}

// Whatever changes, one after the other, a target has the rules in the end that it would get from a new rulebook, also when they are switched off and on again.
func TestRulebook(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		b, m := newRulebook(), &model{segments: map[uint64]bridging.Segment{}, learned: map[bridging.Learned]bool{}, target: map[ir.RuleID]ir.Rule{}}
		b.setAging(300)
		b.begin()
		for i := range 100 {
			if rnd.IntN(20) == 0 {
				b.end()
				m.change(b, rnd)
				b.begin()
				clear(m.target) // the target is told to forget all
			}
			m.change(b, rnd)
			m.take(t, b)
			want := m.fresh()
			if !maps.EqualFunc(m.target, want, func(x, y ir.Rule) bool { return x.ID == y.ID }) {
				t.Fatalf("seed %d, change %d: the target has %d rules, not %d", seed, i, len(m.target), len(want))
			}
			sources := 0
			for id, r := range m.target {
				l, is := b.sources[id]
				if is != (r.Stage == bridging.SourceStage && r.Priority == 150) || is && !m.learned[l] {
					t.Fatalf("seed %d, change %d: rule %s is one of %+v, %v", seed, i, r, l, is)
				}
				if is {
					sources++
				}
			}
			if sources != len(b.sources) {
				t.Fatalf("seed %d, change %d: %d sources, %d of them with rules", seed, i, len(b.sources), sources)
			}
		}
	}
}

// Two segments never have one name among rules, also when one takes the VNI of the other in the same change.
func TestRulebookKeys(t *testing.T) {
	b := newRulebook()
	seg := func(id uint64, vni uint32) bridging.Segment {
		return bridging.Segment{ID: id, VNI: vni, Tunnel: 9, Attachments: []bridging.Attachment{{Port: ofp.Port(id), VLAN: 1}}}
	}
	expect := func(want map[uint64]uint32) {
		t.Helper()
		got := map[uint64]uint32{}
		for id, s := range b.segments {
			got[id] = s.is.Datapath
			if b.keys[s.is.Datapath] != id {
				t.Errorf("%d is the name of %d, not of %d", s.is.Datapath, b.keys[s.is.Datapath], id)
			}
		}
		if !maps.Equal(got, want) || len(b.keys) != len(want) {
			t.Errorf("names %v, not %v; %v", got, want, b.keys)
		}
	}
	b.setSegments(map[uint64]bridging.Segment{1: seg(1, 5), 2: seg(2, 6)}, nobody)
	expect(map[uint64]uint32{1: 5, 2: 6})
	b.setSegments(map[uint64]bridging.Segment{1: seg(1, 6), 2: seg(2, 5)}, nobody)
	expect(map[uint64]uint32{1: 6, 2: 5})
	b.setSegments(map[uint64]bridging.Segment{1: seg(1, 0), 2: seg(2, 0)}, nobody) // and their numbers begin alike
	expect(map[uint64]uint32{1: 1 << 31, 2: 1<<31 + 1})
	b.setSegments(map[uint64]bridging.Segment{1: {ID: 1}}, nobody)
	expect(map[uint64]uint32{2: 1<<31 + 1})
}

// A station is held until its frames have been silent for the aging time, neither longer nor shorter, and not each time that it is looked at.
func TestHoldTimes(t *testing.T) {
	const aging, rule = 100 * time.Second, ir.RuleID(7)
	x := &shortcut{book: newRulebook(), holds: map[bridging.Learned]time.Time{}}
	l := bridging.Learned{Segment: 1, MAC: station(1), At: bridging.Attachment{Port: 1}}
	x.book.sources[rule] = l
	start := time.Unix(1000, 0)
	ends, holds := time.Time{}, 0
	look := func(after, idle time.Duration) {
		now := start.Add(after)
		for got, left := range x.hold(now, map[ir.RuleID]time.Duration{rule: idle}, aging) {
			if got != l {
				t.Errorf("%+v is held", got)
			}
			holds++
			ends = now.Add(left)
		}
	}
	for s := range 300 { // it speaks
		look(time.Duration(s)*time.Second, 0)
	}
	if holds < 3 || holds > 30 {
		t.Errorf("it was held %d times in 300 s", holds)
	}
	for s := range 200 { // it is silent
		look(time.Duration(300+s)*time.Second, time.Duration(s)*time.Second)
	}
	if want := start.Add(300*time.Second + aging); !ends.Equal(want) {
		t.Errorf("it is held until %v, not %v", ends, want)
	}
	delete(x.book.sources, rule)
	holds = 0
	if look(600*time.Second, 0); holds > 0 || len(x.holds) > 0 {
		t.Errorf("a station that is known elsewhere is held: %v", x.holds)
	}
}
