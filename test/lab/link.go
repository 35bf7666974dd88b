package lab

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// veth creates a pair of virtual Ethernet interfaces, one end in each namespace, both up.
func veth(a *Netns, aName string, b *Netns, bName string) error {
	if err := command("ip", "link", "add", aName, "netns", a.Name, "type", "veth", "peer", "name", bName, "netns", b.Name); err != nil {
		return err
	}
	return errors.Join(a.setUp(aName), b.setUp(bName))
}

// setUp is "ip link set IFACE up", without the start of a process: a deployment has many interfaces, and an emulated machine is slow at
// starting.
func (n *Netns) setUp(iface string) error {
	request, err := unix.NewIfreq(iface)
	if err != nil {
		return fmt.Errorf("interface %s: %w", iface, err)
	}
	return n.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, request); err != nil {
			return fmt.Errorf("flags of %s in %s: %w", iface, n.Name, err)
		}
		request.SetUint16(request.Uint16() | unix.IFF_UP)
		if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
			return fmt.Errorf("set %s in %s up: %w", iface, n.Name, err)
		}
		return nil
	})
}

// bridge creates a kernel bridge in the namespace: a switch without VLAN filtering, so tagged frames pass as they are.
func bridge(n *Netns, name string) error {
	if err := command("ip", "-n", n.Name, "link", "add", name, "type", "bridge", "mcast_snooping", "0"); err != nil {
		return err
	}
	return n.setUp(name)
}

// enslave makes the interface a port of the bridge in the same namespace.
func enslave(n *Netns, iface, bridge string) error {
	return command("ip", "-n", n.Name, "link", "set", iface, "master", bridge)
}

// finishChecksums makes the kernel of the namespace compute transport checksums before a frame leaves iface. A veth hands frames
// over with unfinished checksums; the userspace datapath reads them with AF_PACKET and would put them into tunnels as they are,
// which every receiver then drops. It is "ethtool -K IFACE tx off", by the ioctl of the same effect.
func finishChecksums(n *Netns, iface string) error {
	const setTxChecksum = 0x17 // ETHTOOL_STXCSUM of linux/ethtool.h
	value := struct{ cmd, data uint32 }{cmd: setTxChecksum}
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte // struct ifreq is longer than the pointer
	}{data: unsafe.Pointer(&value)}
	copy(request.name[:unix.IFNAMSIZ-1], iface)
	return n.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
			return fmt.Errorf("turn transmit checksum offload of %s in %s off: %w", iface, n.Name, errno)
		}
		return nil
	})
}
