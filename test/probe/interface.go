package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// InterfaceConfig is how an interface is set up.
type InterfaceConfig struct {
	// MAC is its Ethernet address; empty keeps the present one.
	MAC net.HardwareAddr
	// MTU in bytes.
	MTU int
	// Addrs are the addresses that it has, besides those that the kernel gives it; without one of IPv6 it has none of that family at all,
	// unless IPv6 is set.
	Addrs []netip.Prefix
	IPv6  bool
	// Gateways are its default routers, at most one for each address family.
	Gateways []netip.Addr
}

// Configure sets an interface of the namespace up: it is down for a moment, so that it forgets its neighbours, and its link-local address is
// that of its MAC address. An IPv6 address is used at once, without looking for duplicates. restore puts everything back that was changed.
func Configure(ns Netns, iface string, c InterfaceConfig) (restore func() error, err error) {
	want := interfaceState{mac: c.MAC, mtu: c.MTU, up: true, addrs: addrs(c.Addrs), routes: defaultRoutes(c.Gateways), ipv6: map[string]string{
		"disable_ipv6": "1", "accept_dad": "0", "accept_ra": "0", "router_solicitations": "0",
	}}
	if c.IPv6 || slices.ContainsFunc(c.Addrs, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
		want.ipv6["disable_ipv6"] = "0"
	}
	var was interfaceState
	err = ns.Do(func() error {
		if err := was.read(iface, want.ipv6); err != nil {
			return err
		}
		return want.apply(iface)
	})
	if err != nil {
		err = fmt.Errorf("configure interface %s: %w", iface, err)
	}
	return func() error {
		if err := ns.Do(func() error { return was.apply(iface) }); err != nil {
			return fmt.Errorf("put interface %s back: %w", iface, err)
		}
		return nil
	}, err
}

// AddAddrs adds addresses and default routes to an interface of the namespace.
func AddAddrs(ns Netns, iface string, prefixes []netip.Prefix, gateways []netip.Addr) error {
	return ns.Do(func() error {
		link, err := netlink.LinkByName(iface)
		if err != nil {
			return fmt.Errorf("interface %s: %w", iface, err)
		}
		return add(link, addrs(prefixes), defaultRoutes(gateways))
	})
}

// interfaceState is all that Configure changes. Its methods are called inside the namespace.
type interfaceState struct {
	mac    net.HardwareAddr
	mtu    int
	up     bool
	addrs  []netlink.Addr    // but for those that the kernel makes by itself
	routes []netlink.Route   // likewise
	ipv6   map[string]string // settings below net/ipv6/conf/INTERFACE (Documentation/networking/ip-sysctl.rst of the kernel)
}

// read finds out how the interface is; settings are the IPv6 settings that matter.
func (s *interfaceState) read(iface string, settings map[string]string) error {
	link, err := netlink.LinkByName(iface)
	if err != nil {
		return err
	}
	a := link.Attrs()
	s.mac, s.mtu, s.up = a.HardwareAddr, a.MTU, a.Flags&net.FlagUp != 0
	s.ipv6 = map[string]string{}
	for name := range settings {
		value, err := os.ReadFile(ipv6Setting(iface, name))
		if err != nil {
			return err
		}
		s.ipv6[name] = strings.TrimSpace(string(value))
	}
	if s.addrs, err = addrsOf(link); err != nil {
		return err
	}
	if s.routes, err = netlink.RouteList(link, netlink.FAMILY_ALL); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	s.routes = slices.DeleteFunc(s.routes, func(r netlink.Route) bool { return r.Protocol == unix.RTPROT_KERNEL })
	return nil
}

// apply makes the interface so.
func (s *interfaceState) apply(iface string) error {
	link, err := netlink.LinkByName(iface)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetDown(link); err != nil {
		return fmt.Errorf("set it down: %w", err)
	}
	if err := netlink.LinkSetMTU(link, s.mtu); err != nil {
		return fmt.Errorf("set its MTU to %d: %w", s.mtu, err)
	}
	if len(s.mac) > 0 {
		if err := netlink.LinkSetHardwareAddr(link, s.mac); err != nil {
			return fmt.Errorf("set its MAC address to %s: %w", s.mac, err)
		}
	}
	for name, value := range s.ipv6 {
		if err := os.WriteFile(ipv6Setting(iface, name), []byte(value), 0o644); err != nil {
			return err
		}
	}
	present, err := addrsOf(link)
	if err != nil {
		return err
	}
	for _, x := range present {
		if err := netlink.AddrDel(link, &x); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) { // went with the link
			return fmt.Errorf("remove address %s: %w", x.IPNet, err)
		}
	}
	if !s.up {
		return add(link, s.addrs, nil)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("set it up: %w", err)
	}
	return add(link, s.addrs, s.routes)
}

func add(link netlink.Link, addrs []netlink.Addr, routes []netlink.Route) error {
	for _, x := range addrs {
		if x.Broadcast == nil {
			x.Broadcast = net.IPv4zero // none, as with ip-address(8); nil would have one made
		}
		if err := netlink.AddrReplace(link, &x); err != nil {
			return fmt.Errorf("add address %s to %s: %w", x.IPNet, link.Attrs().Name, err)
		}
	}
	for _, r := range routes {
		r.LinkIndex = link.Attrs().Index
		if err := netlink.RouteReplace(&r); err != nil {
			return fmt.Errorf("add route %s to %s: %w", r, link.Attrs().Name, err)
		}
	}
	return nil
}

func addrs(prefixes []netip.Prefix) (all []netlink.Addr) {
	for _, p := range prefixes {
		x := netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
		if p.Addr().Is6() {
			x.Flags = unix.IFA_F_NODAD
		}
		all = append(all, x)
	}
	return all
}

func defaultRoutes(gateways []netip.Addr) (all []netlink.Route) {
	for _, gw := range gateways {
		all = append(all, netlink.Route{Gw: gw.AsSlice()})
	}
	return all
}

// addrsOf are the addresses of an interface that the kernel has not given it by itself.
func addrsOf(link netlink.Link) ([]netlink.Addr, error) {
	addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("addresses: %w", err)
	}
	return slices.DeleteFunc(addrs, func(x netlink.Addr) bool { return x.Scope == int(netlink.SCOPE_LINK) }), nil
}

func ipv6Setting(iface, name string) string {
	return filepath.Join("/proc/sys/net/ipv6/conf", iface, name)
}
