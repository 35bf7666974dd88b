package ir

import (
	"errors"
	"fmt"
)

// Options are the parts of an evaluation that the rules do not decide. The zero
// value is useful.
type Options struct {
	// CT tracks connections; nil: an empty Conntrack for this evaluation only.
	CT Tracker
	// Choose picks the bucket of a Select, an index of live, which are indices of
	// Select.Buckets; nil: by weighted hash.
	Choose func(s Select, live []int, p *Packet) int
	// Answer is the controller: it may change p, tells whether it resumes the
	// packet of a pausing punt and which result it sets. nil: it never answers.
	Answer func(p *Packet, punt Punt) (success, resume bool)
	// PortUp tells whether a watched port is up; nil: all are.
	PortUp func(port uint32) bool
	// MaxDepth bounds how deep stages may call each other, MaxSteps the number of
	// operations; 0: DefaultMaxDepth, DefaultMaxSteps.
	MaxDepth, MaxSteps int
	// Trace makes Result.Trace.
	Trace bool
}

// The limits when Options has none: beyond what a packet through ten routers needs.
const (
	DefaultMaxDepth = 1000
	DefaultMaxSteps = 100_000
)

// ErrDepth and ErrSteps say that the rules send a packet round in circles.
var (
	ErrDepth = errors.New("stages call each other too deep")
	ErrSteps = errors.New("the packet takes too many operations")
)

// UnsupportedError names a part of an operation that the evaluator has no model of.
type UnsupportedError struct{ What string }

// Error implements error.
func (e *UnsupportedError) Error() string { return "evaluator: no model of " + e.What }

// Result is what became of a packet.
type Result struct {
	Outputs []Delivery
	Punts   []Punted
	Samples []Sampled
	Learned []Rule
	Trace   *Visit // nil unless asked for
}

// Delivery is a packet that left through a port.
type Delivery struct {
	Port   uint32
	Queue  uint32
	Packet *Packet
}

// Punted is a packet that went to the controller.
type Punted struct {
	Punt   Punt
	Packet *Packet
}

// Sampled is a packet of which a sample was taken.
type Sampled struct {
	Sample   Sample
	ObsPoint uint32
	Packet   *Packet
}

// Verdict sums a result up.
type Verdict uint8

// The verdicts.
const (
	Dropped   Verdict = iota // nothing left the pipeline
	Forwarded                // at least one output
	ToControl                // no output, but the controller has the packet
)

// String implements fmt.Stringer.
func (v Verdict) String() string {
	return [...]string{"drop", "forward", "controller"}[v]
}

// Verdict sums r up.
func (r *Result) Verdict() Verdict {
	switch {
	case len(r.Outputs) > 0:
		return Forwarded
	case len(r.Punts) > 0:
		return ToControl
	}
	return Dropped
}

// Evaluate runs a copy of p through the pipeline from stage start on. When it
// fails (ErrDepth, ErrSteps, *UnsupportedError) the result says how far it came.
func (pl *Pipeline) Evaluate(p *Packet, start Stage, o Options) (Result, error) {
	if o.CT == nil {
		o.CT = NewConntrack()
	}
	if o.MaxDepth == 0 {
		o.MaxDepth = DefaultMaxDepth
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = DefaultMaxSteps
	}
	e := &evaluation{Pipeline: pl, Options: o}
	v, _ := e.visit(p.Copy(), start)
	if o.Trace {
		e.result.Trace = v
	}
	return e.result, e.err
}

type evaluation struct {
	*Pipeline
	Options
	result Result
	err    error
	depth  int
	steps  int
}

// signal says how a list of operations ended.
type signal uint8

const (
	goOn   signal = iota
	skip          // the rest of this program is skipped, its caller goes on
	paused        // the packet waits for the controller: nobody goes on
	failed        // evaluation.err is set
)

func (e *evaluation) fail(err error, s Stage) signal {
	if e.err == nil {
		e.err = fmt.Errorf("stage %s: %w", s, err)
	}
	return failed
}

// visit runs the rule of stage s for p on p itself.
func (e *evaluation) visit(p *Packet, s Stage) (*Visit, signal) {
	v := &Visit{Stage: s}
	if e.depth++; e.depth > e.MaxDepth {
		return v, e.fail(fmt.Errorf("%w (limit %d)", ErrDepth, e.MaxDepth), s)
	}
	defer func() { e.depth-- }()
	v.Rule = e.Lookup(s, p)
	if v.Rule == nil {
		return v, goOn
	}
	sig := e.run(p, v.Rule, v.Rule.Program.Ops, &v.Steps)
	if sig == skip {
		sig = goOn
	}
	return v, sig
}

// run runs ops, a program or a nested list of one, on p.
func (e *evaluation) run(p *Packet, r *Rule, ops []Op, trace *[]Step) signal {
	for _, op := range ops {
		if e.steps++; e.steps > e.MaxSteps {
			return e.fail(fmt.Errorf("%w (limit %d)", ErrSteps, e.MaxSteps), r.Stage)
		}
		step := Step{Op: op}
		sig := e.execute(p, r, op, &step)
		if e.Trace {
			*trace = append(*trace, step)
		}
		if sig != goOn {
			return sig
		}
	}
	return goOn
}

// call visits a stage as part of step.
func (e *evaluation) call(p *Packet, s Stage, step *Step) signal {
	v, sig := e.visit(p, s)
	if e.Trace {
		step.Visits = append(step.Visits, v)
	}
	return sig
}

// onCopy runs ops on a copy of p; only a failure reaches the caller.
func (e *evaluation) onCopy(p *Packet, r *Rule, ops []Op, step *Step) signal {
	if e.run(p.Copy(), r, ops, &step.Nested) == failed {
		return failed
	}
	return goOn
}
