// Package engine is the incremental computation of the control plane: a graph of
// nodes, each of which holds one datum (the local ports, the tunnels, the rules
// of logical flows, ...) and keeps it equal to a function of its inputs.
//
// An edge carries a handler that brings the node up to date with a change of one
// input. A handler that cannot do that answers Recompute with the cause, and the
// node is computed anew from all inputs; so correctness never depends on how
// much is incremental, only speed does (OVN's inc-proc-eng.h has the same idea).
// Handlers are closures over the typed data of both nodes: the compiler checks
// the edges. Everything runs on the one goroutine that calls Run.
package engine

import "time"

// Result is what a handler or a node's computation did to the node's datum.
type Result uint8

// The results.
const (
	Unchanged Result = iota // the datum is as before: nodes behind it need not look
	Updated                 // the datum changed
	Recompute               // the handler cannot tell; the node must be computed anew
)

// Verdict is a Result and, with Recompute, the row or event that caused it.
type Verdict struct {
	Result Result
	Cause  string
}

// Answers of handlers.
var (
	Same    = Verdict{Result: Unchanged}
	Changed = Verdict{Result: Updated}
)

// NeedRecompute is a handler's answer that it cannot follow the change.
func NeedRecompute(cause string) Verdict { return Verdict{Recompute, cause} }

// UpdatedIf is Changed or Same.
func UpdatedIf(changed bool) Verdict {
	if changed {
		return Changed
	}
	return Same
}

// Stats counts what happened to a node.
type Stats struct {
	Recomputes int
	Computes   int // changes that were handled incrementally
	LastCause  string
	// Causes are how many recomputes each cause made; those beyond maxCauses are together under "other".
	Causes map[string]int
	Time   time.Duration // spent in the node, in all
}

// maxCauses bounds the causes that are told apart: one may name a version, and there is no end of those.
const maxCauses = 32

// recomputed notes a full computation.
func (s *Stats) recomputed(cause string, took time.Duration) {
	s.Recomputes++
	s.LastCause = cause
	s.Time += took
	if s.Causes == nil {
		s.Causes = map[string]int{}
	}
	if _, known := s.Causes[cause]; !known && len(s.Causes) >= maxCauses {
		cause = "other"
	}
	s.Causes[cause]++
}

type edge struct {
	in     *Node
	handle func() Verdict
}

// Node is one datum of the graph.
type Node struct {
	Name  string
	Stats Stats

	edges     []edge
	then      func() Result
	recompute func() Result
	updated   bool
	mustRun   string // cause of a forced recompute; "" for none
}

// Engine is the graph. Nodes are run in the order in which they were added; an
// input of a node must have been added before it.
type Engine struct {
	nodes []*Node
	now   func() time.Time
	// OnRecompute, when set, is told about every full computation of a node.
	OnRecompute func(node, cause string, took time.Duration)
}

// New makes an empty engine. now is the clock for statistics.
func New(now func() time.Time) *Engine { return &Engine{now: now} }

// Input adds a node without inputs: its datum is changed from outside, which the
// caller tells by Touch before Run.
func (e *Engine) Input(name string) *Node {
	n := &Node{Name: name}
	e.nodes = append(e.nodes, n)
	return n
}

// Node adds a node. recompute computes its datum anew from all inputs; it is
// called for the first time in the first Run.
func (e *Engine) Node(name string, recompute func() Result) *Node {
	n := &Node{Name: name, recompute: recompute, mustRun: "first run"}
	e.nodes = append(e.nodes, n)
	return n
}

// On adds an edge: whenever in was updated, handle brings n up to date.
func (n *Node) On(in *Node, handle func() Verdict) *Node {
	n.edges = append(n.edges, edge{in, handle})
	return n
}

// Then makes f finish what the handlers of one run began: it is called once behind
// them, when at least one was called and none asked for a recompute. Handlers
// that only mark what is to be done leave the work to it, so that a row which
// several inputs concern is worked on once.
func (n *Node) Then(f func() Result) *Node {
	n.then = f
	return n
}

// Touch says that the datum of an input changed.
func (n *Node) Touch() { n.updated = true }

// Force makes the next Run compute n anew.
func (n *Node) Force(cause string) { n.mustRun = cause }

// ForceAll makes the next Run compute every node anew.
func (e *Engine) ForceAll(cause string) {
	for _, n := range e.nodes {
		if n.recompute != nil {
			n.mustRun = cause
		}
	}
}

// Nodes are all nodes in the order in which they run.
func (e *Engine) Nodes() []*Node { return e.nodes }

// ClearStats sets all statistics to zero.
func (e *Engine) ClearStats() {
	for _, n := range e.nodes {
		n.Stats = Stats{}
	}
}

// Run brings every node up to date. It tells whether any node behind the inputs changed.
func (e *Engine) Run() (changed bool) {
	for _, n := range e.nodes {
		if n.recompute == nil {
			continue
		}
		start := e.now()
		cause := n.mustRun
		n.mustRun = ""
		ran := false
		for i := 0; cause == "" && i < len(n.edges); i++ {
			ed := n.edges[i]
			if !ed.in.updated {
				continue
			}
			ran = true
			switch v := ed.handle(); v.Result {
			case Updated:
				n.updated = true
			case Recompute:
				cause = ed.in.Name + ": " + v.Cause
			}
		}
		if cause == "" && ran && n.then != nil && n.then() == Updated {
			n.updated = true
		}
		switch {
		case cause != "":
			if n.recompute() == Updated {
				n.updated = true
			}
			took := e.now().Sub(start)
			n.Stats.recomputed(cause, took)
			if e.OnRecompute != nil {
				e.OnRecompute(n.Name, cause, took)
			}
		case ran:
			n.Stats.Computes++
			n.Stats.Time += e.now().Sub(start)
		}
		changed = changed || n.updated
	}
	for _, n := range e.nodes {
		n.updated = false
	}
	return changed
}
