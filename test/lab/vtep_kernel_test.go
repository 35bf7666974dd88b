package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
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
	got, err := s.hearers(from, frame, len(by))
	want := map[string]int{}
	for _, name := range by {
		want[name] = 1
	}
	if s.no(err); !maps.Equal(got, want) {
		s.Errorf("a frame of %s was heard by %v, not by %v", from, got, want)
	}
}

// hearers has a station send a frame, waits until it was heard some times, if it is, and returns how often by whom. Copies of one frame are made at once: those
// that should not be come with those that should.
func (s *served) hearers(from string, frame []gopacket.SerializableLayer, times int) (map[string]int, error) {
	payload := fmt.Appendf(nil, "sluice %s %d", from, time.Now().UnixNano())
	watches := map[string]*probe.Watch{}
	defer func() {
		for _, w := range watches {
			w.Close() //nolint:errcheck // what it has seen has been judged
		}
	}()
	for name, x := range s.stations {
		w, err := probe.OpenWatch(x.Netns, x.device, payload)
		if err != nil {
			return nil, err
		}
		watches[name] = w
	}
	wire, err := probe.OpenWire(s.stations[from].Netns, s.stations[from].device)
	if err != nil {
		return nil, err
	}
	defer wire.Close() //nolint:errcheck // it was only written to
	if err := wire.Send(append(frame, gopacket.Payload(payload))...); err != nil {
		return nil, err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(guest.Patience / 4); ; <-tick.C {
		got, all := map[string]int{}, 0
		for name, w := range watches {
			frames, err := w.Await(0, 0)
			if err != nil {
				return nil, err
			}
			if n := len(frames); n > 0 {
				got[name] = n
				all += n
			}
		}
		if all >= times || time.Now().After(end) {
			return got, nil
		}
	}
}

// datagram is the headers of a datagram to nobody's port from an address to another.
func (s *served) datagram(from, to string) []gopacket.SerializableLayer {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: []byte{10, 0, 0, 66}, DstIP: []byte{10, 0, 0, 77}}
	udp := &layers.UDP{SrcPort: 4000, DstPort: 4001}
	s.no(udp.SetNetworkLayerForChecksum(ip))
	src, err1 := net.ParseMAC(from)
	dst, err2 := net.ParseMAC(to)
	s.no(errors.Join(err1, err2))
	return []gopacket.SerializableLayer{&layers.Ethernet{SrcMAC: src, DstMAC: dst, EthernetType: layers.EthernetTypeIPv4}, ip, udp}
}

// bridges checks what a bridge does: stations reach each other, whatever their VLANs are, and what is for many is heard by each of the others once.
func (s *served) bridges() {
	s.Helper()
	s.reach([2]string{"h1", "h2"}, [2]string{"h1", "far"}, [2]string{"h2", "far"})
	for _, from := range []string{"h1", "h2", "far"} {
		others := s.others(from)
		for _, to := range []string{"ff:ff:ff:ff:ff:ff", "01:00:5e:01:02:03", "02:00:00:00:77:77"} {
			s.heard(from, s.datagram(s.stations[from].mac, to), others...)
		}
	}
	for _, way := range [][2]string{{"h1", "h2"}, {"h2", "far"}, {"far", "h1"}} {
		s.heard(way[0], s.datagram(s.stations[way[0]].mac, s.stations[way[1]].mac), way[1])
	}
}

// answers has a station ask for one whose IP address the switch is told, and that nobody is: the switch answers.
func (s *served) answers(asker string) {
	s.Helper()
	x, nobody, mac := s.stations[asker], netip.MustParseAddr("10.0.0.77"), "02:00:00:00:00:77"
	s.ctl("add-ucast-remote", "ls1", mac, farEnd) // in place of a former one
	s.ctl("set", "Ucast_Macs_Remote", s.ctl("--bare", "--columns=_uuid", "find", "Ucast_Macs_Remote", `MAC="`+mac+`"`), "ipaddr="+nobody.String())
	s.await("the answer for "+nobody.String(), func() error {
		if r, err := probe.Ping(x.Netns, nobody, probe.PingOptions{Count: 1, Timeout: time.Second}); err != nil || r.Err() == nil {
			return errors.Join(err, fmt.Errorf("somebody is there: %+v", r))
		}
		out, err := output(s.Context(), nil, "ip", "-n", x.Name, "neigh", "show", nobody.String(), "dev", x.device)
		if err == nil && !strings.Contains(out, mac) {
			err = fmt.Errorf("the neighbour is %q", out)
		}
		return err
	})
}

