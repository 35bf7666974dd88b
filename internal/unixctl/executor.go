package unixctl

import "context"

// Executor runs work where it belongs, for example on the goroutine that owns the state that a command shows.
type Executor interface {
	// Do runs work and returns when it is done, or returns ctx's error without having run it.
	Do(ctx context.Context, work func()) error
}

// Queue is an Executor for a goroutine with a select loop: it receives from C and calls what it receives. Work that has
// not been received when its client hangs up is withdrawn, so a busy owner finds no backlog.
type Queue struct{ c chan func() }

// NewQueue makes a Queue.
func NewQueue() *Queue { return &Queue{c: make(chan func())} }

// C is what the owner receives from. Every func received must be called.
func (q *Queue) C() <-chan func() { return q.c }

// Do implements Executor.
func (q *Queue) Do(ctx context.Context, work func()) error {
	done := make(chan struct{})
	select {
	case q.c <- func() { defer close(done); work() }:
		<-done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
