package vtep

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/isolate"
)

// lane is what is on the way to one of the databases.
type lane struct {
	name    string // of the database
	parts   *isolate.Isolation
	refused map[idl.Part]string
	busy    bool // there is no result yet
	landing func() bool
	until   time.Time // landing is waited for no longer
	pause   time.Time // nothing is sent before
	err     string    // of the last transaction
	sent    uint64
}

// lane returns an empty one to a database.
func (a *Agent) lane(name string) lane {
	refused := map[idl.Part]string{}
	report := func(p idl.Part, why error) {
		if why == nil {
			delete(refused, p)
			return
		}
		text := fmt.Sprintf("%s is not written, %s refuses it: %v. The rest is written; it is tried again now and then", p.Name, name, why)
		if refused[p] != text {
			a.warn.Warn(text)
		}
		refused[p] = text
	}
	return lane{name: name, refused: refused, parts: isolate.New(time.Now, report)}
}

// landingPatience is how long the rows of a transaction are waited for. It has been executed by then; only somebody who has removed
// what it made can delay them.
const landingPatience = 2 * time.Second

// idle tells whether a transaction can be sent, or when to look again.
func (l *lane) idle(connected bool) (ok bool, wake time.Time) {
	now := time.Now()
	if l.busy || !connected {
		return false, time.Time{}
	}
	if l.landing != nil && !l.landing() && now.Before(l.until) {
		return false, l.until
	}
	if l.landing = nil; now.Before(l.pause) {
		return false, l.pause
	}
	return true, time.Time{}
}

// retryPause is how long a database is left alone after it refused a transaction.
const retryPause = time.Second

// againPause is how long after somebody else has changed what a transaction depends on the next one is made: it is on its way to the replica.
const againPause = 50 * time.Millisecond

// done takes the result of a transaction. landed tells whether the replica has what it made.
func (l *lane) done(tx *idl.Tx, r idl.Result, landed func() bool) {
	l.busy, l.err, l.pause = false, "", time.Time{}
	if errors.Is(r.Err, idl.ErrTryAgain) {
		l.pause = time.Now().Add(againPause)
		return
	}
	if l.parts.Result(tx, r.Err) {
		r.Err = nil
	}
	if r.Err != nil {
		l.err = r.Err.Error()
		l.pause = time.Now().Add(retryPause)
		return
	}
	l.landing, l.until = landed, time.Now().Add(landingPatience)
}
