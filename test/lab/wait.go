package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Polls start close together, because most conditions hold within milliseconds, and grow apart so that a slow machine
// does not spend itself on asking.
const (
	firstPoll = 5 * time.Millisecond
	lastPoll  = 100 * time.Millisecond
)

// errEnded marks that a process has ended, after which there is nothing to wait for.
var errEnded = errors.New("has ended")

// Until calls cond until it returns nil. It gives up after timeout, when ctx ends, or when cond fails because a process has ended
// (Process.Alive, os.ErrProcessDone); its error then names what was waited for and carries cond's last error. cond is called at least once.
func Until(ctx context.Context, timeout time.Duration, what string, cond func() error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		err := cond()
		if err == nil {
			return nil
		}
		if errors.Is(err, errEnded) || errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s (%s): %w", what, timeout, err)
		case <-time.After(wait):
		}
	}
}
