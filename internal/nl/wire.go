package nl

import "time"

// A Wire carries datagrams to the kernel and back. Socket is the real one, nltest.Wire the double for tests. One goroutine at
// a time uses it, except for SetDeadline and Close.
type Wire interface {
	// Send delivers one datagram of whole messages. The kernel has worked through it when Send returns.
	Send(datagram []byte) error
	// Receive reads one datagram and returns its size in bytes. Without wait it returns ErrEmpty where nothing is queued. It
	// fails with syscall.ENOBUFS once after answers were dropped because they found no room.
	Receive(buf []byte, wait bool) (int, error)
	// SetDeadline makes Receive fail with os.ErrDeadlineExceeded after t; the zero time removes the deadline.
	SetDeadline(t time.Time) error
	Close() error
}
