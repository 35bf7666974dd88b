package controller

import "time"

// Pause stops the chassis: nothing is sent to the switch or written to the
// databases. Whoever runs the engine takes no change sets meanwhile, so that
// Resume finds them as one storm (debug/pause of ovn-controller(8)).
func (c *Controller) Pause() {
	c.w.Log.Info("User triggered execution pause.")
	c.paused = true
}

// Resume ends a pause.
func (c *Controller) Resume() {
	c.w.Log.Info("User triggered execution resume.")
	c.paused = false
}

// Paused tells whether the chassis is paused.
func (c *Controller) Paused() bool { return c.paused }

// FlushFlowCache forgets what is remembered of compiled logical flows and compiles
// them all again.
func (c *Controller) FlushFlowCache() {
	c.w.Log.Info("User triggered lflow cache flush.")
	if lc := c.logical.Compiler(); lc != nil {
		lc.FlushMemo()
	}
	c.Recompute("asked for by the lflow-cache/flush command")
}

// ClearEngineStats sets the counters of all nodes to zero.
func (c *Controller) ClearEngineStats() { c.engine.ClearStats() }

// ForgetClusterIndex accepts a Southbound cluster whose data is older than what
// was seen: its databases were made anew.
func (c *Controller) ForgetClusterIndex() { c.cfg.SB.ForgetClusterIndex() }

// reportDelay holds the acknowledgement of nb_cfg back, to measure how a CMS takes
// slow chassis.
type reportDelay struct {
	by   time.Duration
	from time.Time // when the number that is held back could have been reported; zero for none
}

// DelayNbCfg makes every further report of nb_cfg wait by d; 0 ends that.
func (c *Controller) DelayNbCfg(d time.Duration) { c.nbCfg = reportDelay{by: d} }

// reportDue tells whether nb_cfg, which has changed, may be reported now. If not
// it sees to it that the question is asked again in time.
func (c *Controller) reportDue() bool {
	if c.nbCfg.by == 0 {
		return true
	}
	now := c.w.Now()
	if c.nbCfg.from.IsZero() {
		c.nbCfg.from = now
	}
	due := c.nbCfg.from.Add(c.nbCfg.by)
	if now.Before(due) {
		if c.wake.IsZero() || due.Before(c.wake) {
			c.wake = due
		}
		return false
	}
	c.nbCfg.from = time.Time{}
	return true
}
