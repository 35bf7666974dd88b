package vtepserve

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/internal/wire"
)

// rulebook is the data path as rules for the offload, and what has changed of them since it was told.
type rulebook struct {
	on       bool // rules are made; else only what they would be made of is kept
	set      *rules.Set
	aging    uint16
	segments map[uint64]*segmentRules
	keys     map[uint32]uint64              // segments by what they are called among rules
	sources  map[ir.RuleID]bridging.Learned // of rules that frames of a learned station go through
}

// segmentRules is what the rules of a segment are made of.
type segmentRules struct {
	bridging.Segment // its Stations are those of the last time that all were told; stations has them as they are
	is               bridging.Identity
	stations         map[wire.MAC]*whereabouts
}

// whereabouts are what is known of a station; nil for nothing.
type whereabouts struct {
	learned *bridging.Attachment
	remote  *bridging.Remote
	source  ir.RuleID // of its rule in sources; 0 for none
	// to are the rules that frames to it go through: where it was learned, and where it is remote. 0 for none.
	to [2]ir.RuleID
}

func newRulebook() *rulebook {
	return &rulebook{set: rules.NewSet(), segments: map[uint64]*segmentRules{}, keys: map[uint32]uint64{}, sources: map[ir.RuleID]bridging.Learned{}}
}

// begin has rules made from now on, all of them anew; end ends that.
func (b *rulebook) begin() {
	b.end()
	b.on = true
	b.put(rules.Key{}, bridging.Rules())
	for _, s := range b.segments {
		b.write(s)
	}
}

func (b *rulebook) end() {
	b.on = false
	b.set.Reset()
	clear(b.sources)
}

// setAging says after how many seconds a learned station is forgotten.
func (b *rulebook) setAging(seconds uint16) {
	if seconds == b.aging {
		return
	}
	b.aging = seconds
	for _, s := range b.segments {
		b.putSegment(s)
	}
}

// setSegments takes over segments with their stations; one without attachments is gone. owner is the row that a segment is made of.
func (b *rulebook) setSegments(changed map[uint64]bridging.Segment, owner func(uint64) ir.Owner) {
	ids := slices.Sorted(maps.Keys(changed))
	for _, id := range ids { // what is given up first can be taken by another one
		if old := b.segments[id]; old != nil && (len(changed[id].Attachments) == 0 || old.VNI != changed[id].VNI) {
			b.drop(id, old)
		}
	}
	for _, id := range ids {
		seg := changed[id]
		if len(seg.Attachments) == 0 {
			continue
		}
		s := b.segments[id]
		if s == nil {
			s = &segmentRules{is: bridging.Identity{Datapath: b.key(seg), Owner: owner(id)}, stations: map[wire.MAC]*whereabouts{}}
			b.segments[id], b.keys[s.is.Datapath] = s, id
		}
		s.Segment = seg
		at := map[wire.MAC]bridging.Remote{}
		for _, st := range seg.Stations {
			at[st.MAC] = st.At
		}
		for mac, w := range s.stations {
			if _, there := at[mac]; !there {
				w.remote = nil
			}
		}
		for mac, r := range at {
			s.at(mac).remote = &r
		}
		b.write(s)
	}
}

// drop forgets a segment, with all its rules.
func (b *rulebook) drop(id uint64, s *segmentRules) {
	b.put(segmentKey(id), nil)
	for mac := range s.stations {
		b.putStation(s, mac, nil)
	}
	delete(b.segments, id)
	delete(b.keys, s.is.Datapath)
}

// key finds a free name for a segment, the same in each run as long as no two want one: its VNI, or for one without tunnels a part of its number.
func (b *rulebook) key(s bridging.Segment) uint32 {
	const untunnelled = 1 << 31
	k := s.VNI
	if k == 0 {
		k = untunnelled | uint32(s.ID>>33)
	}
	for {
		if _, taken := b.keys[k]; !taken && k != 0 {
			return k
		}
		k++
	}
}

// setRemote says where the controller has a station; nil for nowhere. If that is new, what was learned of it before is void: Open vSwitch forgets it, too.
func (b *rulebook) setRemote(segment uint64, mac wire.MAC, at *bridging.Remote) {
	if s := b.segments[segment]; s != nil {
		w := s.at(mac)
		if at != nil && (w.remote == nil || *w.remote != *at) {
			w.learned = nil
		}
		w.remote = at
		b.putStation(s, mac, w)
	}
}

