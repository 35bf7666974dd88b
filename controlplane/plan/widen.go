package plan

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// widen is what the target can ask for of m: all packets of m have it, and others.
func widen(c *offload.Caps, m ir.Match) ir.Match {
	whole := true
	var terms []ir.Term
	for t := range m.Terms() {
		a := c.Match[t.Field]
		if !a.Holds(t.Mask) {
			whole = false
			t.Mask = narrower(a, t.Mask)
			t.Value = t.Value.And(t.Mask)
		}
		if !t.Mask.IsZero() {
			terms = append(terms, t)
		}
	}
	if whole {
		return m
	}
	return ir.MustMatch(terms...) // of one match, so they do not contradict
}

// narrower is the most bits of mask that a can ask for; none if it cannot.
func narrower(a offload.FieldAbility, mask ir.Value) ir.Value {
	mask = mask.And(a.Mask)
	for !mask.IsZero() && !a.Holds(mask) {
		if a.Form == offload.Whole {
			return ir.Value{}
		}
		mask = mask.And(mask.Sub(ir.V(1))) // without the lowest bit
	}
	return mask
}

// hide takes out those paths of s that have no chance behind a trap: one that is
// wider than it should be and has all their packets, or one that the target refused
// and that has some of them.
func (p *Planner) hide(s *place) {
	paths := s.seg.Paths
	var able *flatten.Overlaps // paths that can be offloaded, once they are asked for
	for i, trap := range paths {
		barred := p.refusal(trap, true)
		if s.alone[i] == nil {
			s.alone[i] = barred // were it offloaded by itself, it would still have to be a trap because of what follows
		}
		if s.alone[i] == nil {
			continue
		}
		wide := widen(&p.caps, trap.Match)
		if wide == trap.Match && barred == nil {
			continue
		}
		if wide != trap.Match {
			if s.wide == nil {
				s.wide = map[flatten.PathID]ir.Match{}
			}
			s.wide[trap.ID] = wide
		}
		if able == nil {
			able = s.able()
		}
		able.Each(trap.Match, func(k int) bool {
			if k > i && s.alone[k] == nil && (barred != nil || within(paths[k].Match, wide)) {
				s.alone[k] = p.hidden(s.alone[i], barred)
			}
			return true
		})
	}
}

// able are the paths that can be offloaded by themselves.
func (s *place) able() *flatten.Overlaps {
	o := &flatten.Overlaps{}
	for i, path := range s.seg.Paths {
		if s.alone[i] == nil {
			o.Add(path.Match, i)
		}
	}
	return o
}

// hidden is the reason of a path behind a trap.
func (p *Planner) hidden(trap, barred *Reason) *Reason {
	detail := "the trap is there because of " + trap.Code.String()
	if barred != nil {
		detail += "; the target refused " + barred.Detail
	}
	return p.because(Reason{Code: Behind, Detail: detail, Rule: trap.Rule})
}

// within tells whether all packets of a match b.
func within(a, b ir.Match) bool {
	both, ok := a.And(b)
	return ok && both == a
}
