package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// StateRoot holds one directory per deployment: its record, databases, sockets and logs. It is short because the path
// of a unix socket must fit in 107 bytes.
const StateRoot = "/run/sluice-lab"

const (
	recordFile = "record" // what exists, one line each
	keepFile   = "keep"   // present when the owner left the deployment up on purpose
)

// record is the append-only list of what a deployment created: lines "owner PID START", "process PID START NAME" and
// "netns NAME".
type record struct {
	path string
	mu   sync.Mutex // serialises appends of chassis that start at the same time
}

func (r *record) add(format string, args ...any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, format+"\n", args...)
	return errors.Join(err, f.Close())
}

// recorded is the content of a record.
type recorded struct {
	owned      bool // an owner is written down; without it the deployment is in its first microseconds
	ownerAlive bool
	processes  []int // those that still run, in the order they were started
	netns      []string
}

func readRecord(dir string) (recorded, error) {
	var r recorded
	f, err := os.Open(filepath.Join(dir, recordFile))
	if err != nil {
		return r, err
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		w := strings.Fields(sc.Text())
		switch {
		case len(w) == 2 && w[0] == "netns":
			r.netns = append(r.netns, w[1])
		case len(w) >= 3 && (w[0] == "owner" || w[0] == "process"):
			r.owned = r.owned || w[0] == "owner"
			pid, err := strconv.Atoi(w[1])
			if err != nil || startTime(pid) != w[2] {
				continue // ended, or the id belongs to someone else by now
			}
			if w[0] == "owner" {
				r.ownerAlive = true
			} else {
				r.processes = append(r.processes, pid)
			}
		}
	}
	return r, nil
}

// remove ends what the record names and deletes it and the directory.
func (r recorded) remove(dir string) error {
	var errs []error
	for _, pid := range r.processes {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, fmt.Errorf("end process %d of %s: %w", pid, dir, err))
		}
	}
	for _, pid := range r.processes { // not our children, so they cannot be waited for
		errs = append(errs, Until(context.Background(), 5*time.Second, "the end of a killed process", func() error {
			if startTime(pid) != "" {
				return fmt.Errorf("process %d still runs", pid)
			}
			return nil
		}))
	}
	for _, name := range r.netns {
		errs = append(errs, deleteNetns(name))
	}
	return errors.Join(append(errs, os.RemoveAll(dir))...)
}

// Reap removes deployments whose owner is gone: those of programs that were killed, and those left up on purpose when
// kept is true. It returns the prefixes it removed.
func Reap(kept bool) ([]string, error) {
	entries, err := os.ReadDir(StateRoot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var removed []string
	var errs []error
	for _, e := range entries {
		dir := filepath.Join(StateRoot, e.Name())
		if _, err := os.Stat(filepath.Join(dir, keepFile)); err == nil && !kept {
			continue
		}
		r, err := readRecord(dir)
		if err != nil || !r.owned || r.ownerAlive {
			continue // being set up just now, or in use
		}
		if err := r.remove(dir); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, e.Name())
	}
	return removed, errors.Join(errs...)
}
