package plan

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// place is a segment and what is decided about its paths.
type place struct {
	seg *flatten.Segment

	// What the segment has to do with, whatever is decided.
	entry  []ir.Op                    // see offload.Table
	leads  map[flatten.SegmentID]bool // to where paths jump
	ports  []uint32                   // that packets come in and go out by
	meters []string
	index  map[flatten.PathID]int // in seg.Paths; nil until it is asked for

	// What is decided for each path by itself, nil for a path that can be offloaded.
	alone []*Reason
	wide  map[flatten.PathID]ir.Match // of traps of which the target cannot ask for everything
	ends  bool                        // a path that can be offloaded ends here
	traps bool                        // there is one that cannot
	jumps map[flatten.SegmentID]jump  // of those that can

	// What is decided with what follows.
	useful  bool // some packets can be seen to without the fallback
	fragile bool // a packet that comes here may meet a trap, here or later, from which it cannot be handed over
	why     []*Reason
	goes    []flatten.SegmentID // to where offloaded paths jump
	table   *offload.Table      // nil when nothing is offloaded
	whole   *sent               // the table, when the target is told of it
	reached bool                // there is an offloaded way from an ingress to here
}

// jump says how paths go on in another segment.
type jump struct {
	clean   bool // some do as they came
	commits bool // some do changed, see flatten.Path.Commits
}

func newPlace(seg *flatten.Segment, handover bool) *place {
	s := &place{seg: seg, leads: map[flatten.SegmentID]bool{}}
	if _, root := seg.ID.Ingress(); handover && !root {
		s.entry, _ = seg.Entry()
	}
	ports, meters := map[uint32]bool{}, map[string]bool{}
	if port, root := seg.ID.Ingress(); root {
		ports[port] = true
	}
	for _, path := range seg.Paths {
		for i := range path.Actions {
			switch do := path.Actions[i].Do.(type) {
			case ir.ToPort:
				ports[do.Port] = true
			case ir.FirstUp:
				for _, n := range do.Ports {
					ports[n] = true
				}
			case ir.Meter:
				meters[do.Name] = true
			}
		}
		if path.Jump != nil {
			s.leads[path.Jump.To] = true
		}
	}
	s.ports, s.meters = slices.Collect(maps.Keys(ports)), slices.Collect(maps.Keys(meters))
	return s
}

// find is the index of a path.
func (s *place) find(id flatten.PathID) (i int, ok bool) {
	if s.index == nil {
		s.index = make(map[flatten.PathID]int, len(s.seg.Paths))
		for i, path := range s.seg.Paths {
			s.index[path.ID] = i
		}
	}
	i, ok = s.index[id]
	return i, ok
}

// judge decides for each path by itself.
func (p *Planner) judge(s *place) {
	paths := s.seg.Paths
	s.alone, s.wide, s.ends, s.traps, s.jumps = make([]*Reason, len(paths)), nil, false, false, map[flatten.SegmentID]jump{}
	j := judge{caps: &p.caps, ports: p.ports, meters: p.meters, seg: s.seg}
	var shut *Reason
	if number, root := s.seg.ID.Ingress(); root {
		port, known := p.ports[number]
		shut = j.unusable(number, port, known)
	}
	for i, path := range paths {
		j.path = path
		switch why := p.refusal(path, false); {
		case shut != nil:
			s.alone[i] = p.because(*shut)
		case path.Trap():
			s.alone[i] = p.because(Reason{Code: Code(path.Reason.Code), Detail: path.Reason.Detail, Rule: path.Reason.Rule})
		case why != nil:
			s.alone[i] = why
		default:
			if why := p.offThrough(path); why != nil {
				s.alone[i] = p.because(*why)
			} else if why := j.lacks(); why != nil {
				s.alone[i] = p.because(*why)
			} else if p.cold[path.ID] {
				s.alone[i] = p.because(Reason{Code: Room, Rule: lastRule(path)})
			}
		}
	}
	if shut == nil {
		p.hide(s)
	}
	for i, path := range paths {
		switch {
		case s.alone[i] != nil:
			s.traps = true
		case path.Jump == nil:
			s.ends = true
		default:
			to := s.jumps[path.Jump.To]
			if path.Commits() {
				to.commits = true
			} else {
				to.clean = true
			}
			s.jumps[path.Jump.To] = to
		}
	}
}
