package vtepdb

import "time"

// A MAC address that has moved, or gone, moveLimit times within moveWindow stays where it is until it has not been moved for
// moveHold: a loop in somebody's network must not become a storm in two databases. The numbers of moves are those of RFC 7432,
// section 15.1; unlike there the address is tried again. That an address appears where it was nowhere is never held back.
const (
	moveLimit  = 5
	moveWindow = 180 * time.Second
	moveHold   = 30 * time.Second
)

// damper counts moves.
type damper struct {
	by    map[any]*moves // by macKey or Place
	swept time.Time
}

type moves struct {
	n           int
	since, last time.Time
}

// note counts a move that was seen in a database.
func (d *damper) note(key any, now time.Time) {
	m := d.by[key]
	if m == nil || now.Sub(m.since) > moveWindow && now.Sub(m.last) > moveHold {
		m = &moves{since: now}
		d.by[key] = m
	}
	m.n++
	m.last = now
}

// held tells whether another move has to wait, and until when.
func (d *damper) held(key any, now time.Time) (until time.Time, held bool) {
	m := d.by[key]
	if m == nil || m.n < moveLimit {
		return time.Time{}, false
	}
	until = m.last.Add(moveHold)
	return until, now.Before(until)
}

// sweep forgets, now and then, what has not moved for long.
func (d *damper) sweep(now time.Time) {
	if now.Sub(d.swept) < moveWindow {
		return
	}
	d.swept = now
	for key, m := range d.by {
		if now.Sub(m.last) > moveWindow {
			delete(d.by, key)
		}
	}
}
