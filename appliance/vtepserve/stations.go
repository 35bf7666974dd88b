package vtepserve

import (
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/offload"
)

// read takes what the data path says.
func (s *Switch) read(r reading) {
	var meanwhile []bridging.Learned
	if r.whole {
		meanwhile = s.reader.news.end()
	}
	s.take()
	s.plan.Settle()
	if !s.whole {
		return
	}
	if !r.whole {
		s.hold(r.idle)
		return
	}
	if r.fresh {
		s.plan.Forgot()
	}
	for i, l := range r.stations {
		if d, there := r.idle[s.short.book.source(l.Segment, l.MAC)]; there {
			r.stations[i].Idle = min(l.Idle, d)
		}
	}
	changed := s.plan.SetStations(r.stations)
	changed = s.plan.Heard(meanwhile) || changed
	if r.counters != nil {
		changed = s.plan.SetCounters(r.counters) || changed
	}
	changed = s.plan.SetRefusals(s.bridge.Refusals()) || changed
	s.due = s.due || changed || r.fresh
	s.short.book.setLearned(s.plan.Learned())
	if !s.short.known && s.plan.Offload().Mode != offload.Off {
		s.holdAll()
	}
	s.short.known = true
	s.hold(r.idle)
	s.renew(r.stations)
	s.short.measure(r)
}

// hear takes what the data path tells of stations by itself. Before the first reading that does not say where all the others are.
func (s *Switch) hear(news []bridging.Learned) {
	s.take()
	s.plan.Settle()
	if !s.short.known {
		return
	}
	s.due = s.plan.Heard(news) || s.due
	for _, l := range news {
		s.short.book.setLocation(l.Segment, l.MAC, s.plan.Location(l.Segment, l.MAC))
	}
}

// forget removes stations from the data path.
func (s *Switch) forget() {
	var flows []flowset.Flow
	for _, l := range s.plan.Forgotten() {
		if f, err := l.Flow(); err == nil {
			flows = append(flows, f)
		}
	}
	if len(flows) > 0 && s.bridge.Remove(flows) == nil {
		s.log.Info(fmt.Sprintf("forgot %d stations that have moved, or were learned where nothing is bound any more", len(flows)))
	}
}

// hold keeps stations in the data path whose frames do not come there because they are offloaded.
func (s *Switch) hold(idle map[ir.RuleID]time.Duration) {
	var mods []*ofp.FlowMod
	aging := s.plan.Aging()
	for l, left := range s.short.hold(time.Now(), idle, time.Duration(aging)*time.Second) {
		if m, err := l.Hold(uint16(left/time.Second), aging); err == nil {
			mods = append(mods, m)
		}
	}
	if len(mods) > 0 {
		_ = s.bridge.Change(mods) // without a connection there is nobody who could forget them
	}
}

// holdAll holds the stations that are found at a start. What the offload has seen of them before is not known yet, and until it is they could be forgotten.
func (s *Switch) holdAll() {
	aging := s.plan.Aging()
	var mods []*ofp.FlowMod
	for l := range s.plan.Learned() {
		if m, err := l.Hold(aging, aging); err == nil {
			mods = append(mods, m)
		}
	}
	_ = s.bridge.Change(mods) // as in hold
}

// renewAfter is how long flows may have an effect that are not there any more: Open vSwitch revalidates its cache each half second.
const renewAfter = 2 * time.Second

// renew has a change of the aging time count for stations that were learned, or held, before it. They are held for the new time: from now on, as Open vSwitch does not
// say when it has heard them last. What was learned goes by its cookie, which what has been learned since the change does not have, so that no station is held
// where it was before.
func (s *Switch) renew(list []bridging.Sighted) {
	aging := s.plan.Aging()
	var mods []*ofp.FlowMod
	old := map[uint16]bool{}
	for _, l := range list {
		if l.Aging == aging {
			continue
		}
		old[l.Aging] = old[l.Aging] || !l.Held
		if at := s.plan.Location(l.Segment, l.MAC); at != nil && *at == l.At {
			if m, err := l.Hold(aging, aging); err == nil {
				mods = append(mods, m)
			}
		}
	}
	switch {
	case len(old) == 0 || s.bridge.Status().Pending > 0:
		s.aged = time.Time{}
		return
	case s.aged.IsZero():
		s.aged = time.Now()
		return
	case time.Since(s.aged) < renewAfter:
		return
	}
	for seconds, learned := range old {
		if learned {
			mods = append(mods, bridging.ForgetAged(seconds))
		}
	}
	if s.bridge.Change(mods) == nil {
		clear(s.short.holds) // those whose frames are offloaded are held anew for as long as they may still be silent
		s.log.Info(fmt.Sprintf("%d stations are forgotten after %d s of silence from now on", len(mods), aging))
	}
}
