package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/probe"
)

// served is a switch that "sluice vtep serve" runs on the kernel's datapath, with one logical switch; the other end of the tunnel is the kernel's own VXLAN
// device, which knows nothing of sluice or Open vSwitch.
type served struct {
	*testing.T
	*Lab
	tor      *VTEP
	stations map[string]*tagged
}

// tagged is a station: a device in a namespace whose frames have a VLAN at the switch's port, or are in the tunnel.
type tagged struct {
	*Netns
	device, mac string
	ip          netip.Addr
}

const farEnd = "192.168.50.99"

func startServed(t *testing.T) *served {
	guest.Need(t, append(Programs(), "sluice", "vtep-ctl", "tc")...)
	l, err := newBare(context.Background(), Options{Datapath: Kernel, Timeout: guest.Patience})
	s := &served{T: t, Lab: l, stations: map[string]*tagged{}}
	if l != nil {
		t.Cleanup(func() {
			if t.Failed() && s.tor != nil {
				s.dump()
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	s.no(err)
	server, err := ParseVTEPServer("sluice")
	s.no(err)
	s.tor, err = l.AddServedVTEP("tor1", server, Controller{})
	s.no(err)
	s.ctl("add-ls", "ls1", "--", "set", "Logical_Switch", "ls1", "tunnel_key=5000", "--", "add-mcast-remote", "ls1", "unknown-dst", farEnd)
	s.station("h1", 100, 1)
	s.station("h2", 200, 2)
	s.far()
	return s
}

func (s *served) no(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *served) ctl(args ...string) string {
	s.Helper()
	out, err := s.tor.Ctl(args...)
	s.no(err)
	return out
}

// await waits for a condition.
func (s *served) await(what string, cond func() error) {
	s.Helper()
	s.no(Until(s.Context(), guest.Patience, what, cond))
}

// station plugs a host into a port of its own name, and binds the VLAN of its frames there.
func (s *served) station(name string, vlan, n int) {
	s.Helper()
	x := &tagged{device: fmt.Sprintf("v%d", vlan), mac: fmt.Sprintf("02:00:00:00:00:%02x", n), ip: netip.AddrFrom4([4]byte{10, 0, 0, byte(n)})}
	h, err := s.tor.OVS.addHost(HostSpec{Name: name, MAC: x.mac}, s.tor.Name)
	s.no(err)
	x.Netns = h.Netns
	s.addresses(h.Netns, fmt.Sprintf("link add link %s name %s type vlan id %d\n", hostInterface, x.device, vlan), x)
	s.stations[name] = x
	s.bind(name, vlan)
}

// bind binds a VLAN of a port to the logical switch.
func (s *served) bind(port string, vlan int) {
	s.Helper()
	s.await("port "+port, func() error {
		_, err := s.tor.Ctl("bind-ls", s.tor.Name, port, fmt.Sprint(vlan), "ls1")
		return err
	})
}

// far makes the other end of the tunnel, with a station.
func (s *served) far() {
	s.Helper()
	n, err := s.AddNetns("far")
	s.no(err)
	s.no(veth(n, underlayInterface, s.Underlay, "u-far"))
	s.no(enslave(s.Underlay, "u-far", "br-ul"))
	x := &tagged{Netns: n, device: "vx", mac: "02:00:00:00:00:09", ip: netip.MustParseAddr("10.0.0.9")}
	s.addresses(n, fmt.Sprintf("addr add %s/24 dev %s\nlink add vx type vxlan id 5000 local %[1]s remote %[3]s dstport 4789 nolearning\n",
		farEnd, underlayInterface, s.tor.OVS.TunnelIP), x)
	s.stations["far"] = x
}

// addresses makes a device by lines for ip(8), and gives it the station's addresses.
func (s *served) addresses(n *Netns, lines string, x *tagged) {
	s.Helper()
	in := &Chassis{Netns: n, lab: s.Lab}
	s.no(in.batch("ip", lines+fmt.Sprintf("link set %s mtu 1400 address %s up\naddr add %s/24 dev %[1]s\n", x.device, x.mac, x.ip)))
}

// reach has stations resolve and ping each other, in both directions.
func (s *served) reach(pairs ...[2]string) {
	s.Helper()
	for _, p := range pairs {
		for _, way := range [][2]string{p, {p[1], p[0]}} {
			from, to := s.stations[way[0]], s.stations[way[1]]
			s.no(command("ip", "-n", from.Name, "neigh", "flush", "dev", from.device))
			s.await(fmt.Sprintf("%s to reach %s", way[0], way[1]), func() error {
				r, err := probe.Ping(from.Netns, to.ip, probe.PingOptions{Count: 1, Timeout: time.Second})
				return errors.Join(err, r.Err())
			})
		}
	}
}

// heard has a station send a frame, and compares how often each station hears it with what is expected of those that are named; the others must not.
func (s *served) heard(from string, frame []gopacket.SerializableLayer, by ...string) {
	s.Helper()
	payload := []byte(fmt.Sprintf("sluice %s %d", from, time.Now().UnixNano()))
	watches := map[string]*probe.Watch{}
	for name, x := range s.stations {
		w, err := probe.OpenWatch(x.Netns, x.device, payload)
		s.no(err)
		defer w.Close() //nolint:errcheck // what it has seen is judged below
		watches[name] = w
	}
	wire, err := probe.OpenWire(s.stations[from].Netns, s.stations[from].device)
	s.no(err)
	defer wire.Close() //nolint:errcheck // it was only written to
	s.no(wire.Send(append(frame, gopacket.Payload(payload))...))
	s.await(fmt.Sprintf("the frame of %s to be heard by %q", from, by), func() error {
		for _, name := range by {
			if n := len(watches[name].Frames()); n != 1 {
				return fmt.Errorf("%s has heard it %d times", name, n)
			}
		}
		return nil
	})
	// What goes wrong goes with it: copies of one frame are made at once.
	for name, w := range watches {
		want := 0
		for _, x := range by {
			if x == name {
				want = 1
			}
		}
		if n := len(w.Frames()); n != want {
			s.Errorf("the frame of %s was heard %d times by %s, not %d", from, n, name, want)
		}
	}
}

// ethernet is a header of IPv4 and UDP to nobody's port from a station to an address.
func (s *served) ethernet(from, to string) []gopacket.SerializableLayer {
	mac := func(text string) []byte {
		var b [6]byte
		_, err := fmt.Sscanf(text, "%02x:%02x:%02x:%02x:%02x:%02x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5])
		s.no(err)
		return b[:]
	}
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: s.stations[from].ip.AsSlice(), DstIP: []byte{10, 0, 0, 77}}
	udp := &layers.UDP{SrcPort: 4000, DstPort: 4001}
	s.no(udp.SetNetworkLayerForChecksum(ip))
	return []gopacket.SerializableLayer{&layers.Ethernet{SrcMAC: mac(s.stations[from].mac), DstMAC: mac(to), EthernetType: layers.EthernetTypeIPv4}, ip, udp}
}

// bridges checks what a bridge does: stations reach each other, whatever their VLANs are, and what is for many is heard by each of the others once.
func (s *served) bridges() {
	s.Helper()
	s.reach([2]string{"h1", "h2"}, [2]string{"h1", "far"}, [2]string{"h2", "far"})
	for from, others := range map[string][]string{"h1": {"h2", "far"}, "h2": {"h1", "far"}, "far": {"h1", "h2"}} {
		for _, to := range []string{"ff:ff:ff:ff:ff:ff", "01:00:5e:01:02:03", "02:00:00:00:77:77"} {
			s.heard(from, s.ethernet(from, to), others...)
		}
		s.heard(from, s.ethernet(from, s.stations[others[0]].mac), others[0])
	}
}

// dump tells how the switch stands.
func (s *served) dump() {
	var b bytes.Buffer
	for _, c := range []func() (string, error){
		func() (string, error) { return s.tor.ServerCtl("status") },
		func() (string, error) { return s.tor.OVS.Ofctl("dump-flows", s.tor.Name) },
		func() (string, error) { return s.tor.OVS.Appctl("dpctl/dump-flows") },
	} {
		out, err := c()
		fmt.Fprintf(&b, "%s\n%v\n", out, err)
	}
	s.Log(b.String() + tail(s.tor.OVS.Dir+"/sluice-vtep.log"))
}

// TestKernelVTEP: "sluice vtep serve" bridges VLANs of network devices and VXLAN with the kernel's datapath of Open vSwitch.
func TestKernelVTEP(t *testing.T) {
	s := startServed(t)
	if out, err := s.tor.OVS.Appctl("dpif/show"); err != nil || !strings.HasPrefix(out, "system@ovs-system") {
		t.Fatalf("the datapath is not the kernel's: %q, %v", out, err)
	}
	s.bridges()
}
