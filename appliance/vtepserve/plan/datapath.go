package plan

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
)

// SetStations tells which stations the data path has learned, or is holding, all of them. It returns those that it should forget: they are known at an attachment,
// or in a segment, that is not there any more, or are held where they were before they were learned elsewhere. changed tells whether rows may have to be written.
func (p *Plan) SetStations(list []bridging.Learned) (forget []bridging.Learned, changed bool) {
	now := make(map[station]bridging.Attachment, len(list))
	take := func(held bool) {
		for _, l := range list {
			if l.Held != held {
				continue
			}
			s := station{l.Segment, l.MAC}
			ls, there := p.places[l.At]
			at, learned := now[s]
			switch {
			case !there || segmentID(ls) != l.Segment || learned && at != l.At:
				forget = append(forget, l)
			default:
				now[s] = l.At
			}
		}
	}
	take(false)
	take(true)
	same := p.known && len(now) == len(p.stations)
	for s := range now {
		if _, had := p.stations[s]; !had {
			same = false
		}
	}
	ended := !p.grace.IsZero() && p.cfg.Now().After(p.grace)
	if ended {
		p.grace = time.Time{}
	}
	p.stations, p.known = now, true
	return forget, !same || ended
}

// Learned are the stations of SetStations that stay.
func (p *Plan) Learned() iter.Seq[bridging.Learned] {
	return func(yield func(bridging.Learned) bool) {
		for s, at := range p.stations {
			if !yield(bridging.Learned{Segment: s.segment, MAC: s.mac, At: at}) {
				return
			}
		}
	}
}

// Forgot says that the switch has lost all that it had learned, by a start of its own. For as long as a station may be silent the rows of those that it knew
// stay.
func (p *Plan) Forgot() { p.grace = p.cfg.Now().Add(time.Duration(p.Aging()) * time.Second) }

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
