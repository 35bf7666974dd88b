package netdev

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Routes tells by which network devices packets to addresses leave a network namespace: that of a file descriptor, or with 0 that of the
// calling thread. Addresses without a route are not in the answer.
func Routes(namespace int, to []netip.Addr) (map[netip.Addr]int32, error) {
	if len(to) == 0 {
		return nil, nil
	}
	at := netns.None()
	if namespace != 0 {
		at = netns.NsHandle(namespace)
	}
	h, err := netlink.NewHandleAt(at, 0)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket for routes: %w", err)
	}
	defer h.Close()
	by := map[netip.Addr]int32{}
	for _, a := range to {
		routes, err := h.RouteGet(a.AsSlice())
		if err == nil && len(routes) > 0 { // an error is how the kernel says that there is none
			by[a] = int32(routes[0].LinkIndex)
		}
	}
	return by, nil
}

// Carrier is the device that packets leave the host by, for those that are routed to a device: below VLANs and the like. nil if the device
// is not there.
func (in *Inventory) Carrier(ifindex int32) *Device {
	d := in.ByIndex(ifindex)
	for range 8 { // stacked devices are seldom more than two high
		if d == nil || d.Kind != Stacked || d.Lower == 0 {
			return d
		}
		d = in.ByIndex(d.Lower)
	}
	return d
}
