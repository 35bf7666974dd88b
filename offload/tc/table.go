package tc

import (
	"errors"
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// table is an offload.Table with what is asked of it again and again.
type table struct {
	offload.Table
	jumps  map[flatten.SegmentID]bool // that its paths jump to
	tagged bool                       // it does something with packets that have a VLAN header, but drop them
	paths  map[flatten.PathID]bool
	ends   map[flatten.PathID]bool // those that do not jump, and are no traps
}

func tableOf(t offload.Table) *table {
	x := &table{Table: t, jumps: map[flatten.SegmentID]bool{}, paths: map[flatten.PathID]bool{}, ends: map[flatten.PathID]bool{}}
	for i := range t.Entries {
		e := &t.Entries[i]
		x.paths[e.Path.ID] = true
		if e.Trap {
			continue
		}
		if x.ends[e.Path.ID] = e.Path.Jump == nil; e.Path.Jump != nil {
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

// obstacles say of one program what stands in the way of paths; nil for nothing.
type obstacles interface {
	// closed is why a chain cannot be gone to, weak why what it does cannot be relied on to the end.
	closed(to flatten.SegmentID, where program) *offload.Failure
	weakness(to flatten.SegmentID, where program) string
}

// compile makes the rules of a table for one place. deep says that paths must not jump.
func (t *table) compile(p *place, to outlets, no *refusals, where []program, in obstacles, deep bool, known map[flatten.PathID]*form) []*rule {
	var rules []*rule
	seen := map[string]bool{}
	for i := range t.Entries {
		e := &t.Entries[i]
		f := known[e.Path.ID]
		if f == nil || f.match != e.Match || f.trap != e.Trap {
			f = formOf(e, p, to)
			known[e.Path.ID] = f
		}
		if len(f.asked.matches) == 0 || seen[f.asked.wide.Key()] {
			continue // no packet gets here
		}
		seen[f.asked.wide.Key()] = true
		r := &rule{form: f, path: e.Path.ID, wide: f.asked.wide, trap: f.trap}
		switch {
		case f.lack != "":
			r.fail(t.Segment, f.kind, "%s", f.lack)
		case f.jump != nil && deep:
			r.fail(t.Segment, backend.Transient, "the kernel follows %d jumps from chain to chain for one packet, and this is one more", maxJumps)
		}
		rules = append(rules, r)
	}
	for _, g := range where {
		t.withdraw(rules, no, in, g)
	}
	return rules
}

// form is what an entry amounts to at one place. It is never changed, so that the forms of two times can be compared by address.
type form struct {
	match ir.Match // of the entry
	trap  bool
	asked asked
	shape uint64       // of what is asked
	lack  string       // why it is to be a trap
	kind  backend.Kind // of the lack

	actions []flower.Action // of a path
	jump    *flatten.Jump
	dirty   bool // what it does before it jumps cannot be undone
}

func formOf(e *offload.Entry, p *place, to outlets) *form {
	f := &form{match: e.Match, trap: e.Trap, asked: p.ask(e.Match, e.Path.If)}
	f.shape = shapeOf(f.asked.wide)
	if !e.Trap {
		p.soleOption(f.asked.matches)
	}
	switch {
	case e.Trap || len(f.asked.matches) == 0:
	case len(f.asked.lacks) > 0:
		f.lack = f.asked.lacks[0]
	default:
		var err error
		if f.actions, err = p.act(e.Path, p.knows.of(e.Match), to); err != nil {
			if f.lack = err.Error(); errors.Is(err, errNoDevice) {
				f.kind = backend.Transient
			}
			break
		}
		f.jump, f.dirty = e.Path.Jump, isDirty(e.Path)
	}
	return f
}

// withdraw makes traps of the rules that were refused, of the paths behind traps that were refused, and of those that jump where
// they must not.
func (t *table) withdraw(rules []*rule, no *refusals, in obstacles, g program) {
	blocked := &overlaps[*offload.Failure]{}
	for _, r := range rules {
		var why *offload.Failure
		if !r.trap {
			why = t.obstacle(r, no, in, g)
			if why == nil {
				blocked.each(r.wide, func(f *offload.Failure) bool {
					behind := *f
					behind.Detail = "behind what was refused: " + f.Detail
					why = &behind
					return false
				})
			}
		}
		r.trapIn[g] = why != nil
		if f := no.is(no.trap, r, g); f != nil && (r.trap || r.trapIn[g]) {
			r.goneIn[g] = true
			blocked.add(r.wide, f)
		}
		if why != nil {
			own := *why
			own.Segment, own.Path = t.Segment, r.path
			r.failed = &own
		}
	}
}

// obstacle is what stands in the way of one path.
func (t *table) obstacle(r *rule, no *refusals, in obstacles, g program) *offload.Failure {
	if why := no.is(no.path, r, g); why != nil || r.jump == nil {
		return why
	}
	if why := in.closed(r.jump.To, g); why != nil {
		return why
	}
	if why := in.weakness(r.jump.To, g); why != "" && r.dirty {
		return &offload.Failure{Kind: backend.Unsupported, Detail: fmt.Sprintf(
			"what it does cannot be undone, and %s may have to hand the packet to the fallback: %s", r.jump.To, why)}
	}
	return nil
}
