package daemon

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SignalError is the cause of the context's end after a signal.
type SignalError struct{ Signal syscall.Signal }

func (e *SignalError) Error() string {
	return fmt.Sprintf("terminating with signal %d (%s)", e.Signal, signalName(e.Signal))
}

// signalName is the name of a signal as strsignal(3) has it.
func signalName(s syscall.Signal) string {
	name := s.String()
	return strings.ToUpper(name[:1]) + name[1:]
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
	if err := defaultAction(sig); err == nil && syscall.Kill(os.Getpid(), sig) == nil {
		time.Sleep(time.Second) // until the signal arrives
	}
	os.Exit(128 + int(sig)) // as a shell tells it
}

// defaultAction gives a signal back to the kernel. signal.Reset gives it back to the Go runtime, which ignores some that
// the kernel ends a process for (SIGALRM).
func defaultAction(sig syscall.Signal) error {
	const maskSize = 8      // bytes of the kernel's sigset_t
	var action [16 * 8]byte // longer than struct sigaction anywhere; all zero is SIG_DFL
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, maskSize, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
