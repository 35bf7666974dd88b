// Package journal is a log that tests read while programs write it.
package journal

import (
	"bytes"
	"sync"
)

// Journal keeps what is written to it. The zero Journal is ready to use, by several goroutines.
type Journal struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

// Write implements io.Writer. It does not fail.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

// String is all that has been written.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}
