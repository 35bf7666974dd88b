package plan

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/internal/wire"
)

// sighting is what the data path says of a station: where it has learned it, and where it is holding it; zero for nowhere.
type sighting struct{ learned, held bridging.Attachment }

// SetStations tells which stations the data path has learned, or is holding, all of them. The result is whether rows may have to be written.
func (p *Plan) SetStations(list []bridging.Sighted) (changed bool) {
	p.sightings = make(map[station]sighting, len(list))
	for _, l := range list {
		p.sight(l.Learned)
	}
	changed = !p.known
	p.known = true
	if len(p.missed) > 0 && p.cfg.Now().After(p.grace) {
		p.missed, changed = nil, true
	}
	changed = p.locate() || changed
	if p.shrunk {
		p.shrunk = false
		changed = p.trim(list) || changed
	}
	return changed
}

// trim has as many stations forgotten as there is room for no more: those that nothing was sent to for longest.
func (p *Plan) trim(list []bridging.Sighted) (changed bool) {
	idle := map[station]time.Duration{}
	for _, l := range list {
		s := station{l.Segment, l.MAC}
		if d, there := idle[s]; !there || l.Idle < d {
			idle[s] = l.Idle
		}
	}
	known := slices.SortedFunc(maps.Keys(p.stations), func(a, b station) int {
		return cmp.Or(cmp.Compare(idle[a], idle[b]), cmp.Compare(a.segment, b.segment), cmp.Compare(a.mac.Uint64(), b.mac.Uint64()))
	})
	for _, s := range known[min(len(known), int(p.common.TableSize)):] {
		seen := p.sightings[s]
		for _, l := range []bridging.Learned{{At: seen.learned}, {At: seen.held, Held: true}} {
			if l.Segment, l.MAC = s.segment, s.mac; l.At != (bridging.Attachment{}) {
				p.forgotten = append(p.forgotten, l)
			}
		}
		delete(p.sightings, s)
		delete(p.stations, s)
		changed = true
	}
	return changed
}

// Heard tells of stations that the data path has learned, is holding or has forgotten since then. The result is that of SetStations.
func (p *Plan) Heard(news []bridging.Learned) (changed bool) {
	for _, l := range news {
		p.sight(l)
	}
	for _, l := range news {
		changed = p.locateOne(station{l.Segment, l.MAC}) || changed
	}
	return changed
}

func (p *Plan) sight(l bridging.Learned) {
	s := station{l.Segment, l.MAC}
	seen := p.sightings[s]
	if l.Held {
		seen.held = l.At
	} else {
		seen.learned = l.At
	}
	p.keep(s, seen)
}

func (p *Plan) keep(s station, seen sighting) {
	if seen == (sighting{}) {
		delete(p.sightings, s)
	} else {
		p.sightings[s] = seen
	}
}

// locate says anew where stations are, all of them; locateOne that of one. The result is whether others are known than before.
func (p *Plan) locate() (changed bool) {
	for s := range p.stations {
		if _, there := p.sightings[s]; !there {
			delete(p.stations, s)
			changed = true
		}
	}
	for s := range p.sightings {
		changed = p.locateOne(s) || changed
	}
	return changed
}

// locateOne believes what was learned, and then what is held. What cannot be is to be forgotten: a station at an attachment, or in a segment, that is not there
// any more, or that is held where it was before it was learned elsewhere.
func (p *Plan) locateOne(s station) (changed bool) {
	seen := p.sightings[s]
	forget := func(at *bridging.Attachment, held bool) {
		p.forgotten = append(p.forgotten, bridging.Learned{Segment: s.segment, MAC: s.mac, At: *at, Held: held})
		*at = bridging.Attachment{}
	}
	none := bridging.Attachment{}
	if seen.learned != none && !p.has(s.segment, seen.learned) {
		forget(&seen.learned, false)
	}
	if seen.held != none && (!p.has(s.segment, seen.held) || seen.learned != none && seen.learned != seen.held) {
		forget(&seen.held, true)
	}
	p.keep(s, seen)
	_, before := p.stations[s]
	if seen == (sighting{}) {
		delete(p.stations, s)
		return before
	}
	p.stations[s] = cmp.Or(seen.learned, seen.held)
	delete(p.missed, s)
	return !before
}

// has tells whether the attachment is one of the segment.
func (p *Plan) has(segment uint64, at bridging.Attachment) bool {
	ls, there := p.places[at]
	return there && segmentID(ls) == segment
}

// Forgotten are the stations that the data path should forget since the last call.
func (p *Plan) Forgotten() (list []bridging.Learned) {
	list, p.forgotten = p.forgotten, nil
	return list
}

// Location is where a station was learned, or is held; nil for nowhere.
func (p *Plan) Location(segment uint64, mac wire.MAC) *bridging.Attachment {
	if at, there := p.stations[station{segment, mac}]; there {
		return &at
	}
	return nil
}

// Learned are the stations that are known.
func (p *Plan) Learned() iter.Seq[bridging.Learned] {
	return func(yield func(bridging.Learned) bool) {
		for s, at := range p.stations {
			if !yield(bridging.Learned{Segment: s.segment, MAC: s.mac, At: at}) {
				return
			}
		}
	}
}

// Forgot says that the switch has lost all that it had learned, by a start of its own. The rows of stations stay for as long as these may be silent, or until
// they are heard: from then on it is known again where they are.
func (p *Plan) Forgot() {
	p.grace = p.cfg.Now().Add(time.Duration(p.Aging()) * time.Second)
	p.missed = map[station]bool{}
	for row := range p.db.UcastMacsLocal.All() {
		if mac, err := wire.ParseMAC(row.MAC); err == nil {
			p.missed[station{segmentID(row.LogicalSwitch), mac}] = true
		}
	}
}

// SetCounters tells what the data path has counted, and whether that is news.
func (p *Plan) SetCounters(c map[bridging.Attachment]bridging.Counters) bool {
	same := maps.Equal(c, p.counters)
	p.counters = c
	return !same
}

// SetRefusals tells which flows the data path does not have, and whether that is news.
func (p *Plan) SetRefusals(r []flowset.Refusal) bool {
	same := slices.Equal(r, p.refusals)
	p.refusals = r
	return !same
}
