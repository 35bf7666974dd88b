package ofconn

import "time"

// SetProbe changes Config.ProbeInterval while the connection is open; the silence
// is measured anew. It is safe from any goroutine.
func (c *Conn) SetProbe(d time.Duration) {
	c.pmu.Lock()
	defer c.pmu.Unlock()
	if d == c.probe {
		return
	}
	c.probe, c.armed, c.changed = d, true, true
	c.nc.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // wakes the reader, which sets its own and reports
}

// probeChanged tells whether SetProbe is why a read ended.
func (c *Conn) probeChanged() bool {
	c.pmu.Lock()
	defer c.pmu.Unlock()
	return c.changed
}

// arm limits the next read to the probe interval, which it returns.
func (c *Conn) arm() (time.Duration, error) {
	c.pmu.Lock()
	defer c.pmu.Unlock()
	c.changed = false
	switch {
	case c.probe > 0:
		c.armed = true
		return c.probe, c.nc.SetReadDeadline(time.Now().Add(c.probe))
	case c.armed:
		c.armed = false
		return 0, c.nc.SetReadDeadline(time.Time{})
	}
	return 0, nil
}
