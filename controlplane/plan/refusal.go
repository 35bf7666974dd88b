package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// refusal is that the target has said no to an entry.
type refusal struct {
	segment flatten.SegmentID
	kind    backend.Kind
	detail  string
	tries   int
	again   time.Time // when it will be tried again; zero: when the path or the target changes
	trying  bool      // it is being tried again
}

// The pause before another try doubles with each refusal.
const (
	firstPause = time.Second      // of what is said to be transient
	fullPause  = 10 * time.Second // of a full table or a conflict: that takes longer to go by
	maxPause   = 5 * time.Minute
	minDrop    = 1 << 10 // refusals from which on those of paths that are gone are looked for
)

// Report takes what came of a Delta.
func (p *Planner) Report(now time.Time, r offload.Report) {
	p.setLost(r.Failures)
	var failures []offload.Failure
	var noRoom []entryKey
	var segments []flatten.SegmentID // of noRoom
	for _, f := range r.Failures {
		k, ok := p.failed(f)
		if !ok || p.places[f.Segment] == nil {
			continue // about something that is gone by now
		}
		if failures = append(failures, f); f.Kind == backend.Full && !k.trap {
			noRoom, segments = append(noRoom, k), append(segments, f.Segment)
		}
	}
	full := len(noRoom) > 0 && p.full(now, noRoom, segments, len(failures))
	if slices.ContainsFunc(r.Failures, func(f offload.Failure) bool { return f.Kind == backend.Full && p.isLost(f) }) {
		p.shrink()
	}
	for _, f := range failures {
		k, _ := p.failed(f)
		if full && f.Kind == backend.Full && !k.trap {
			continue
		}
		x := p.refused[k]
		if x == nil {
			if len(p.refused) >= p.dropAt {
				p.dropRefused()
			}
			x = &refusal{segment: f.Segment}
			p.refused[k] = x
		}
		x.kind, x.detail, x.trying = f.Kind, f.Detail, false
		x.tries++
		x.again = x.pause(now)
		p.stale[f.Segment] = true
	}
}

// setLost takes over which ingresses the target has no place for. It is not asked for
// less because of that: it tries again by itself, and there may be room at once when a
// device comes back.
func (p *Planner) setLost(failures []offload.Failure) {
	p.lost = map[flatten.SegmentID]string{}
	for _, f := range failures {
		if p.isLost(f) {
			p.lost[f.Segment] = fmt.Sprintf("%s: %s", f.Kind, f.Detail)
		}
	}
}

// isLost tells whether the target has no place for a whole ingress.
func (p *Planner) isLost(f offload.Failure) bool {
	_, root := f.Segment.Ingress()
	return root && f.Path == 0
}

// absence is why nothing of a segment is installed though the target was told to; nil
// if it is.
func (p *Planner) absence(id flatten.SegmentID, path *flatten.Path) *Reason {
	why, lost := p.lost[id]
	if !lost {
		return nil
	}
	return p.because(Reason{Code: Refused, Detail: why, Fix: "what it says; it is tried again", Rule: lastRule(path)})
}

// failed finds the entry that the target has failed to install.
func (p *Planner) failed(f offload.Failure) (k entryKey, ok bool) {
	x := p.installed[f.Segment]
	if x == nil {
		return k, false
	}
	t := x.table
	i := slices.IndexFunc(t.Entries, func(e offload.Entry) bool { return e.Path.ID == f.Path })
	if i < 0 {
		return k, false
	}
	trap := t.Entries[i].Trap
	if s := p.places[f.Segment]; trap && s != nil && s.why != nil {
		if n, ok := s.find(f.Path); ok && n < len(s.why) && s.why[n] == nil {
			return k, false // it is a trap for the moment only, see Delta
		}
	}
	return entryKey{f.Path, trap}, true
}

func (x *refusal) pause(now time.Time) time.Time {
	pause := firstPause
	switch x.kind {
	case backend.Transient:
	case backend.Full, backend.Conflict:
		pause = fullPause
	default:
		return time.Time{}
	}
	return now.Add(min(pause<<min(x.tries-1, 16), maxPause))
}

// dropRefused forgets refusals of paths that are gone.
func (p *Planner) dropRefused() {
	for k, x := range p.refused {
		if s := p.places[x.segment]; s != nil {
			if _, ok := s.find(k.path); ok {
				continue
			}
		}
		delete(p.refused, k)
	}
	p.dropAt = max(minDrop, 2*len(p.refused))
}

// Hurry says that something has come, such as a network device: what the target could not do for the moment is tried again at once.
func (p *Planner) Hurry(now time.Time) {
	for _, x := range p.refused {
		if x.kind == backend.Transient && !x.again.IsZero() {
			x.again = now
		}
	}
}

// retry lets those paths be tried again whose time has come.
func (p *Planner) retry(now time.Time) {
	for _, x := range p.refused {
		if !x.trying && !x.again.IsZero() && !now.Before(x.again) {
			x.trying = true
			p.stale[x.segment] = true
		}
	}
}

// refusal is what the target said of a path, as a trap or not; nil for nothing.
func (p *Planner) refusal(path *flatten.Path, trap bool) *Reason {
	x := p.refused[entryKey{path.ID, trap}]
	if x == nil || x.trying {
		return nil
	}
	r := Reason{Code: Refused, Detail: fmt.Sprintf("%s: %s", x.kind, x.detail), Rule: lastRule(path)}
	if trap {
		r.Detail = "a trap: " + r.Detail
	}
	if !x.again.IsZero() {
		r.Fix = "none needed: it is tried again after a pause"
	}
	return p.because(r)
}