// screens denies the datagrams of a station by an access list, which holds for them and nothing else, until it is taken away.
func (s *served) screens(name string, vlan int) {
	s.Helper()
	from, to := s.stations[name], s.stations["far"]
	port := s.ctl("--bare", "--columns=_uuid", "find", "Physical_Port", "name="+name)
	s.ctl("--id=@e", "create", "ACL_entry", "sequence=1", "direction=ingress", "action=deny", "protocol=17", "dest_port_min=4001", "dest_port_max=4001", "--",
		"--id=@l", "create", "ACL", "acl_name=datagrams", "acl_entries=@e", "--", "set", "Physical_Port", port, fmt.Sprintf("acl_bindings:%d=@l", vlan))
	offloaded := s.status().Offload.Total.Offloaded > 0
	inForce := func(want bool) {
		s.Helper()
		s.await("the list", func() error {
			flows, err := s.tor.OVS.Ofctl("dump-flows", s.tor.Name, "table=8,udp")
			if err == nil && strings.Contains(flows, "tp_dst=4001") != want {
				err = fmt.Errorf("it is to be in force: %v; the flows are\n%s", want, flows)
			}
			if st := s.status().Offload; err == nil && offloaded && slices.ContainsFunc(st.Reasons, func(r reason) bool { return r.Code == "acl" }) != want {
				err = fmt.Errorf("it is to be in force: %v; the reasons of the offload are %+v", want, st.Reasons)
			}
			return err
		})
	}
	inForce(true)
	payload := fmt.Appendf(nil, "sluice denied %d", time.Now().UnixNano())
	w, err := probe.OpenWatch(to.Netns, to.device, payload)
	s.no(err)
	defer w.Close() //nolint:errcheck // what it has seen has been judged
	wire, err := probe.OpenWire(from.Netns, from.device)
	s.no(err)
	defer wire.Close() //nolint:errcheck // it was only written to
	s.no(wire.Send(append(s.datagram(from.mac, to.mac), gopacket.Payload(payload))...))
	s.reach([2]string{name, "far"}) // behind it
	if frames, err := w.Await(0, 0); err != nil || len(frames) > 0 {
		s.Errorf("a datagram that the list denies was heard %d times, %v", len(frames), err)
	}
	s.heard("h2", s.datagram(s.stations["h2"].mac, to.mac), "far")
	s.ctl("remove", "Physical_Port", port, "acl_bindings", fmt.Sprint(vlan), "--", "--all", "destroy", "ACL", "--", "--all", "destroy", "ACL_entry")
	inForce(false)
	s.heard(name, s.datagram(from.mac, to.mac), "far")
}

// others are the names of all stations but one.
func (s *served) others(but string) (names []string) {
	for name := range s.stations {
		if name != but {
			names = append(names, name)
		}
	}
	return names
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

// TestKernelVTEP: "sluice vtep serve" bridges VLANs of network devices and VXLAN with the kernel's datapath of Open vSwitch, and does the same with its offload on.
// Then frames between stations bypass Open vSwitch, which knows their stations still.
func TestKernelVTEP(t *testing.T) {
	s := startServed(t)
	if out, err := s.tor.OVS.Appctl("dpif/show"); err != nil || !strings.HasPrefix(out, "system@ovs-system") {
		t.Fatalf("the datapath is not the kernel's: %q, %v", out, err)
	}
	s.station("h4", 300, 4)
	s.ctl("add-ucast-remote", "ls1", s.stations["far"].mac, farEnd)
	s.bridges()
	s.answers("h1")
	s.screens("h1", 100)

	s.aging(15)
	s.vsctl("set", "bridge", s.tor.Name, "external_ids:sluice-offload=software")
	s.speak("h4")
	s.silent()
	s.bypasses("h1", "far")
	s.bypasses("h1", "h2")
	s.counted("h1", 100)
	s.answers("h2")
	s.screens("h1", 100)
	s.bridges()
	s.killed()
	s.ages()
	s.moves()
	s.leaves()
}
