package tc

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// program is where a filter is to be: each of them has a complete set of filters of its own, so that it is right whatever the other
// one has. Its number is added to priorities.
type program uint16

const (
	inDevice program = 0 // skip_sw
	inKernel program = 1 // skip_hw
)

func (g program) flags() flower.Flags {
	if g == inDevice {
		return flower.SkipSW
	}
	return flower.SkipHW
}

// programs are those that the port's mode asks for, as far as its device can have them.
func (o *outlet) programs() (list []program) {
	if (o.Mode == offload.HardwareOnly || o.Mode == offload.HardwareToo) && o.lack == (offload.Lack{}) {
		list = append(list, inDevice)
	}
	if o.Mode == offload.HardwareToo || o.Mode == offload.Software {
		list = append(list, inKernel)
	}
	return list
}

// trap hands packets to the fallback as they came: in the kernel they go on to Open vSwitch, out of a device they come to the kernel.
func (g program) trap() []flower.Action {
	if g == inDevice {
		return []flower.Action{{Op: flower.Gact{}, Control: flower.Trap}}
	}
	return []flower.Action{{Op: flower.Gact{}, Control: flower.Pass}}
}

// handOver hands packets to the fallback out of a table. The kernel marks them, if the fallback can take over where the table begins; else
// the connection that packets may have is forgotten. To the kernel a device hands packets as they came.
func (g program) handOver(t *table) []flower.Action {
	if g == inKernel && t.Entry != nil {
		return []flower.Action{{Op: flower.Skbedit{Mark: flower.Exact(t.Mark)}, Control: flower.Pass}}
	}
	if _, root := t.Segment.Ingress(); g == inKernel && !root {
		return []flower.Action{forget(flower.Pass)}
	}
	return g.trap()
}

// rule is an entry of a table in the chain of one device.
type rule struct {
	*form
	path  flatten.PathID
	wide  ir.Match // what its filters ask for
	trap  bool     // in all programs
	level level
	early level // in the kernel, if that is another: see front.go

	// failed says of a trap that it was to be a path.
	failed *offload.Failure
	// trapIn are programs that have a trap instead of the path, goneIn those that have nothing.
	trapIn, goneIn [2]bool
}

// fail makes a trap of r.
func (r *rule) fail(s flatten.SegmentID, kind backend.Kind, format string, args ...any) {
	r.trap = true
	r.failed = &offload.Failure{Segment: s, Path: r.path, Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// lives tells whether the path is in a program.
func (r *rule) lives(g program) bool { return !r.trap && !r.trapIn[g] }

// isDirty tells whether a path does something before it jumps that the fallback would do again or could not undo.
func isDirty(p *flatten.Path) bool {
	if p.Jump == nil {
		return false
	}
	if ct := p.Jump.CT; ct != nil && (ct.Commit || ct.NAT != nil) || !p.Jump.Rewrite.IsZero() {
		return true
	}
	for _, a := range p.Actions {
		if _, clear := a.Do.(ir.CTClear); !clear {
			return true
		}
	}
	return false
}

// filterKey tells the filters of a chain apart: by what they match, and where.
type filterKey struct {
	wide  string
	part  uint8
	where program
}

// want is a filter as it shall be, but for its handle.
type want struct {
	filter flower.Filter
	mark   mark
	rule   *rule // nil for those that belong to no entry
	form   *form // of the rule
	wide   ir.Match
}

// filters are those of a rule in one program. seen are matches of traps: traps share levels, and different ones can come to the same
// in flower.
func (r *rule) filters(at site, chain uint32, t *table, where program, to map[filterKey]*want, seen map[string]bool) {
	if r.goneIn[where] || r.level == 0 {
		return
	}
	actions, is := r.actions, rolePath
	if r.trap || r.trapIn[where] {
		actions, is = where.handOver(t), roleTrap
	}
	for i := range r.asked.matches {
		m := mark{is, uint8(i), uint64(r.path)}
		f := filterOf(at, chain, r.at(where), where, where.form(r.asked.matches[i]), actions, m)
		if is == roleTrap {
			text := fmt.Sprintf("%d %+v", f.Prio, f.Match)
			if seen[text] {
				continue
			}
			seen[text] = true
		}
		to[filterKey{r.wide.Key(), uint8(i), where}] = &want{f, m, r, r.form, r.wide}
	}
}

// filterOf makes a filter that carries a mark.
func filterOf(at site, chain uint32, l level, where program, match match, actions []flower.Action, m mark) flower.Filter {
	own := append([]flower.Action(nil), actions...)
	own[0].Cookie = m.cookie(at.owner)
	where.share(own)
	return flower.Filter{
		Key:   flower.Key{Hook: at.hook, Chain: chain, Prio: l.prio(match.protocol, where), Protocol: match.protocol},
		Match: match.Match, Actions: own, Flags: where.flags(),
	}
}
