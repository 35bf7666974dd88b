package probe

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// watchedBytes is how much of a frame a Watch keeps: all headers, and the payload of a stream.
const watchedBytes = 512

// Watch keeps the frames that come to an interface and contain one of several marks. Frames that the host itself sends are not seen.
type Watch struct {
	wire  *Wire
	marks [][]byte
	done  chan struct{}

	mu     sync.Mutex
	frames [][]byte // guarded by mu
	err    error    // guarded by mu; why no more will come
}

// OpenWatch starts to watch an interface of the namespace. Close ends it.
func OpenWatch(ns Netns, iface string, marks ...[]byte) (*Watch, error) {
	wire, err := OpenWire(ns, iface)
	if err != nil {
		return nil, err
	}
	w := &Watch{wire: wire, marks: marks, done: make(chan struct{})}
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
		frame := buf[:min(n, watchedBytes)]
		if slices.ContainsFunc(w.marks, func(mark []byte) bool { return bytes.Contains(frame, mark) }) {
			w.mu.Lock()
			w.frames = append(w.frames, bytes.Clone(frame))
			w.mu.Unlock()
		}
	}
}

// MAC is the interface's own address.
func (w *Watch) MAC() net.HardwareAddr { return w.wire.MAC }

// Frames are those that have come so far, in order, each cut off behind 512 bytes.
func (w *Watch) Frames() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.frames)
}

// Close ends the watching. Its error is that of a watch that had ended before, as when the interface was removed.
func (w *Watch) Close() error {
	// A deadline, because closing a file does not wake a reader that is in the middle of a read.
	err := w.wire.file.SetReadDeadline(time.Unix(0, 1))
	<-w.done
	err = errors.Join(err, w.wire.Close())
	w.mu.Lock()
	defer w.mu.Unlock()
	if !errors.Is(w.err, os.ErrDeadlineExceeded) {
		err = errors.Join(err, fmt.Errorf("watch %s: %w", w.wire.name, w.err))
	}
	return err
}
