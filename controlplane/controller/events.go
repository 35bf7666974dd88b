package controller

import (
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/internal/coverage"
)

// events counts what the chassis does. The names are those of ovn-controller's
// coverage counters, which scripts read to tell incremental work from a recompute.
type events struct {
	lflowRun    *coverage.Counter // all logical flows were compiled anew
	considered  *coverage.Counter // logical flows compiled
	physicalRun *coverage.Counter // all physical rules were made anew
	counted     uint64            // logical flows counted so far
	slow        time.Duration     // a computation that takes longer is logged
}

// slowNode is the default of inc-engine/compute-log-timeout, the C program's.
const slowNode = 500 * time.Millisecond

func newEvents(r *coverage.Registry) events {
	if r == nil {
		r = new(coverage.Registry) // nobody will ask
	}
	return events{lflowRun: r.Counter("lflow_run"), considered: r.Counter("consider_logical_flow"),
		physicalRun: r.Counter("physical_run"), slow: slowNode}
}

// LogSlowNodes makes a full computation of a node that takes longer than d appear
// in the log at the level info; shorter ones appear at debug.
func (c *Controller) LogSlowNodes(d time.Duration) { c.events.slow = d }

// recomputed is told about each full computation of a node.
func (c *Controller) recomputed(node, cause string, took time.Duration) {
	switch node {
	case nodeLogical:
		c.events.lflowRun.Inc()
	case nodePhysical:
		c.events.physicalRun.Inc()
	}
	text := fmt.Sprintf("node: %s, recompute (%s) took %dms", node, cause, took.Milliseconds())
	if took > c.events.slow {
		c.w.Log.Info(text)
	} else {
		c.w.Log.Debug(text)
	}
}

// count brings the counters up to date after a run of the engine.
func (c *Controller) count() {
	n := c.logical.Considered()
	c.events.considered.Add(n - c.events.counted)
	c.events.counted = n
}
