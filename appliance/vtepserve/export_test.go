package vtepserve

import "time"

// ReadEach sets the time between two readings of a data path that tells of what it learns.
func (c *SwitchConfig) ReadEach(d time.Duration) { c.readings = d }
