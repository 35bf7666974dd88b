package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
	"github.com/sluice-gw/sluice/test/reference"
)

// TestVTEPServe is TestVTEP with "sluice vtep serve" as the switch, managed by OVN's own ovn-controller-vtep and by "sluice vtep": all that reaches what there
// reaches it here, and no packet is lost when the switch's program or its database server is killed.
func TestVTEPServe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, controller string }{{"ovn-controller-vtep", lab.ReferenceVTEPController}, {"sluice vtep", ""}} {
		t.Run(c.name, func(t *testing.T) {
			if c.controller != "" {
				capability.Need(t, "ovs", c.controller)
			}
			d := startVTEP(t, c.controller, addServed(t))
			if err := d.reach(); err != nil {
				t.Fatal(err)
			}
			if err := hearOnce(d.Lab, d.physical, d.vm1, d.vm2); err != nil {
				t.Error(err)
			}
			if err := lab.Until(testContext, repairTime, "the switch to write what it has learned", d.localMACs); err != nil {
				t.Error(err)
			}
			d.demand(t, lab.Until(testContext, repairTime, "OVN to learn the host behind the switch", d.learned))
			if err := d.translate(); err != nil {
				t.Errorf("VLAN translation: %v", err)
			}
			if err := d.routed(); err != nil {
				t.Errorf("routed: %v", err)
			}
			if err := d.move(); err != nil {
				t.Fatalf("a VM that moves: %v", err)
			}
			d.losesNothing(t)
		})
	}
}

// addServed makes switches that bin/sluice is.
func addServed(t *testing.T) addSwitch {
	server, err := lab.ParseVTEPServer(filepath.Join("..", "..", "bin", "sluice"))
	if err != nil {
		t.Fatalf("%v (\"make build\" builds bin/sluice)", err)
	}
	return func(l *lab.Lab, name string, controller lab.Controller) (*lab.VTEP, error) {
		return l.AddServedVTEP(name, server, controller)
	}
}

// losesNothing ends parts of the switch under streams of packets, and has it take a change of the network each time.
func (d *vtepDeployment) losesNothing(t *testing.T) {
	restart := func(end func() error) func() error {
		return func() error { return errors.Join(end(), d.tor.StartServer()) }
	}
	exit := func() error {
		if _, err := d.tor.ServerCtl("exit"); err != nil {
			return err
		}
		if !d.tor.Emulator().WaitOrKill(d.Timeout() * 3) {
			return errors.New("it does not exit")
		}
		return nil
	}
	upgraded, err := lab.ParseVTEPServer(anotherBuild(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, loss := range []struct {
		name  string
		cause func() error
	}{
		{"switch killed", restart(func() error { d.tor.Emulator().Kill(); return nil })},
		{"switch exits", restart(exit)},
		{"switch upgraded", func() error {
			err := errors.Join(exit(), d.tor.ReplaceServer(upgraded))
			return errors.Join(err, isAnother(d.tor.ServerCtl("version")))
		}},
		{"its database killed", d.tor.KillDatabase},
		{"database of Open vSwitch killed", func() error { d.tor.OVS.Database().Kill(); return d.tor.OVS.StartDatabase() }},
		{"controller killed", func() error { d.tor.ControllerProcess().Kill(); return d.tor.StartController() }},
	} {
		t.Run(loss.name, func(t *testing.T) {
			reports, err := reference.UnderStreams(d.Lab, d.flows(), func() error { return errors.Join(loss.cause(), d.takesChange()) })
			if err != nil {
				t.Fatal(err)
			}
			for name, r := range reports {
				t.Logf("%s: %s", name, r)
				if err := lossless(name, r); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// localMACs checks that the switch has told where the host behind it is: at its own tunnel address.
func (d *vtepDeployment) localMACs() error {
	text, err := d.tor.Ctl("list-local-macs", "ls1")
	if err != nil {
		return err
	}
	for _, want := range []string{vtepStations["phys"].mac + " -> vxlan_over_ipv4/" + d.tor.OVS.TunnelIP.String(), "unknown-dst -> vxlan_over_ipv4/" + d.tor.OVS.TunnelIP.String()} {
		if !strings.Contains(text, want) {
			return fmt.Errorf("the local stations are %q, without %q", text, want)
		}
	}
	return nil
}

// translate binds another VLAN of the same port, and frames without a tag, to the same logical switch: a host in each reaches the host in the first VLAN and a
// VM, and is reached.
func (d *vtepDeployment) translate() error {
	for i, vlan := range []int{0, 200} {
		if _, err := d.tor.Ctl("bind-ls", d.tor.Name, lab.VTEPPort, fmt.Sprint(vlan), "ls1"); err != nil {
			return err
		}
		name := fmt.Sprintf("vlan%d", vlan)
		ip := netip.AddrFrom4([4]byte{10, 0, 0, byte(20 + i)})
		h, err := d.tor.AddHost(vlan, lab.HostSpec{Name: name, MAC: fmt.Sprintf("02:00:00:00:0c:%02x", i), Addrs: []netip.Prefix{netip.PrefixFrom(ip, 24)}})
		if err != nil {
			return err
		}
		for _, to := range []string{"phys", "vm1"} {
			if err := d.pings(h, endpoint(to).Addr()); err != nil {
				return err
			}
		}
		if err := errors.Join(d.pings(d.physical, ip), d.pings(d.vm2, ip)); err != nil {
			return err
		}
		if _, err := probe.AskUDP(h.Netns, endpoint("vm2"), d.Timeout()); err != nil {
			return fmt.Errorf("datagram from %s: %w", name, err)
		}
	}
	return nil
}
