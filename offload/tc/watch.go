package tc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
)

// errOverrun: the kernel had more to tell than the socket could hold, or closed it.
var errOverrun = errors.New("news of network devices were lost")

// watchPause is between attempts to watch the network devices.
const watchPause = time.Second

// Follow is Watch, again after each error: changed is called with "" then, for all devices are to be looked at.
func Follow(ctx context.Context, changed func(device string), log *slog.Logger) error {
	for {
		err := Watch(ctx, changed)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		log.Warn(err.Error() + "; all devices are looked at again")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(watchPause):
		}
		changed("")
	}
}

// Watch calls changed with the name of each network device of the calling thread's
// namespace that comes, goes, or gets another number, until ctx ends; what a filter puts
// packets out by is a number. After an error anything may have changed.
func Watch(ctx context.Context, changed func(device string)) error {
	updates, done := make(chan netlink.LinkUpdate), make(chan struct{})
	failed := make(chan error, 1)
	if err := netlink.LinkSubscribeWithOptions(updates, done, netlink.LinkSubscribeOptions{ErrorCallback: func(err error) {
		select {
		case failed <- err:
		default:
		}
	}}); err != nil {
		return fmt.Errorf("subscribe to news of network devices: %w", err)
	}
	defer func() {
		close(done)
		for range updates { // the library gives up its socket only when nobody keeps it waiting
		}
	}()
	known := map[int]string{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case u, ok := <-updates:
			if !ok {
				select {
				case err := <-failed:
					return fmt.Errorf("%w: %w", errOverrun, err)
				default:
					return errOverrun
				}
			}
			a := u.Attrs()
			switch {
			case u.Header.Type == syscall.RTM_DELLINK:
				delete(known, a.Index)
			case known[a.Index] == a.Name:
				continue
			default:
				known[a.Index] = a.Name
			}
			changed(a.Name)
		}
	}
}
