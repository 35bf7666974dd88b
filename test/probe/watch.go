package probe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// watchedBytes is how much of a frame a Watch keeps: all headers, and the payload of a stream.
const watchedBytes = 512

// Watch keeps the frames that come to an interface and contain one of several marks. Frames that the host itself sends are not seen.
type Watch struct {
	wire  *Wire
	marks [][]byte
	done  chan struct{}

	mu     sync.Mutex
	frames [][]byte      // guarded by mu
	came   chan struct{} // guarded by mu; closed, and replaced, when a frame comes
	err    error         // guarded by mu; why no more will come
}

// OpenWatch starts to watch an interface of the namespace. Close ends it.
func OpenWatch(ns Netns, iface string, marks ...[]byte) (*Watch, error) {
	wire, err := OpenWire(ns, iface)
	if err != nil {
		return nil, err
	}
	w := &Watch{wire: wire, marks: marks, done: make(chan struct{}), came: make(chan struct{})}
	go w.run()
	return w, nil
}

func (w *Watch) run() {
	defer close(w.done)
	buf := make([]byte, 65536)
	for {
		n, err := w.wire.file.Read(buf)
		if err != nil {
			w.mu.Lock()
			w.err = err
			w.mu.Unlock()
			return
		}
		w.keep(buf[:min(n, watchedBytes)])
	}
}

// keep keeps a frame that has a mark.
func (w *Watch) keep(frame []byte) {
	if !slices.ContainsFunc(w.marks, func(mark []byte) bool { return bytes.Contains(frame, mark) }) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frames = append(w.frames, bytes.Clone(frame))
	close(w.came)
	w.came = make(chan struct{})
}

// Await waits until n frames have come, in all, and returns those that have by then, or within timeout if these are fewer, in order and each
// cut off behind 512 bytes. It fails when no more will come, as when the interface was removed.
func (w *Watch) Await(n int, timeout time.Duration) ([][]byte, error) {
	late := time.After(timeout)
	for {
		w.mu.Lock()
		frames, came := slices.Clone(w.frames), w.came
		w.mu.Unlock()
		if len(frames) >= n {
			return frames, nil
		}
		select {
		case <-came:
		case <-late:
			return frames, nil
		case <-w.done:
			return frames, w.ended()
		}
	}
}

// Close ends the watching and returns all frames that have come. Its error is that of a watch that had ended before.
func (w *Watch) Close() ([][]byte, error) {
	// A deadline, because closing a file does not wake a reader that is in the middle of a read.
	err := w.wire.file.SetReadDeadline(time.Unix(0, 1))
	<-w.done
	if err == nil && w.ended() == nil {
		err = w.drain()
	}
	err = errors.Join(err, w.wire.Close(), w.ended())
	return w.frames, err
}

// drain reads what had come when the reader was told to end: not more frames than a socket holds, as others may keep coming.
func (w *Watch) drain() error {
	if err := w.wire.file.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	raw, err := w.wire.file.SyscallConn()
	if err != nil {
		return err
	}
	buf := make([]byte, 65536)
	for range 1 << 16 {
		var n int
		var readErr error
		if err := raw.Read(func(fd uintptr) bool { n, readErr = unix.Read(int(fd), buf); return true }); err != nil {
			return err
		}
		switch {
		case errors.Is(readErr, unix.EAGAIN):
			return nil
		case readErr != nil:
			return fmt.Errorf("watch %s: %w", w.wire.name, readErr)
		}
		w.keep(buf[:min(n, watchedBytes)])
	}
	return nil
}

// ended is why no more frames will come, unless that was wanted. It is called when none will.
func (w *Watch) ended() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(w.err, os.ErrDeadlineExceeded) {
		return nil
	}
	return fmt.Errorf("watch %s: %w", w.wire.name, w.err)
}
