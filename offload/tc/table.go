package tc

import (
	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// table is an offload.Table with what is asked of it again and again.
type table struct {
	offload.Table
	jumps  map[flatten.SegmentID]bool // that its paths jump to
	tagged bool                       // it does something with packets that have a VLAN header, but drop them
	paths  map[flatten.PathID]bool
}

func tableOf(t offload.Table) *table {
	x := &table{Table: t, jumps: map[flatten.SegmentID]bool{}, paths: map[flatten.PathID]bool{}}
	for i := range t.Entries {
		e := &t.Entries[i]
		x.paths[e.Path.ID] = true
		if e.Trap {
			continue
		}
		if e.Path.Jump != nil {
			x.jumps[e.Path.Jump.To] = true
		}
		tci, _ := e.Match.Term(ir.VLANTCI)
		x.tagged = x.tagged || !tci.Value.IsZero() && (e.Path.Jump != nil || len(e.Path.Actions) > 0)
	}
	return x
}

// refusals are what a kernel or device has refused of a chain, by what the filters match.
type refusals struct {
	path, trap map[refused]*offload.Failure
}

type refused struct {
	wide  string
	where program
}

func (r *refusals) is(list map[refused]*offload.Failure, x *rule, where program) *offload.Failure {
	return list[refused{x.wide.Key(), where}]
}

// compile makes the rules of a table for one place. late says which segments a path must not jump to once it has changed packets,
// and deep whether it must not jump at all.
func (t *table) compile(p *place, to outlets, no *refusals, where []program, late func(flatten.SegmentID) string, deep bool) []*rule {
	var rules []*rule
	seen := map[string]bool{}
	for i := range t.Entries {
		e := &t.Entries[i]
		r := t.rule(e, p, to)
		if r == nil || seen[r.wide.Key()] {
			continue // no packet gets here
		}
		seen[r.wide.Key()] = true
		if !r.trap && r.jump != nil {
			switch why := late(r.jump.To); {
			case deep:
				r.fail(t.Segment, backend.Full, "the kernel follows %d jumps from chain to chain for one packet, and this is one more", maxJumps)
			case r.dirty && why != "":
				r.fail(t.Segment, backend.Unsupported, "what it does cannot be undone, and %s may have to hand the packet to the fallback: %s", r.jump.To, why)
			}
		}
		rules = append(rules, r)
	}
	for _, g := range where {
		t.withdraw(rules, no, g)
	}
	return rules
}

// rule translates one entry; nil if no packet comes that matches it.
func (t *table) rule(e *offload.Entry, p *place, to outlets) *rule {
	r := &rule{path: e.Path.ID, trap: e.Trap, asked: p.ask(e.Match, e.Path.If)}
	r.wide = r.asked.wide
	switch {
	case len(r.asked.matches) == 0:
		return nil
	case r.trap:
	case len(r.asked.lacks) > 0:
		r.fail(t.Segment, backend.Unsupported, "%s", r.asked.lacks[0])
	default:
		var err error
		if r.actions, err = p.act(e.Path, termsOf(e.Match), to); err != nil {
			r.fail(t.Segment, backend.Unsupported, "%s", err)
			break
		}
		r.jump, r.dirty = e.Path.Jump, isDirty(e.Path)
	}
	return r
}

// withdraw makes traps of the rules that were refused, and of the paths behind traps that were refused.
func (t *table) withdraw(rules []*rule, no *refusals, g program) {
	blocked := &overlaps[*offload.Failure]{}
	for _, r := range rules {
		why := no.is(no.path, r, g)
		if why == nil && !r.trap {
			blocked.each(r.wide, func(f *offload.Failure) bool { why = f; return false })
		}
		r.trapIn[g] = why != nil && !r.trap
		if f := no.is(no.trap, r, g); f != nil && (r.trap || r.trapIn[g]) {
			r.goneIn[g] = true
			blocked.add(r.wide, f)
		}
		if r.trapIn[g] {
			own := *why
			if own.Path != r.path {
				own.Path, own.Detail = r.path, "behind what was refused: "+own.Detail
			}
			r.failed = &own
		}
	}
}
