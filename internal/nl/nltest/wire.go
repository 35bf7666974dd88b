// Package nltest is a double of the netlink wire, for tests of what is built on package nl: the real nl.Conn runs against a
// Go function that answers messages as a kernel would. It decides nothing of its own; what it does like the kernel is that
// every message is answered before Send returns, and that answers for which there is no room are dropped and reported once,
// as ENOBUFS, until the buffer is empty again (netlink(7)).
package nltest

import (
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A Wire is an nl.Wire.
type Wire struct {
	answer func(nl.Message) [][]byte
	room   int

	mu        sync.Mutex
	sent      [][]byte      // guarded by mu
	queue     [][]byte      // guarded by mu
	congested bool          // guarded by mu; answers are dropped until the queue is empty
	overrun   bool          // guarded by mu; the next Receive says so
	sendErr   error         // guarded by mu
	deadline  time.Time     // guarded by mu
	closed    bool          // guarded by mu
	changed   chan struct{} // guarded by mu; closed when any of these changes
}

// New makes a wire. answer returns the datagrams that answer one message, and may keep nothing of it. room is how many
// datagrams the receive buffer holds, 0 for any number.
func New(room int, answer func(nl.Message) [][]byte) *Wire {
	return &Wire{answer: answer, room: room, changed: make(chan struct{})}
}

// Send implements nl.Wire. A datagram that is not whole messages is refused with EINVAL, which a kernel would ignore.
func (w *Wire) Send(datagram []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return os.ErrClosed
	case w.sendErr != nil:
		err := w.sendErr
		w.sendErr = nil
		return err
	}
	w.sent = append(w.sent, append([]byte{}, datagram...))
	for len(datagram) > 0 {
		m, rest, err := nl.NextMessage(datagram)
		if err != nil {
			return os.NewSyscallError("sendmsg", syscall.EINVAL)
		}
		for _, d := range w.answer(m) {
			w.push(d)
		}
		datagram = rest
	}
	return nil
}

// push is called with mu held.
func (w *Wire) push(datagram []byte) {
	if w.room > 0 && (len(w.queue) >= w.room || w.congested) {
		w.overrun = w.overrun || !w.congested
		w.congested = true
		return
	}
	w.queue = append(w.queue, datagram)
	w.change()
}

func (w *Wire) change() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// Receive implements nl.Wire.
func (w *Wire) Receive(buf []byte, wait bool) (int, error) {
	for {
		n, ready, err := w.receive(buf)
		if ready {
			return n, err
		}
		if !wait {
			return 0, nl.ErrEmpty
		}
		w.mu.Lock()
		changed := w.changed
		ready = len(w.queue) > 0 || w.closed || w.late()
		w.mu.Unlock()
		if !ready {
			<-changed
		}
	}
}

func (w *Wire) receive(buf []byte) (n int, ready bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return 0, true, os.ErrClosed
	case w.late():
		return 0, true, os.ErrDeadlineExceeded
	case w.overrun:
		w.overrun = false
		return 0, true, os.NewSyscallError("recvmsg", syscall.ENOBUFS)
	case len(w.queue) == 0:
		return 0, false, nil
	}
	n = copy(buf, w.queue[0])
	if w.queue = w.queue[1:]; len(w.queue) == 0 {
		w.congested = false
	}
	return n, true, nil
}

// late is called with mu held. A deadline in the future is not implemented: package nl sets only the past and none.
func (w *Wire) late() bool { return !w.deadline.IsZero() }

// SetDeadline implements nl.Wire.
func (w *Wire) SetDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	w.change()
	return nil
}

// Close implements nl.Wire.
func (w *Wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.change()
	return nil
}

// Push queues a datagram that answers nothing.
func (w *Wire) Push(datagram []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.push(datagram)
}

// FailSend makes the next Send fail.
func (w *Wire) FailSend(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sendErr = err
}

// Sent returns the datagrams that were sent, without those that FailSend refused.
func (w *Wire) Sent() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([][]byte{}, w.sent...)
}
