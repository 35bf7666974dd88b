package flatten

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// PathID identifies a path by its content, the segment included: equal content has
// an equal ID in every process.
type PathID uint64

// Path is what becomes of the packets of a segment that match, if no path in front
// of it matches. It is a value: nobody changes it.
type Path struct {
	ID    PathID
	Match ir.Match
	// If are conditions beside the match: all must hold.
	If []Condition
	// Actions are what is done, in order; none and no Jump: the packet is dropped.
	Actions []Action
	// Jump is where the packet goes on, behind all actions; nil for nowhere.
	Jump *Jump
	// Reason says why the path cannot be offloaded: it is a trap. Its packets must go
	// to the fallback as they came. nil for a path that can be offloaded.
	Reason *Reason
	// Spread says that in place of a hash, bits of ports and addresses made a choice: Open
	// vSwitch would make it differently.
	Spread bool

	lineage *step
}

// Trap tells whether the packets of p stay in the fallback.
func (p *Path) Trap() bool { return p.Reason != nil }

// Lineage are the rules that the packets of p went through, the last one first.
func (p *Path) Lineage() iter.Seq[*ir.Rule] {
	return func(yield func(*ir.Rule) bool) {
		for s := p.lineage; s != nil; s = s.before {
			if !yield(&s.rule.Rule) {
				return
			}
		}
	}
}

// Action is one thing that is done to a packet, with the headers that it then has.
type Action struct {
	// Rewrite is what the packet that came into the segment must be changed by for
	// this action alone: the next action starts from the packet as it came again.
	Rewrite Rewrite
	// Do is ToPort or FirstUp, which mean these ports even if the packet came by one of
	// them, Meter, Sample, CTClear, or CT without Next. Only a CT that is the last
	// action may change the headers.
	Do    ir.Op
	Queue uint32 // egress queue of ToPort and FirstUp
	// Row is the cookie of the row that a Meter without a name is of: all of one row, rate and
	// burst are one limit, whichever paths and segments they are in.
	Row uint32
}

// Jump ends a path of a segment in another segment.
type Jump struct {
	// CT is what the packet goes through on the way, without Next; nil for nothing.
	CT *ir.CT
	// Rewrite must be carried out in front of CT, which sees the result; it is empty
	// for most. All other changes that the pipeline has made by now are left to
	// the actions of the segment.
	Rewrite Rewrite
	To      SegmentID
}

// Condition is what a path asks for beside its match.
type Condition struct {
	Kind ConditionKind
	Not  bool
	// N is the length in bytes of Longer, the number of VLAN headers of MoreTags and
	// the bucket of Bucket.
	N uint16
	// Select is the selection of Bucket, Rule the rule that makes it.
	Select *ir.Select
	Rule   ir.RuleID
}

// ConditionKind says what a Condition is about.
type ConditionKind uint8

// The kinds of conditions.
const (
	Longer   ConditionKind = iota // the packet has more than N bytes, from the Ethernet header on, without padding
	MoreTags                      // the packet has more than N VLAN headers
	Bucket                        // the target's hash chooses bucket N of Select
)

// String is the condition in words.
func (c Condition) String() string {
	not := ""
	if c.Not {
		not = "not "
	}
	switch c.Kind {
	case Longer:
		return fmt.Sprintf("%slonger than %d bytes", not, c.N)
	case MoreTags:
		return fmt.Sprintf("%smore than %d VLAN headers", not, c.N)
	}
	return fmt.Sprintf("%sbucket %d of rule %016x", not, c.N, uint64(c.Rule))
}

// String is the path on one line.
func (p *Path) String() string {
	var b strings.Builder
	b.WriteString(p.Match.String())
	for _, c := range p.If {
		b.WriteString(", " + c.String())
	}
	b.WriteString(" -> ")
	switch {
	case p.Reason != nil:
		return b.String() + "trap: " + p.Reason.String()
	case len(p.Actions) == 0 && p.Jump == nil:
		return b.String() + "drop"
	}
	var parts []string
	for _, a := range p.Actions {
		parts = append(parts, a.String())
	}
	if p.Jump != nil {
		parts = append(parts, p.Jump.String())
	}
	return b.String() + strings.Join(parts, " ")
}

// String is the action as operations.
func (a Action) String() string {
	s := a.Rewrite.String()
	if a.Queue != 0 {
		s += string(ir.SetQueue{ID: a.Queue}.AppendText(nil)) + "; "
	}
	return s + string(a.Do.AppendText(nil)) + ";"
}

// String is the jump as operations.
func (j *Jump) String() string {
	s := j.Rewrite.String()
	if j.CT != nil {
		s += string(j.CT.AppendText(nil)) + "; "
	}
	return fmt.Sprintf("%sgoto %s;", s, j.To)
}

// draft is a path that is being made: its jump has no address yet.
type draft struct {
	Path
	jump *pending
	// dirty says that, where the jump ends, something has happened that the fallback
	// would do again or could not undo.
	dirty bool
}

// effect is an action of a path that is being followed.
type effect struct {
	Action
	before *effect
}

// condNode is a condition of a path that is being followed.
type condNode struct {
	Condition
	before *condNode
}

func (x *effect) list() []Action {
	var as []Action
	for ; x != nil; x = x.before {
		as = append(as, x.Action)
	}
	slices.Reverse(as)
	return as
}
