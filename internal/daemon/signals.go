package daemon

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// SignalError is the cause of the context's end after a signal.
type SignalError struct{ Signal syscall.Signal }

func (e *SignalError) Error() string {
	return fmt.Sprintf("terminating with signal %d (%v)", e.Signal, e.Signal)
}

// signals remembers the first fatal signal.
type signals struct{ first atomic.Int32 }

// trap returns a context that ends at the first of the signals that end a daemon in an orderly way. The next one kills.
func trap(parent context.Context) (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(parent)
	s := &signals{}
	arrived := make(chan os.Signal, 2)
	signal.Notify(arrived, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGALRM)
	go func() { // lives as long as the process
		first := (<-arrived).(syscall.Signal)
		s.first.Store(int32(first))
		cancel(&SignalError{Signal: first})
		die((<-arrived).(syscall.Signal))
	}()
	return ctx, s
}

// caught returns the signal that ended the context, 0 if none did.
func (s *signals) caught() syscall.Signal { return syscall.Signal(s.first.Load()) }

// die ends the process by the signal, so that its parent sees the truth.
func die(sig syscall.Signal) {
	signal.Reset(sig)
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		os.Exit(128 + int(sig))
	}
	select {} // until the signal arrives
}
