package controller

// Connected tells whether the Southbound database is connected and in step.
func (c *Controller) Connected() bool { return c.cfg.SB.State().Connected }