// setLearned says which stations Open vSwitch has learned, all of them.
func (b *rulebook) setLearned(all func(yield func(bridging.Learned) bool)) {
	now := map[uint64]map[wire.MAC]bridging.Attachment{}
	for l := range all {
		if now[l.Segment] == nil {
			now[l.Segment] = map[wire.MAC]bridging.Attachment{}
		}
		now[l.Segment][l.MAC] = l.At
	}
	for id, s := range b.segments {
		for mac, w := range s.stations {
			if at, there := now[id][mac]; !there && w.learned != nil || there && w.learned != nil && *w.learned != at {
				w.learned = nil
				if there {
					w.learned = &at
				}
				b.putStation(s, mac, w)
			}
		}
		for mac, at := range now[id] {
			if w := s.at(mac); w.learned == nil {
				w.learned = &at
				b.putStation(s, mac, w)
			}
		}
	}
}

// setLocation says where Open vSwitch has learned one station; nil for nowhere.
func (b *rulebook) setLocation(segment uint64, mac wire.MAC, at *bridging.Attachment) {
	s := b.segments[segment]
	if s == nil || at == nil && s.stations[mac] == nil {
		return
	}
	if w := s.at(mac); at == nil && w.learned != nil || at != nil && (w.learned == nil || *w.learned != *at) {
		w.learned = at
		b.putStation(s, mac, w)
	}
}

// source is the rule that frames of a learned station go through; 0 for none.
func (b *rulebook) source(segment uint64, mac wire.MAC) ir.RuleID {
	if s := b.segments[segment]; s != nil && s.stations[mac] != nil {
		return s.stations[mac].source
	}
	return 0
}

// heat is how many packets rules would have had by what Open vSwitch has counted for stations: learned or held ones, and remote ones.
func (b *rulebook) heat(local, remote []bridging.Sighted) map[ir.RuleID]uint64 {
	packets := map[ir.RuleID]uint64{}
	for i, list := range [][]bridging.Sighted{local, remote} {
		for _, l := range list {
			if s := b.segments[l.Segment]; s != nil && s.stations[l.MAC] != nil {
				if rule := s.stations[l.MAC].to[i]; rule != 0 {
					packets[rule] += l.Packets
				}
			}
		}
	}
	return packets
}

// at is what is known of a station.
func (s *segmentRules) at(mac wire.MAC) *whereabouts {
	w := s.stations[mac]
	if w == nil {
		w = &whereabouts{}
		s.stations[mac] = w
	}
	return w
}

// write states all rules of a segment.
func (b *rulebook) write(s *segmentRules) {
	b.putSegment(s)
	for mac, w := range s.stations {
		b.putStation(s, mac, w)
	}
}

func (b *rulebook) putSegment(s *segmentRules) {
	if b.on {
		b.put(segmentKey(s.ID), s.Rules(s.is, b.aging))
	}
}

// putStation states the rules of a station; nil: it has none.
func (b *rulebook) putStation(s *segmentRules, mac wire.MAC, w *whereabouts) {
	if old := s.stations[mac]; old != nil && old.source != 0 {
		delete(b.sources, old.source)
		old.source = 0
	}
	var list []ir.Rule
	switch {
	case w == nil:
	case w.learned == nil && w.remote == nil:
		delete(s.stations, mac)
	case b.on:
		list = s.StationRules(s.is, mac, w.learned, w.remote)
	}
	if w != nil {
		w.to = [2]ir.RuleID{}
	}
	for _, r := range list {
		switch {
		case r.Stage == bridging.TargetStage && w.learned != nil && w.to[0] == 0:
			w.to[0] = r.ID
		case r.Stage == bridging.TargetStage:
			w.to[1] = r.ID
		}
		if r.Stage == bridging.SourceStage {
			w.source = r.ID
			b.sources[r.ID] = bridging.Learned{Segment: s.ID, MAC: mac, At: *w.learned}
		}
	}
	b.put(stationKey(s.ID, mac), list)
}

func (b *rulebook) put(k rules.Key, list []ir.Rule) {
	if b.on || list == nil {
		b.set.Put(k, list)
	}
}

// segmentKey and stationKey are owners in the set, which knows rows by numbers of 16 bytes: here those of segment and station.
func segmentKey(segment uint64) rules.Key {
	k := stationKey(segment, wire.MAC{})
	k.Part = 1
	return k
}

func stationKey(segment uint64, mac wire.MAC) (k rules.Key) {
	k.Owner.Kind = ir.OwnerLogicalSwitch
	binary.BigEndian.PutUint64(k.Owner.UUID[:8], segment)
	copy(k.Owner.UUID[8:], mac[:])
	return k
}
