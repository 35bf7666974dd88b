package plan

import (
	"time"

	"github.com/sluice-gw/sluice/offload/flatten"
)

// learned is the room that a target has turned out to have which had said nothing of a
// bound: a driver tells that its table is full by refusing what comes next.
type learned struct {
	entries int // 0: it has not been full yet
	probe   time.Time
	pause   time.Duration // to the next probe after that
	passed  bool          // nothing was refused since the last one
}

// Of a learned bound, a little more is tried after a pause, which doubles when that was
// too much.
const (
	probePause    = time.Minute
	maxProbePause = 16 * time.Minute
	probePart     = 8 // of the room
	minProbe      = 2 // entries
)

// room is how many entries there is room for; 0 for no bound that is known.
func (p *Planner) room() int {
	if l := p.learned.entries; l > 0 && (p.caps.Entries == 0 || l < p.caps.Entries) {
		return l
	}
	return p.caps.Entries
}

// full takes it that the target was full: of those entries that it was told it has not
// taken refused, among them some paths for which there was no room. They are cold from now
// on, and what the target has taken is its bound. ok is false when it has taken nothing:
// then it is not room that is missing.
func (p *Planner) full(now time.Time, paths []entryKey, segments []flatten.SegmentID, refused int) (ok bool) {
	taken := -refused
	for _, x := range p.installed {
		taken += len(x.table.Entries)
	}
	if taken <= 0 {
		return false
	}
	l := &p.learned
	l.pause = min(max(2*l.pause, probePause), maxProbePause)
	l.entries, l.probe, l.passed = taken, now.Add(l.pause), false
	for i, k := range paths {
		p.cold[k.path] = true
		p.stale[segments[i]] = true
	}
	return true
}

// shrink takes back some room: a target needs more than entries, and had none left for that.
func (p *Planner) shrink() {
	l := &p.learned
	if l.entries > 0 {
		l.entries = max(1, l.entries-max(minProbe, l.entries/probePart))
		p.settled = true // room is taken away now
	}
}

// probe tries whether there is more room by now, and forgets the bound when it keeps
// nothing out any more.
func (p *Planner) probe(now time.Time) {
	l := &p.learned
	if l.entries == 0 || now.Before(l.probe) {
		return
	}
	if len(p.cold) == 0 {
		*l = learned{}
		return
	}
	if l.passed {
		l.pause = probePause
	}
	l.entries += max(minProbe, l.entries/probePart)
	l.probe, l.passed = now.Add(l.pause), true
	p.settled = true // room is given away now
}

// Crowded tells whether paths are not offloaded for want of room: then what they are to the
// fallback decides which get it (Observe).
func (p *Planner) Crowded() bool { return len(p.cold) > 0 }
