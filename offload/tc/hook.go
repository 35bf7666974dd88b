package tc

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// hookError says why a device has no clsact qdisc.
type hookError struct{ err error }

func (e *hookError) Error() string { return fmt.Sprintf("make its clsact qdisc: %s", e.err) }
func (e *hookError) Unwrap() error { return e.err }

// hook gives a device the qdisc that filters hang at, if it has none.
func (t *Target) hook(d *device) error {
	switch err := t.cfg.Links.Clsact(d.hook.Ifindex); {
	case errors.Is(err, ErrNoLink):
		return errDeviceGone
	case err != nil:
		return &hookError{err}
	}
	d.hooked = true
	return nil
}

// unhooked tells whether a device has lost its qdisc, and its filters with it. It is asked when the kernel calls a request invalid,
// which it also does with all requests about a qdisc that is not there.
func (t *Target) unhooked(d *device) bool {
	links, err := t.cfg.Links.Hooked()
	return err == nil && !slices.ContainsFunc(links, func(l Link) bool { return l.Ifindex == d.hook.Ifindex })
}

// unhook removes the qdisc of a device that has none of sluice's filters any more, unless others have filters there: Open vSwitch
// could not put a rate limit (ingress_policing_rate) on the device.
func (t *Target) unhook(ctx context.Context, d *device) error {
	for _, hook := range []flower.Hook{d.hook, flower.Egress(d.hook.Ifindex)} {
		found, err := t.dump(ctx, &device{site: site{hook: hook}})
		if err != nil || len(found) > 0 {
			return gone(err)
		}
	}
	return gone(t.cfg.Links.Unhook(d.hook.Ifindex))
}

// gone is err, but for that of a device that is not there.
func gone(err error) error {
	if errors.Is(err, errDeviceGone) || errors.Is(err, ErrNoLink) {
		return nil
	}
	return err
}
