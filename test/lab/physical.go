package lab

import "net/netip"

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
	h := &Host{Name: name, lab: l}
	var err error
	if h.Netns, err = l.AddNetns(name); err != nil {
		return nil, err
	}
	if err := l.wirePhysical(h.Netns, hostInterface, "x-"+name); err != nil {
		return nil, err
	}
	return h, h.configure(HostSpec{Addrs: addrs, MTU: 1500}, l.opts.Datapath)
}
