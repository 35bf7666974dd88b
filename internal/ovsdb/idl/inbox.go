package idl

import (
	"context"
	"sync"
)

// event is something for the goroutine that owns the replica to do: apply a
// unit or run a function.
type event struct {
	unit *unit
	run  func()
}

// inbox hands events from the session goroutine to the owner. It is where a
// slow owner makes the session stop reading.
type inbox struct {
	limit int           // rows that may wait
	ready chan struct{} // there are events; capacity 1
	space chan struct{} // there is room again; capacity 1

	// Guarded by mu.
	mu      sync.Mutex
	events  []event
	rows    int
	waiting bool
	pauses  uint64
}

func newInbox(limit int) *inbox {
	return &inbox{limit: limit, ready: make(chan struct{}, 1), space: make(chan struct{}, 1)}
}

func (in *inbox) push(e event) {
	in.mu.Lock()
	in.events = append(in.events, e)
	if e.unit != nil {
		in.rows += e.unit.rows
	}
	in.mu.Unlock()
	signal(in.ready)
}

// post makes the owner run f.
func (in *inbox) post(f func()) { in.push(event{run: f}) }

func (in *inbox) pop() (e event, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.events) == 0 {
		return event{}, false
	}
	e = in.events[0]
	in.events[0] = event{}
	if in.events = in.events[1:]; len(in.events) == 0 {
		in.events = nil
	} else {
		signal(in.ready)
	}
	if e.unit != nil {
		in.rows -= e.unit.rows
	}
	if in.waiting && in.rows <= in.limit/2 {
		in.waiting = false
		signal(in.space)
	}
	return e, true
}

// wait returns when there is room for another unit.
func (in *inbox) wait(ctx context.Context) error {
	in.mu.Lock()
	if in.rows < in.limit {
		in.mu.Unlock()
		return nil
	}
	in.waiting = true
	in.pauses++
	// A value left over from a wait that ctx ended would end this one early.
	select {
	case <-in.space:
	default:
	}
	in.mu.Unlock()
	select {
	case <-in.space:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (in *inbox) pauseCount() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.pauses
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
