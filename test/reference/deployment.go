package reference

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// Options says what the deployment runs.
type Options struct {
	lab.Options
	// Chassis overrides the controller or the tunnel type of single chassis, by name.
	Chassis map[string]lab.ChassisSpec
}

// Deployment is the running lab with the names of its parts.
type Deployment struct {
	*lab.Lab
	HV1, HV2, GW1 *lab.Chassis

	hosts   map[string]*lab.Host
	servers []interface{ Close() }
}

// Start starts the central node, the three chassis and the physical host, without any logical configuration. The caller must call
// Close, also after an error when a deployment is returned with it.
func Start(ctx context.Context, o Options) (*Deployment, error) {
	l, err := lab.New(ctx, o.Options)
	if l == nil {
		return nil, err
	}
	d := &Deployment{Lab: l, hosts: map[string]*lab.Host{}}
	if err != nil {
		return d, err
	}
	for _, ch := range []struct {
		name string
		to   **lab.Chassis
	}{{"hv1", &d.HV1}, {"hv2", &d.HV2}, {"gw1", &d.GW1}} {
		spec := o.Chassis[ch.name]
		spec.Name = ch.name
		if *ch.to, err = l.AddChassis(spec); err != nil {
			return d, err
		}
	}
	if err := l.WarmUnderlay(); err != nil {
		return d, err
	}
	phys, err := l.AddPhysicalHost("phys", netip.PrefixFrom(physIP, 24))
	if err != nil {
		return d, err
	}
	if err := d.serve(phys); err != nil {
		return d, err
	}
	return d, l.Sync()
}

// Close stops everything and removes it.
func (d *Deployment) Close() error {
	for _, s := range d.servers {
		s.Close()
	}
	return d.Lab.Close()
}

// Host is a VM, container or physical host by its name.
func (d *Deployment) Host(name string) *lab.Host { return d.hosts[name] }

// Configure builds all of the deployment without checking it.
func (d *Deployment) Configure() error {
	for _, s := range d.Stages() {
		if err := s.Configure(); err != nil {
			return fmt.Errorf("%s: %w", s.Title, err)
		}
	}
	return nil
}

// echoPort is where every host answers UDP and TCP.
const echoPort = 7000

// serve registers the host and starts its echo servers.
func (d *Deployment) serve(h *lab.Host) error {
	d.hosts[h.Name] = h
	udp, err := probe.ListenUDPEcho(h.Netns, echoPort)
	if err != nil {
		return err
	}
	d.servers = append(d.servers, udp)
	return d.serveTCP(h, echoPort)
}

func (d *Deployment) serveTCP(h *lab.Host, port uint16) error {
	tcp, err := probe.ListenTCPEcho(h.Netns, port)
	if err != nil {
		return err
	}
	d.servers = append(d.servers, tcp)
	return nil
}

// addHost starts a VM that answers on echoPort.
func (d *Deployment) addHost(ch *lab.Chassis, spec lab.HostSpec) error {
	h, err := ch.AddHost(spec)
	if err != nil {
		return err
	}
	return d.serve(h)
}

// nb runs ovn-nbctl with one command a line, all in one transaction.
func (d *Deployment) nb(commands string) error { return d.Central.Configure(commands) }

// hostAddresses are the IPv4 addresses of the hosts, for tests that ping them all.
var hostAddresses = map[string]string{
	"vm1": "10.0.1.11", "vm2": "10.0.1.12", "vm3": "10.0.2.13", "vm4": "10.0.1.14", "vm5": "10.0.1.15", "vm6": "10.0.100.16",
	"c1": "10.0.2.42", "phys": "172.31.0.1", "vlan": "10.0.100.1",
}

// Address is the IPv4 address of a host.
func (d *Deployment) Address(host string) netip.Addr { return addr(hostAddresses[host]) }

// Hosts are the names of the hosts that have been started, sorted.
func (d *Deployment) Hosts() []string { return slices.Sorted(maps.Keys(d.hosts)) }
