package netdev

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/genl"
	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/offload/tc/devlink"
	"github.com/sluice-gw/sluice/offload/tc/ethtool"
)

// Look reads the network devices of a network namespace: that of a file descriptor, or with 0 that of the calling thread. It fails where
// the list of devices cannot be had; what else cannot be read is in Inventory.Unknown.
func Look(ctx context.Context, netns int) (*Inventory, error) {
	s := Sources{Sysfs: Sysfs{os.DirFS("/sys")}, Kernel: release()}
	wire, err := nl.Dial(nl.SocketConfig{NetNS: netns})
	if err != nil {
		return nil, err
	}
	c := nl.NewConn(wire, nl.Options{BodyHeader: ifinfoLen, ReadBuffer: wire.ReadBuffer()})
	s.Links, err = links(ctx, c)
	if disturbed(err) { // they are looked at again soon; to fail would take the offload from all
		s.Unknown, err = append(s.Unknown, "devices that came or went just now: "+err.Error()), nil
	}
	if err := errors.Join(err, c.Close()); err != nil {
		return nil, err
	}
	if s.Cards, err = cards(ctx, netns); err != nil && !errors.Is(err, genl.ErrNoFamily) { // without the family there are no cards
		s.Unknown = append(s.Unknown, "network cards: "+err.Error())
	}
	if s.HWTC, err = features(ctx, netns); err != nil {
		s.Unknown = append(s.Unknown, ethtool.HWTC+" of all devices: "+err.Error())
	}
	return s.Inventory(), ctx.Err()
}

func cards(ctx context.Context, netns int) ([]devlink.Device, error) {
	c, err := devlink.Dial(ctx, netns)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Devices()
}

func features(ctx context.Context, netns int) (map[int32]ethtool.Feature, error) {
	c, err := ethtool.Dial(ctx, netns)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Features(ethtool.HWTC)
}

// release is the kernel's, as "uname -r" prints it.
func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil { // it fails for bad pointers only
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
