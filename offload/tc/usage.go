package tc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/offload"
)

// usage is what a device has to do with packets, since it is known.
type usage struct {
	link  Count // when it was read last
	known bool  // it was
	offload.Usage
}

// used notes what a filter has seen more than when it was read last. Packets count where they end: at a path that jumps they are
// on their way, and traps hand them over. What a filter had seen before it was adopted is of a time before.
func (d *device) used(c *chain, h *held, now tally) {
	before, read := h.seen, h.read
	h.read = true
	if !read || !c.ends(h) || now.packets < before.packets || now.bytes < before.bytes || now.hwPackets < before.hwPackets || now.hwBytes < before.hwBytes {
		return
	}
	d.usage.Offloaded += now.packets - before.packets
	d.usage.OffloadedBytes += now.bytes - before.bytes
	d.usage.InDevice += now.hwPackets - before.hwPackets
	d.usage.InDeviceBytes += now.hwBytes - before.hwBytes
}

// ends tells whether a filter sees to its packets to the end.
func (c *chain) ends(h *held) bool {
	switch {
	case h.mark.role != rolePath:
		return false
	case h.form != nil:
		return h.form.jump == nil
	}
	return c.table != nil && c.table.ends[h.mark.path()]
}

// Usage implements offload.Target. It is of the time since a device was first asked about.
func (t *Target) Usage(context.Context) ([]offload.Usage, error) {
	var list []offload.Usage
	for _, hook := range slices.SortedFunc(maps.Keys(t.devices), compareHooks) {
		d := t.devices[hook]
		l, err := t.cfg.Links.ByIndex(hook.Ifindex)
		switch {
		case errors.Is(err, ErrNoLink):
			continue // Apply will notice
		case err != nil:
			return nil, fmt.Errorf("read the counters of device %s: %w", d.name, err)
		}
		d.usage.came(l.Received)
		d.usage.Device = d.name
		list = append(list, d.usage.Usage)
	}
	return list, nil
}

// came takes what the kernel's counters of the device say.
func (u *usage) came(now Count) {
	before := u.link
	if u.link = now; !u.known {
		// What filters have seen by now, the device has received before.
		u.known, u.Offloaded, u.OffloadedBytes, u.InDevice, u.InDeviceBytes = true, 0, 0, 0, 0
		return
	}
	if now.Packets < before.Packets || now.Bytes < before.Bytes {
		before = Count{} // the driver has started anew
	}
	u.Received += now.Packets - before.Packets
	u.ReceivedBytes += now.Bytes - before.Bytes
}
