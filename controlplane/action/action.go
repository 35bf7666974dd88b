package action

import "github.com/sluice-gw/sluice/controlplane/expr"

// Actions is the parsed form of an actions column. It is immutable and may be
// shared by any number of goroutines.
type Actions struct {
	list
	prereq expr.Expr
}

// node is one action.
type node interface {
	// format appends the canonical text, which ends with ";".
	format(b []byte, at Position) []byte
	lower(l *lowering)
}

// list is the actions of one pair of braces.
type list struct {
	nodes   []node
	columns []int // of nodes, 1 for the first byte; none for actions that were not in a text
}

// Position is where a logical flow stands; OVN's canonical text of "next"
// depends on it.
type Position struct {
	Ingress bool
	Table   int // Logical_Flow table_id; negative: nowhere in particular
}

// Format is the canonical text for a logical flow at a position. Parsing it there
// gives the same actions again.
func (a *Actions) Format(at Position) string { return string(formatList(nil, a.list, at)) }

// String is Format at no position in particular: "next" is written as it was given.
func (a *Actions) String() string { return a.Format(Position{Table: -1}) }

// Prereq must hold for the actions to make sense, such as "ip4": the logical flow
// matches only where its match and this are both true. nil for nothing.
func (a *Actions) Prereq() expr.Expr { return a.prereq }

// Drop tells that there are no actions: the packet ends here.
func (a *Actions) Drop() bool { return len(a.nodes) == 0 }

func formatList(b []byte, l list, at Position) []byte {
	if len(l.nodes) == 0 {
		return append(b, "drop;"...)
	}
	for i, n := range l.nodes {
		if i > 0 {
			b = append(b, ' ')
		}
		b = n.format(b, at)
	}
	return b
}

func formatBlock(b []byte, name string, inner list, at Position) []byte {
	b = formatList(append(append(b, name...), " { "...), inner, at)
	return append(b, " };"...)
}
