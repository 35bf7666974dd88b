package vtepserve

import (
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// lane is what is on the way to one database: one transaction at a time, and the next when the replica has what the last one inserted, as the tables of
// MAC addresses have no index that would refuse it a second time.
type lane struct {
	busy   bool
	landed func() bool // nil: yes
	until  time.Time   // landed is waited for no longer
	pause  time.Time   // nothing is sent before
	sent   uint64
	err    string // of the last transaction
}

const (
	landingPatience = 2 * time.Second // by then only somebody who has removed the row can delay it
	retryPause      = time.Second     // after a refusal
)

// idle tells whether a transaction can be sent, or when to look again.
func (l *lane) idle(connected bool, now time.Time) (ok bool, wake time.Time) {
	switch {
	case l.busy || !connected:
		return false, time.Time{}
	case l.landed != nil && !l.landed() && now.Before(l.until):
		return false, l.until
	case now.Before(l.pause):
		return false, l.pause
	}
	l.landed = nil
	return true, time.Time{}
}

// sending notes a transaction.
func (l *lane) sending() {
	l.busy = true
	l.sent++
}

// done takes its result.
func (l *lane) done(r idl.Result, now time.Time, landed func() bool) {
	l.busy, l.err = false, ""
	if r.Err != nil {
		l.err, l.pause = r.Err.Error(), now.Add(retryPause)
		return
	}
	l.landed, l.until = landed, now.Add(landingPatience)
}
