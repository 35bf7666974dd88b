// Package pidfile makes and reads the pid files by which Open vSwitch's programs find each other: a file that holds the
// decimal pid and carries a POSIX record lock (fcntl F_SETLK) of that process for as long as it lives. ovs-appctl(8) and
// ovn-appctl(8) trust a pid file only if it is locked by the pid that it names; a second start of a daemon is refused by it.
package pidfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrStale is in the chain of an error about a pid file whose process is gone.
var ErrStale = errors.New("pid file is stale: no process holds its lock")

// RunningError refuses to replace the pid file of a live process.
type RunningError struct {
	Path string
	PID  int
}

func (e *RunningError) Error() string {
	return fmt.Sprintf("%s: already running as pid %d, aborting", e.Path, e.PID)
}

// File is the locked pid file of this process.
type File struct {
	path string
	held *os.File // must stay open: closing any descriptor of the file drops the lock
}

// Create makes the pid file of this process at path. A file left behind by a dead process is replaced; one of a live process
// is an error, *RunningError, unless overwrite.
//
// The file is written and locked under a temporary name and then renamed, so that nobody reads a half-written or
// unlocked file. That name is the same for all who start at once: its lock decides between them.
func Create(path string, overwrite bool) (*File, error) {
	tmp := path + ".tmp"
	if overwrite {
		tmp += strconv.Itoa(os.Getpid())
	}
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("%s: create failed: %w", tmp, err)
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: fcntl(F_SETLK) failed (another start is under way?): %w", tmp, err)
	}
	if err := fill(f, path, overwrite); err != nil {
		os.Remove(tmp)
		f.Close()
		return nil, err
	}
	return &File{path: path, held: f}, nil
}

// fill writes the pid into the locked temporary file f and gives it its name.
func fill(f *os.File, path string, overwrite bool) error {
	if !overwrite {
		if err := removeStale(path); err != nil {
			return err
		}
	}
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("%s: truncate failed: %w", f.Name(), err)
	}
	if _, err := fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
		return fmt.Errorf("%s: write failed: %w", f.Name(), err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("failed to rename %q to %q: %w", f.Name(), path, err)
	}
	return nil
}

// Remove deletes the file and gives the lock up. A file that meanwhile belongs to another process is left alone.
func (p *File) Remove() error {
	defer p.held.Close()
	if !sameFile(p.held, p.path) {
		return nil
	}
	return os.Remove(p.path)
}

// Read returns the pid of the live process that owns the pid file.
func Read(path string) (int, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	owner, err := lockOwner(f)
	if err != nil {
		return 0, fmt.Errorf("%s: fcntl(F_GETLK) failed: %w", path, err)
	}
	if owner == 0 {
		return 0, fmt.Errorf("%s: %w", path, ErrStale)
	}
	text, err := io.ReadAll(io.LimitReader(f, 128))
	if err != nil {
		return 0, fmt.Errorf("%s: read failed: %w", path, err)
	}
	// A lock holder that the file does not name is about to delete it.
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || pid != owner {
		return 0, fmt.Errorf("%s: holds %q but pid %d has it locked: %w", path, text, owner, ErrStale)
	}
	return owner, nil
}

// removeStale makes path free, or says who runs.
func removeStale(path string) error {
	pid, err := Read(path)
	switch {
	case err == nil:
		return &RunningError{Path: path, PID: pid}
	case errors.Is(err, os.ErrNotExist):
		return nil
	case !errors.Is(err, ErrStale):
		return fmt.Errorf("pidfile check failed, aborting: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("pidfile check failed, aborting: %w", err)
	}
	defer f.Close()
	// Only the holder of the lock may delete the file, and only while it still has that name: otherwise two processes
	// that find the same stale file could delete each other's new one.
	if err := lock(f); err != nil {
		return fmt.Errorf("%s: lost race to lock pidfile: %w", path, err)
	}
	if !sameFile(f, path) {
		return fmt.Errorf("%s: lost race to delete pidfile", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("%s: failed to delete stale pidfile: %w", path, err)
	}
	return nil
}

func sameFile(f *os.File, path string) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(held, named)
}

func lock(f *os.File) error {
	return unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
}

// lockOwner returns the pid that holds a lock on f, 0 if none does. It cannot see a lock of this process.
func lockOwner(f *os.File) (int, error) {
	l := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &l); err != nil {
		return 0, err
	}
	if l.Type == unix.F_UNLCK {
		return 0, nil
	}
	return int(l.Pid), nil
}
