package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// namespaces is a testbed in network namespaces of this machine, or of a guest.
type namespaces struct {
	lab     *lab.Lab
	chassis map[string]*lab.Chassis
	trunks  map[string]*lab.Trunk
	hosts   map[string]*lab.Host
	shared  map[string]bool // those on the physical network or in a trunk, whose switches learn
	servers []io.Closer
	offload bool // the chassis are to offload
}

// Namespaces starts testbeds in network namespaces, for NewPlayer.
func Namespaces(ctx context.Context, o lab.Options) func() (Testbed, error) {
	return func() (Testbed, error) {
		l, err := lab.New(ctx, o)
		if l == nil {
			return nil, err
		}
		return &namespaces{lab: l, chassis: map[string]*lab.Chassis{}, trunks: map[string]*lab.Trunk{}, hosts: map[string]*lab.Host{},
			shared: map[string]bool{}, offload: o.Offload != "" && o.Offload != "off"}, err
	}
}

// Build lacks nothing: what a scenario needs is made.
func (n *namespaces) Build(s *Scenario) error {
	t, added := s.Topology, false
	for _, name := range t.Chassis {
		if n.chassis[name] != nil {
			continue
		}
		added = true
		ch, err := n.lab.AddChassis(lab.ChassisSpec{Name: name})
		if err != nil {
			return err
		}
		n.chassis[name] = ch
	}
	if added {
		if err := n.lab.WarmUnderlay(); err != nil {
			return err
		}
	}
	for _, tr := range t.Trunks {
		trunk, err := n.chassis[tr.Chassis].AddTrunk(tr.Name, tr.Port)
		if err != nil {
			return fmt.Errorf("trunk %s: %w", tr.Name, err)
		}
		n.trunks[tr.Name] = trunk
	}
	for _, h := range t.Hosts {
		host, err := n.addHost(h)
		if err == nil {
			err = n.add(host, h.Serves, h.Trunk != "")
		}
		if err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	for _, p := range t.Physical {
		host, err := n.addPhysical(p, t.Chassis)
		if err == nil {
			err = n.add(host, nil, true)
		}
		if err != nil {
			return fmt.Errorf("physical host %s: %w", p.Name, err)
		}
	}
	return n.lab.Sync()
}

func (n *namespaces) addHost(h Host) (*lab.Host, error) {
	spec := lab.HostSpec{Name: h.Name, Port: h.Port, MAC: h.MAC, Addrs: h.Addrs, Gateways: h.Gateways}
	if h.Trunk != "" {
		return n.trunks[h.Trunk].AddHost(h.VLAN, spec)
	}
	return n.chassis[h.Chassis].AddHost(spec)
}

// addPhysical adds a host to the physical network. Where hosts cannot tag their frames themselves, one in a VLAN is an access port of the
// last chassis' bridge to that network.
func (n *namespaces) addPhysical(p Physical, chassis []string) (*lab.Host, error) {
	if p.VLAN != 0 && n.lab.Tags() {
		host, err := n.lab.AddTaggedHost(p.Name, p.VLAN, p.Addrs...)
		if err != nil {
			return nil, err
		}
		return host, host.SetAddrs(nil, p.Gateways)
	}
	if p.VLAN != 0 {
		return n.chassis[chassis[len(chassis)-1]].AddAccessHost(p.VLAN, lab.HostSpec{Name: p.Name, Addrs: p.Addrs, Gateways: p.Gateways})
	}
	host, err := n.lab.AddPhysicalHost(p.Name, p.Addrs...)
	if err != nil {
		return nil, err
	}
	return host, host.SetAddrs(nil, p.Gateways)
}

func (n *namespaces) add(host *lab.Host, serves []uint16, shared bool) error {
	n.hosts[host.Name], n.shared[host.Name] = host, shared
	server, err := Serve(local(host), serves)
	if err == nil {
		n.servers = append(n.servers, server)
	}
	return err
}

func (n *namespaces) Configure(commands string) error { return n.lab.Central.Configure(commands) }

func (n *namespaces) Settle() error { return n.lab.Settle() }

func (n *namespaces) Port(host string) Port {
	h := n.hosts[host]
	return Port{Host: local(h), Timeout: n.lab.Timeout(), Shared: n.shared[host]}
}

// local is a host of the deployment as one that sends and watches packets.
func local(h *lab.Host) probe.Host { return probe.Local{Netns: h.Netns, Interface: h.Interface()} }

func (n *namespaces) stopServing() error {
	var errs []error
	for _, s := range n.servers {
		errs = append(errs, s.Close())
	}
	n.servers = nil
	return errors.Join(errs...)
}

// Clear revives what faults have left dead: ports are taken away by a switch that runs. Hosts go before the configuration: their ports
// would else be up without a logical port for a moment.
func (n *namespaces) Clear() error {
	if err := n.stopServing(); err != nil {
		return err
	}
	for _, ch := range n.chassis {
		if err := revive(ch); err != nil {
			return err
		}
	}
	for name, h := range n.hosts {
		if err := h.Remove(); err != nil {
			return err
		}
		delete(n.hosts, name)
	}
	for name, tr := range n.trunks {
		if err := tr.Remove(); err != nil {
			return err
		}
		delete(n.trunks, name)
	}
	if err := n.lab.Central.Clear(); err != nil {
		return err
	}
	return n.lab.Sync()
}

func (n *namespaces) Close() error {
	return errors.Join(n.stopServing(), n.lab.Close())
}
