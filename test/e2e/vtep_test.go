package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
	"github.com/sluice-gw/sluice/test/reference"
)

// TestVTEP: two hypervisors with a VM each, and an emulated hardware VTEP switch with a host in VLAN 100, share one logical switch. Packets go both
// ways, also through a router, broadcasts reach each station once, a VM moves behind the switch and back, and no packet is lost while the
// switch's controller or a database server ends and starts. SLUICE_VTEP_CONTROLLER names another program than bin/sluice for managing the switch.
func TestVTEP(t *testing.T) {
	t.Parallel()
	d := startVTEP(t, os.Getenv("SLUICE_VTEP_CONTROLLER"), (*lab.Lab).AddVTEP)
	if err := d.reach(); err != nil {
		t.Fatal(err)
	}
	if err := hearOnce(d.Lab, d.physical, d.vm1, d.vm2); err != nil {
		t.Error(err)
	}
	d.demand(t, lab.Until(testContext, emulatorTime, "OVN to learn the host behind the switch", d.learned))
	if err := d.routed(); err != nil {
		t.Errorf("routed: %v", err)
	}
	if err := d.move(); err != nil {
		t.Fatalf("a VM that moves: %v", err)
	}

	upgraded, err := lab.ParseVTEPController(anotherBuild(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, loss := range []struct {
		name  string
		cause func() error
	}{
		{"controller killed", func() error { d.tor.ControllerProcess().Kill(); return d.tor.StartController() }},
		{"controller exits", func() error { return errors.Join(d.tor.ExitController(), d.tor.StartController()) }},
		{"controller upgraded", func() error {
			return errors.Join(d.tor.ExitController(), d.tor.ReplaceController(upgraded), isAnother(d.tor.ControllerCtl("version")), d.takesChange(),
				d.tor.ExitController(), d.tor.StartController())
		}},
		{"ovn-controller-vtep and back", func() error {
			reference, err := lab.ParseVTEPController(lab.ReferenceVTEPController)
			return errors.Join(err, d.tor.ExitController(), d.tor.ReplaceController(reference), d.takesChange(), d.tor.ReplaceController(d.tor.Controller()))
		}},
		{"Southbound database killed", func() error { d.Central.SBServer().Kill(); return d.Central.StartSB() }},
		// Last, because it takes the emulator, which would remove its ports while the database does not answer.
		{"switch's database killed", func() error { d.tor.Emulator().Kill(); d.tor.Database().Kill(); return d.tor.StartDatabase() }},
	} {
		t.Run(loss.name, func(t *testing.T) {
			reports, err := reference.UnderStreams(d.Lab, d.flows(), func() error { return errors.Join(loss.cause(), d.takesChange()) })
			if err != nil {
				t.Fatal(err)
			}
			for name, r := range reports {
				t.Logf("%s: %s", name, r)
				d.demand(t, lossless(name, r))
			}
		})
	}
}

const (
	vtepVLAN = 100
	vtepEcho = 7000 // UDP port that every station answers on
)

// vtepDeployment is what TestVTEP runs.
type vtepDeployment struct {
	*lab.Lab
	tor                *lab.VTEP
	tor2               *lab.VTEP // of TestVTEPSwitches
	hv1, hv2           *lab.Chassis
	vm1, vm2, physical *lab.Host
	changes            int // of the address of a port
}

// The addresses of the stations.
var vtepStations = map[string]struct {
	mac string
	ip  netip.Prefix
}{
	"vm1":   {"02:00:00:00:00:01", netip.MustParsePrefix("10.0.0.1/24")},
	"vm2":   {"02:00:00:00:00:02", netip.MustParsePrefix("10.0.0.2/24")},
	"phys":  {"02:00:00:00:0a:09", netip.MustParsePrefix("10.0.0.9/24")},
	"phys2": {"02:00:00:00:0a:0a", netip.MustParsePrefix("10.0.0.10/24")}, // of TestVTEPSwitches
}

func vtepHost(name, port string) lab.HostSpec {
	s := vtepStations[name]
	return lab.HostSpec{Name: name, Port: port, MAC: s.mac, Addrs: []netip.Prefix{s.ip}}
}

// startVTEP starts the deployment, to be removed when the test ends. program manages the switch, "" is bin/sluice; add makes the switch.
func startVTEP(t *testing.T, program string, add addSwitch) *vtepDeployment {
	t.Helper()
	return startVTEPWith(t, "geneve,vxlan", program, add)
}

// startVTEPWith is startVTEP with other types of tunnels of hypervisors.
func startVTEPWith(t *testing.T, encap, program string, add addSwitch) *vtepDeployment {
	t.Helper()
	need(t)
	capability.Skip(t, lab.MissingVTEP()...)
	if program == "" {
		program = filepath.Join("..", "..", "bin", "sluice")
	}
	controller, err := lab.ParseVTEPController(program)
	if err != nil {
		t.Fatalf("%v (\"make build\" builds bin/sluice)", err)
	}
	l, err := lab.New(testContext, lab.Options{Controller: underTest(t), Encap: encap})
	d := &vtepDeployment{Lab: l}
	if l != nil {
		t.Cleanup(func() {
			if t.Failed() {
				logTails(t, l)
				d.logSwitch(t)
			}
			if err := l.Close(); err != nil {
				t.Errorf("remove the deployment: %v", err)
			}
		})
	}
	if err == nil {
		err = d.build(func(name string) (*lab.VTEP, error) { return add(l, name, controller) })
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []*lab.Host{d.vm1, d.vm2, d.physical} {
		echoOn(t, h)
	}
	return d
}

// echoOn answers datagrams to a station until the test ends.
func echoOn(t *testing.T, h *lab.Host) {
	t.Helper()
	echo, err := probe.ListenUDPEcho(h.Netns, vtepEcho)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(echo.Close)
}

// addSwitch adds a switch to a deployment, with the program that manages it.
type addSwitch func(l *lab.Lab, name string, controller lab.Controller) (*lab.VTEP, error)

func (d *vtepDeployment) build(add func(name string) (*lab.VTEP, error)) (err error) {
	step := func(f func() error) {
		if err == nil {
			err = f()
		}
	}
	step(func() (err error) { d.hv1, err = d.AddChassis(lab.ChassisSpec{Name: "hv1"}); return err })
	step(func() (err error) { d.hv2, err = d.AddChassis(lab.ChassisSpec{Name: "hv2"}); return err })
	step(d.WarmUnderlay)
	step(func() error {
		return d.Central.Configure(`
			ls-add sw
			lsp-add sw vm1
			lsp-set-addresses vm1 '02:00:00:00:00:01 10.0.0.1'
			lsp-add sw vm2
			lsp-set-addresses vm2 '02:00:00:00:00:02 10.0.0.2'
			lsp-add sw sw-tor1
			lsp-set-type sw-tor1 vtep
			lsp-set-addresses sw-tor1 unknown
			lsp-set-options sw-tor1 vtep-physical-switch=tor1 vtep-logical-switch=ls1`)
	})
	step(func() (err error) { d.tor, err = add("tor1"); return err })
	step(func() error {
		_, err := d.tor.Ctl("add-ls", "ls1", "--", "bind-ls", "tor1", lab.VTEPPort, fmt.Sprint(vtepVLAN), "ls1")
		return err
	})
	step(func() (err error) { d.vm1, err = d.hv1.AddHost(vtepHost("vm1", "vm1")); return err })
	step(func() (err error) { d.vm2, err = d.hv2.AddHost(vtepHost("vm2", "vm2")); return err })
	step(func() (err error) { d.physical, err = d.tor.AddHost(vtepVLAN, vtepHost("phys", "")); return err })
	step(d.Settle)
	return err
}

// logSwitch shows the end of the logs of the switch's programs.
func (d *vtepDeployment) logSwitch(t *testing.T) {
	for _, tor := range []*lab.VTEP{d.tor, d.tor2} {
		if tor == nil {
			continue
		}
		remote, err := tor.Ctl("list-remote-macs", "ls1", "--", "list-local-macs", "ls1")
		t.Logf("%s has\n%s %v", tor.Name, remote, err)
		flows, err := tor.OVS.Ofctl("dump-flows", tor.Name+"_vtep_ls1")
		t.Logf("%s does\n%s %v", tor.Name, flows, err)
		for _, name := range []string{"ovn-controller-vtep.log", "ovn-controller-vtep.out", "ovs-vtep.log", "ovs-vtep.out", "sluice-vtep.log", "sluice-vtep.out"} {
			b, err := os.ReadFile(filepath.Join(tor.OVS.Dir, name))
			if err != nil {
				continue // the program was not started
			}
			all := strings.Split(strings.TrimSpace(string(b)), "\n")
			t.Logf("end of %s/%s:\n%s", tor.Name, name, strings.Join(all[max(0, len(all)-25):], "\n"))
		}
	}
}

// demand fails the test when err is not nil and sluice manages the switch; of another program it is reported as a comparison.
func (d *vtepDeployment) demand(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case d.tor.Controller().IsSluice():
		t.Error(err)
	default:
		t.Logf("comparison: %s: %v", filepath.Base(d.tor.Controller().Path()), err)
	}
}

// reach waits for the emulator, which takes seconds for each step, and has every station ask for every other by ARP, ping it and send it a datagram.
func (d *vtepDeployment) reach() error {
	return d.reachAll(d.vm1, d.physical, d.vm2)
}

func (d *vtepDeployment) reachAll(hosts ...*lab.Host) error {
	for _, from := range hosts {
		for _, to := range hosts {
			if from == to {
				continue
			}
			if err := errors.Join(from.ForgetNeighbours(), d.pings(from, endpoint(to.Name).Addr())); err != nil {
				return err
			}
			if _, err := probe.AskUDP(from.Netns, endpoint(to.Name), d.Timeout()); err != nil {
				return fmt.Errorf("datagram from %s to %s: %w", from.Name, to.Name, err)
			}
		}
	}
	return nil
}

func endpoint(host string) netip.AddrPort {
	return netip.AddrPortFrom(vtepStations[host].ip.Addr(), vtepEcho)
}

// hearOnce has each station broadcast, and checks that each hears every frame of the others once and none of its own: the
// switch gives a copy to each hypervisor, which must pass it on neither to the other nor back.
func hearOnce(l *lab.Lab, hosts ...*lab.Host) error {
	const (
		experimental = layers.EthernetType(0x88b5) // IEEE 802: for local experiments
		frames       = 2
	)
	var wires []*probe.Wire
	for _, h := range hosts {
		w, err := probe.OpenWire(h.Netns, h.Interface())
		if err != nil {
			return err
		}
		defer w.Close()
		wires = append(wires, w)
	}
	name := func(from, n int) string { return fmt.Sprintf("%s's frame %d", hosts[from].Name, n+1) }
	for i, w := range wires {
		for n := range frames {
			if err := w.Send(&layers.Ethernet{SrcMAC: w.MAC, DstMAC: layers.EthernetBroadcast, EthernetType: experimental}, gopacket.Payload{byte(i), byte(n)}); err != nil {
				return err
			}
		}
	}
	var errs []error
	for i, w := range wires {
		want, heard := map[string]int{}, map[string]int{}
		for from := range wires {
			for n := range frames {
				if from != i {
					want[name(from, n)] = 1
				}
			}
		}
		_, err := w.Await(l.Timeout(), "last broadcast", func(p gopacket.Packet) bool {
			e, ok := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
			if !ok || e.EthernetType != experimental || len(e.Payload) < 2 || int(e.Payload[0]) >= len(hosts) {
				return false
			}
			heard[name(int(e.Payload[0]), int(e.Payload[1]))]++
			return len(heard) >= len(want)
		})
		if !maps.Equal(heard, want) {
			errs = append(errs, fmt.Errorf("%s heard %v, not %v", hosts[i].Name, heard, want), err)
		}
	}
	return errors.Join(errs...)
}

// learned checks that OVN's forwarding database has the host behind the switch.
func (d *vtepDeployment) learned() error {
	port, err := d.Central.SB("--bare", "--columns=tunnel_key", "find", "Port_Binding", "logical_port=sw-tor1")
	if err != nil {
		return err
	}
	macs, err := d.Central.SB("--bare", "--columns=mac", "find", "FDB", "port_key="+port)
	if err == nil && macs != vtepStations["phys"].mac {
		err = fmt.Errorf("the stations at the switch's port are %q", macs)
	}
	return err
}

// flows are between the host behind the switch and the VM of each hypervisor, one in each direction.
func (d *vtepDeployment) flows() map[string]reference.Flow {
	return map[string]reference.Flow{
		"vm1 to phys": {From: d.vm1.Netns, To: endpoint("phys")},
		"phys to vm2": {From: d.physical.Netns, To: endpoint("vm2")},
	}
}

// takesChange gives a VM one more address and waits until the switch is told of it and of everything else: all are connected again.
func (d *vtepDeployment) takesChange() error {
	d.changes++
	added := fmt.Sprintf("02:00:00:00:0b:%02x", d.changes)
	want := map[string]netip.Addr{vtepStations["vm1"].mac: d.hv1.TunnelIP, vtepStations["vm2"].mac: d.hv2.TunnelIP, added: d.hv2.TunnelIP,
		routerMAC: d.hv2.TunnelIP}
	if err := d.Central.Configure("lsp-set-addresses vm2 '02:00:00:00:00:02 10.0.0.2' " + added); err != nil {
		return err
	}
	return lab.Until(testContext, 30*time.Second, "the remote MACs of "+d.tor.Name, func() error {
		got, err := d.tor.RemoteMACs("ls1")
		if err == nil && !maps.Equal(got, want) {
			err = fmt.Errorf("they are %v, not %v", got, want)
		}
		return err
	})
}
