package tc

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
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
	link := Link{Name: a.Name, Ifindex: int32(a.Index), Internal: l.Type() == "openvswitch"}
	if s := a.Statistics; s != nil {
		link.Received, link.Sent = Count{s.RxPackets, s.RxBytes}, Count{s.TxPackets, s.TxBytes}
	}
	return link, nil
}

// clsactKind is the name of the qdisc.
const clsactKind = "clsact"

// Clsact implements Links.
func (k *KernelLinks) Clsact(ifindex int32) error {
	err := k.handle.QdiscAdd(&netlink.GenericQdisc{QdiscType: clsactKind, QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: int(ifindex), Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}})
	switch {
	case errors.Is(err, syscall.EEXIST):
		return k.hasClsact(ifindex)
	case errors.Is(err, syscall.ENODEV):
		return ErrNoLink
	}
	return err
}

// hasClsact tells a clsact from the older ingress qdisc, which takes its place and has no egress.
func (k *KernelLinks) hasClsact(ifindex int32) error {
	hooked, err := k.Hooked()
	if err != nil {
		return err
	}
	for _, l := range hooked {
		if l.Ifindex == ifindex {
			return nil
		}
	}
	return errors.New("it has another qdisc in that place (ingress): remove it with \"tc qdisc del dev DEVICE ingress\"")
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
