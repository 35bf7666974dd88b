package tc

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// KernelLinks are the network devices of a network namespace, by rtnetlink.
type KernelLinks struct{ handle *netlink.Handle }

// NewLinks opens a connection, which the caller closes, to a network namespace: that of a file descriptor, or with 0 that of the
// calling thread.
func NewLinks(namespace int) (*KernelLinks, error) {
	at := netns.None()
	if namespace != 0 {
		at = netns.NsHandle(namespace)
	}
	h, err := netlink.NewHandleAt(at, syscall.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket for links: %w", err)
	}
	return &KernelLinks{h}, nil
}

// Close ends the connection.
func (k *KernelLinks) Close() { k.handle.Close() }

// ByName implements Links.
func (k *KernelLinks) ByName(name string) (Link, error) { return linkOf(k.handle.LinkByName(name)) }

// ByIndex implements Links.
func (k *KernelLinks) ByIndex(ifindex int32) (Link, error) {
	return linkOf(k.handle.LinkByIndex(int(ifindex)))
}

func linkOf(l netlink.Link, err error) (Link, error) {
	var missing netlink.LinkNotFoundError
	switch {
	case errors.As(err, &missing), errors.Is(err, syscall.ENODEV):
		return Link{}, ErrNoLink
	case err != nil:
		return Link{}, err
	}
	a := l.Attrs()
	link := Link{Name: a.Name, Ifindex: int32(a.Index)}
	if s := a.Statistics; s != nil {
		link.Received = Count{s.RxPackets, s.RxBytes}
	}
	return link, nil
}

// clsactKind is the name of the qdisc.
const clsactKind = "clsact"

// clsact is the qdisc of a device.
func clsact(ifindex int32) *netlink.GenericQdisc {
	return &netlink.GenericQdisc{QdiscType: clsactKind, QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: int(ifindex), Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
}

// Clsact implements Links.
func (k *KernelLinks) Clsact(ifindex int32) error {
	switch err := k.handle.QdiscReplace(clsact(ifindex)); { // one that is there stays, with its filters (tc_modify_qdisc)
	case errors.Is(err, syscall.ENODEV):
		return ErrNoLink
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EEXIST):
		return fmt.Errorf("it has another qdisc in that place, ingress, which has no egress (%w). Open vSwitch makes one for a rate limit (ingress_policing_rate) and "+
			"where it offloads by itself, other programs for limits of theirs: see \"tc filter show dev DEVICE ingress\", and have whoever made it take it away", err)
	default:
		return err
	}
}

// Unhook implements Links.
func (k *KernelLinks) Unhook(ifindex int32) error {
	switch err := k.handle.QdiscDel(clsact(ifindex)); {
	case errors.Is(err, syscall.ENODEV):
		return ErrNoLink
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.EINVAL): // there is none, or another one
		return nil
	default:
		return err
	}
}

// Hooked implements Links.
func (k *KernelLinks) Hooked() ([]Link, error) {
	qdiscs, err := k.handle.QdiscList(nil)
	if err != nil {
		return nil, err
	}
	var list []Link
	for _, q := range qdiscs {
		if q.Type() != clsactKind {
			continue
		}
		switch l, err := k.ByIndex(int32(q.Attrs().LinkIndex)); {
		case errors.Is(err, ErrNoLink):
		case err != nil:
			return nil, err
		default:
			list = append(list, l)
		}
	}
	return list, nil
}

// membarrierGlobal is MEMBARRIER_CMD_GLOBAL (linux/membarrier.h), which x/sys does not have.
const membarrierGlobal = 1

// Drain implements Links. Filters are looked up in critical sections of RCU, and this call waits until those that have begun are over (membarrier(2),
// synchronize_rcu): some milliseconds. A kernel with processors that have no tick (nohz_full) does not do that.
func (k *KernelLinks) Drain() error {
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 {
		return fmt.Errorf("wait until packets have left the filters, by membarrier(2): %w", errno)
	}
	return nil
}

// Scratch implements Links. The device is a dummy, and down.
func (k *KernelLinks) Scratch() (Link, func() error, error) {
	const name = "sluice-probe"
	if old, err := k.handle.LinkByName(name); err == nil { // of a process that died
		_ = k.handle.LinkDel(old)
	}
	dummy := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: name}}
	if err := k.handle.LinkAdd(dummy); err != nil {
		return Link{}, nil, fmt.Errorf("%s, a dummy device (module dummy): %w", name, err)
	}
	l, err := k.ByName(name)
	return l, func() error { return k.handle.LinkDel(dummy) }, err
}
