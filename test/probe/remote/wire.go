package remote

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/test/probe"
)

// protocol is the version of what crosses: 1 more whenever that changes.
const protocol = 1

// Arguments of calls that have more than one.
type (
	// PingArgs are those of Ping.
	PingArgs struct {
		Dst     netip.Addr
		Options probe.PingOptions
	}
	// Target is where something goes, and how long the answer may take.
	Target struct {
		Dst     netip.AddrPort
		Timeout time.Duration
	}
	// ICMPErrorArgs are those of ProvokeICMPError.
	ICMPErrorArgs struct {
		Target
		TTL, Size int
	}
	// TransferArgs are those of TransferTCP.
	TransferArgs struct {
		Target
		Size int
	}
	// StreamArgs are those of StartStream.
	StreamArgs struct {
		Dst      netip.AddrPort
		Interval time.Duration
	}
	// ServeArgs are those of Serve.
	ServeArgs struct{ UDP, TCP []uint16 }
	// AwaitArgs are those of a watch's Await.
	AwaitArgs struct {
		Watch   Handle
		N       int
		Timeout time.Duration
	}
)

// Handle is something that runs at the agent.
type Handle int

// OpenStream is a stream that was started.
type OpenStream struct {
	Handle Handle
	Mark   []byte
}

// Reply is what a function has returned.
type Reply[T any] struct {
	Value   T
	Failure *Failure
}

// Done is the reply of a function that returns an error only.
type Done = Reply[struct{}]

// fill is what a call at the agent ends with: net/rpc would keep no more of an error than its text.
func (r *Reply[T]) fill(value T, err error) error {
	r.Value, r.Failure = value, failureOf(err)
	return nil
}

// Failure is an error with as much of what it wraps as tells apart what became of a packet.
type Failure struct {
	Text  string
	Errno syscall.Errno // 0 if there is none in it
	Late  bool          // a deadline has passed
}

func failureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	f := &Failure{Text: err.Error()}
	errors.As(err, &f.Errno)
	var timeout interface{ Timeout() bool }
	f.Late = errors.As(err, &timeout) && timeout.Timeout()
	return f
}

func (f *Failure) Error() string { return f.Text }

// Timeout is as in net.Error.
func (f *Failure) Timeout() bool { return f.Late }

// Unwrap gives the error of the system.
func (f *Failure) Unwrap() error {
	switch {
	case f.Errno != 0:
		return f.Errno
	case f.Late:
		return os.ErrDeadlineExceeded
	}
	return nil
}
