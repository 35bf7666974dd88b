package idl

import "time"

// SetDistrustPause changes the time between two complete reads of tables that were found wrong.
func (r *Replica) SetDistrustPause(d time.Duration) { r.pause = d }
