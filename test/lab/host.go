package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/test/probe"
)

// hostInterface is the name of a host's only interface, inside its namespace.
const hostInterface = "eth0"

const (
	// HostMTU leaves room for the tunnel headers on an underlay of 1500 bytes: Geneve with OVN's option needs 58.
	HostMTU = 1400
	// PhysicalMTU is that of hosts of the physical network.
	PhysicalMTU = 1500
)

// HostSpec describes a VM or container.
type HostSpec struct {
	// Name is the host's name and that of its interface on the chassis.
	Name string
	// Port is the logical switch port that the interface is bound to, its iface-id; empty binds it to none.
	Port string
	// MAC is the interface's address; empty keeps the kernel's choice.
	MAC string
	// Addrs are its addresses with prefix length; a host without any asks by DHCP or by hand.
	Addrs []netip.Prefix
	// IPv6 switches IPv6 on for a host that is to learn its address.
	IPv6 bool
	// Gateways are its default routers, at most one for each address family.
	Gateways []netip.Addr
	// MTU in bytes; 0 is 1400.
	MTU int
}

// Host is a machine of the tenants or of the physical network: a namespace with one interface, eth0.
type Host struct {
	// Name is the host's name.
	Name string
	// Netns is where its sockets are opened.
	Netns *Netns

	lab      *Lab
	spec     HostSpec
	chassis  *Chassis // where it is plugged; nil on the physical network
	bridge   string   // into which, with the port's settings
	settings []string
}

// Interface is the name of the host's interface inside its namespace.
func (h *Host) Interface() string { return hostInterface }

// AddHost starts a VM on the chassis, its interface plugged into br-int.
func (ch *Chassis) AddHost(spec HostSpec) (*Host, error) {
	return ch.addHost(spec, "br-int", bind(spec.Name, spec.Port)...)
}

// bind binds a port to a logical one, for ovs-vsctl(8); or to none.
func bind(name, port string) []string {
	if port == "" {
		return nil
	}
	return []string{"--", "set", "interface", name, "external-ids:iface-id=" + port}
}

// addHost makes a host whose chassis end is a port of the bridge; settings are what ovs-vsctl(8) does with
// the port besides.
func (ch *Chassis) addHost(spec HostSpec, bridge string, settings ...string) (*Host, error) {
	h := &Host{Name: spec.Name, lab: ch.lab, chassis: ch, spec: spec, bridge: bridge, settings: settings}
	var err error
	if h.Netns, err = ch.lab.AddNetns(spec.Name); err != nil {
		return nil, err
	}
	if err := h.addDevice(); err != nil {
		return nil, err
	}
	return h, h.plug()
}

// plug makes the host's device a port of its bridge.
func (h *Host) plug() error {
	_, err := h.chassis.Vsctl(append([]string{"add-port", h.bridge, h.Name}, h.settings...)...)
	return err
}

// unplug takes that port away, if it is there.
func (h *Host) unplug() error {
	_, err := h.chassis.Vsctl("--if-exists", "del-port", h.Name)
	return err
}

// Remove unplugs the host and removes it.
func (h *Host) Remove() error {
	if h.chassis != nil {
		if err := h.unplug(); err != nil {
			return err
		}
	}
	return h.lab.removeNetns(h.Name)
}

// AddAccessHost adds a host to the chassis' bridge br-ex as an access port of a VLAN of the physical network. Kernels without 802.1Q
// devices cannot have the host tag frames itself.
func (ch *Chassis) AddAccessHost(vlan int, spec HostSpec) (*Host, error) {
	return ch.addHost(spec, "br-ex", accessPort(spec.Name, vlan)...)
}

// accessPort makes a port one of a VLAN, for addHost.
func accessPort(name string, vlan int) []string {
	return []string{"--", "set", "port", name, "tag=" + strconv.Itoa(vlan)}
}

// configure sets the host's interface up, and prepares it for the datapath that its packets will meet.
func (h *Host) configure(spec HostSpec, d Datapath) error {
	c := probe.InterfaceConfig{MTU: spec.MTU, Addrs: spec.Addrs, IPv6: spec.IPv6, Gateways: spec.Gateways}
	if c.MTU == 0 {
		c.MTU = HostMTU
	}
	if spec.MAC != "" {
		mac, err := net.ParseMAC(spec.MAC)
		if err != nil {
			return err
		}
		c.MAC = mac
	}
	six := spec.IPv6 || slices.ContainsFunc(spec.Addrs, func(p netip.Prefix) bool { return p.Addr().Is6() })
	// A host without an IPv6 address of ours stays silent, on the interface below a VLAN too.
	if err := h.Netns.setSysctl("net/ipv6/conf/all/disable_ipv6", onOff(!six)); err != nil {
		return err
	}
	if d == Userspace {
		if err := finishChecksums(h.Netns, hostInterface); err != nil {
			return err
		}
	}
	_, err := probe.Configure(h.Netns, hostInterface, c)
	return err
}

// SetAddrs adds addresses and default routes to the host.
func (h *Host) SetAddrs(addrs []netip.Prefix, gateways []netip.Addr) error {
	if err := probe.AddAddrs(h.Netns, hostInterface, addrs, gateways); err != nil {
		return fmt.Errorf("host %s: %w", h.Name, err)
	}
	return nil
}

// RemoveAddrs takes all addresses from the host, which is silent then.
func (h *Host) RemoveAddrs() error {
	return command("ip", "-n", h.Netns.Name, "addr", "flush", "dev", hostInterface)
}

// ForgetNeighbours has the host ask for the MAC addresses of its neighbours again.
func (h *Host) ForgetNeighbours() error {
	return command("ip", "-n", h.Netns.Name, "neigh", "flush", "dev", hostInterface)
}

// Neighbours are the MAC addresses of neighbours that the host has an answer of.
func (h *Host) Neighbours() (map[netip.Addr]string, error) {
	out, err := output(context.Background(), nil, "ip", "-n", h.Netns.Name, "neigh", "show", "dev", hostInterface)
	if err != nil {
		return nil, err
	}
	all := map[netip.Addr]string{}
	for line := range strings.Lines(out) {
		words := strings.Fields(line) // ADDRESS lladdr MAC STATE
		if i := slices.Index(words, "lladdr"); i > 0 && i+1 < len(words) {
			ip, err := netip.ParseAddr(words[0])
			if err != nil {
				return nil, err
			}
			all[ip] = words[i+1]
		}
	}
	return all, nil
}

func onOff(on bool) string {
	if on {
		return "1"
	}
	return "0"
}
