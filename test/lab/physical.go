package lab

import (
	"net/netip"
	"strconv"
)

// wirePhysical connects an interface of a namespace to the switch of the physical network, which it creates on first use.
func (l *Lab) wirePhysical(n *Netns, iface, port string) error {
	sw, err := l.physicalSwitch()
	if err != nil {
		return err
	}
	if err := veth(n, iface, sw, port); err != nil {
		return err
	}
	return enslave(sw, port, "br-wire")
}

func (l *Lab) physicalSwitch() (*Netns, error) {
	l.mu.Lock()
	sw := l.physical
	l.mu.Unlock()
	if sw != nil {
		return sw, nil
	}
	sw, err := l.AddNetns("wire")
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.physical = sw
	l.mu.Unlock()
	return sw, bridge(sw, "br-wire")
}

// AddPhysicalHost adds a host to the physical network, which all chassis reach by their bridge br-ex.
func (l *Lab) AddPhysicalHost(name string, addrs ...netip.Prefix) (*Host, error) {
	return l.addPhysicalHost(name, hostInterface, addrs, nil)
}

// AddTaggedHost is AddPhysicalHost for a host whose frames are in a VLAN. It needs the kernel's 802.1Q devices, which guests have.
func (l *Lab) AddTaggedHost(name string, vlan int, addrs ...netip.Prefix) (*Host, error) {
	return l.addPhysicalHost(name, "trunk0", addrs, func(n *Netns) error {
		return command("ip", "-n", n.Name, "link", "add", "link", "trunk0", "name", hostInterface, "type", "vlan", "id", strconv.Itoa(vlan))
	})
}

// addPhysicalHost makes a host with an interface to the physical network, and what finish makes of that.
func (l *Lab) addPhysicalHost(name, iface string, addrs []netip.Prefix, finish func(*Netns) error) (*Host, error) {
	h := &Host{Name: name, lab: l}
	var err error
	if h.Netns, err = l.AddNetns(name); err != nil {
		return nil, err
	}
	if err := l.wirePhysical(h.Netns, iface, "x-"+name); err != nil {
		return nil, err
	}
	if finish != nil {
		if err := finish(h.Netns); err != nil {
			return nil, err
		}
	}
	return h, h.configure(HostSpec{Addrs: addrs, MTU: PhysicalMTU}, l.opts.Datapath)
}
