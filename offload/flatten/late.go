package flatten

import "maps"

// A packet that a path has changed cannot be handed to the fallback as it came any
// more. So a path that changes it and jumps may be offloaded only if there is no
// trap to be met behind the jump.

// fragile are the segments from which a trap can be reached, themselves included;
// but for traps that can hand packets over in the middle.
func (f *Flattener) fragile() map[SegmentID]bool {
	fragile := map[SegmentID]bool{}
	var mark func(id SegmentID)
	mark = func(id SegmentID) {
		if fragile[id] {
			return
		}
		fragile[id] = true
		for from := range f.jumps[id] {
			mark(from)
		}
	}
	for id, s := range f.segments {
		if s.traps && !(f.cfg.Handover && s.entered) {
			mark(id)
		}
	}
	return fragile
}

// lateTargets are the segments to which a jump of s comes too late.
func lateTargets(s *segment, fragile map[SegmentID]bool) map[SegmentID]bool {
	late := maps.Clone(s.dirty)
	maps.DeleteFunc(late, func(id SegmentID, _ bool) bool { return !fragile[id] })
	return late
}

// Commits tells whether something has happened where the jump of p ends that the
// fallback would do again or could not undo: then its packets must not meet a trap there.
func (p *Path) Commits() bool { return p.Jump != nil && commits(p.Actions, p.Jump.CT, &p.Jump.Rewrite) }
