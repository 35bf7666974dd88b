package idl

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func unitOf(rows int) event { return event{unit: &unit{rows: rows}} }

// The session waits while too many rows are in the queue, and goes on when half
// of them have been taken.
func TestInboxBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox(10)
		in.push(unitOf(1000)) // a unit is never split
		for range 3 {
			in.push(unitOf(2))
		}
		released := make(chan error, 1)
		go func() { released <- in.wait(t.Context()) }()
		for _, left := range []int{6, 4} {
			synctest.Wait()
			select {
			case <-released:
				t.Fatalf("released before only %d rows were left", left)
			default:
			}
			in.pop()
		}
		if err := <-released; err != nil {
			t.Fatal(err)
		}
		if err := in.wait(t.Context()); err != nil || in.pauseCount() != 1 {
			t.Errorf("with room: %v, %d pauses", err, in.pauseCount())
		}
	})
}

func TestInboxWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox(1)
		in.push(unitOf(1))
		ctx, cancel := context.WithCancelCause(t.Context())
		end := make(chan error)
		go func() { end <- in.wait(ctx) }()
		synctest.Wait()
		why := errors.New("why")
		cancel(why)
		if err := <-end; err != why {
			t.Errorf("wait: %v", err)
		}
		// The next wait is not ended by what the first left behind.
		in.pop()
		in.push(unitOf(1))
		go func() { end <- in.wait(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-end:
			t.Errorf("wait ended with a full queue: %v", err)
		default:
		}
		in.pop()
		if err := <-end; err != nil {
			t.Error(err)
		}
	})
}

// Ready keeps telling while there is something to do.
func TestInboxReady(t *testing.T) {
	in := newInbox(10)
	n := 0
	for range 3 {
		in.post(func() { n++ })
	}
	for range 3 {
		<-in.ready
		e, ok := in.pop()
		if !ok {
			t.Fatal("ready with an empty queue")
		}
		e.run()
	}
	select {
	case <-in.ready:
		t.Error("ready with an empty queue")
	default:
	}
	if _, ok := in.pop(); ok || n != 3 {
		t.Errorf("%d functions ran, more: %v", n, ok)
	}
}
