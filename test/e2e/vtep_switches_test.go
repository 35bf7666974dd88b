package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/reference"
)

// TestVTEPSwitches: two emulated switches, one of which has its VLAN bound by an option of the port, reach each other and the VMs. A station
// moves from a hypervisor to one switch, to the other and back while packets of others flow, of which none is lost. BFD comes up on the
// tunnels. A switch that leaves replication to a service node is heard by all, once.
func TestVTEPSwitches(t *testing.T) {
	t.Parallel()
	d := startVTEP(t, os.Getenv("SLUICE_VTEP_CONTROLLER"), (*lab.Lab).AddVTEP)
	if !d.tor.Controller().IsSluice() {
		t.Logf("comparison: nothing of this is what %s does", filepath.Base(d.tor.Controller().Path()))
		return
	}
	phys2, err := d.second()
	if err != nil {
		t.Fatal(err)
	}
	echoOn(t, phys2)
	stations := []*lab.Host{d.physical, phys2, d.vm1, d.vm2}
	if err := d.reachAll(stations...); err != nil {
		t.Fatal(err)
	}
	if err := hearOnce(d.Lab, stations...); err != nil {
		t.Error(err)
	}

	places, err := d.places()
	if err != nil {
		t.Fatal(err)
	}
	flows := d.flows()
	flows["phys to phys2"] = reference.Flow{From: d.physical.Netns, To: endpoint("phys2")}
	reports, err := reference.UnderStreams(d.Lab, flows, func() error { return d.roam(places, stations) })
	if err != nil {
		t.Fatalf("a station that moves: %v", err)
	}
	for name, r := range reports {
		t.Logf("%s: %s", name, r)
		d.demand(t, lossless(name, r))
	}

	for _, tor := range []*lab.VTEP{d.tor, d.tor2} {
		if _, err := tor.Ctl("set", "Global", ".", "other_config:sluice-bfd=true", "other_config:sluice-bfd-min-rx=500"); err != nil {
			t.Fatal(err)
		}
	}
	for _, tor := range []*lab.VTEP{d.tor, d.tor2} {
		if err := lab.Until(testContext, emulatorTime, "BFD on the tunnels of "+tor.Name, func() error { return bfdOnAll(tor) }); err != nil {
			t.Error(err)
		}
	}

	if _, err := d.hv2.Vsctl("set", "open", ".", "external_ids:sluice-service-node=true"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.tor.Ctl("set", "Global", ".", "other_config:sluice-replication-mode=service_node"); err != nil {
		t.Fatal(err)
	}
	err = lab.Until(testContext, repairTime, "the service node", func() error {
		text, err := d.tor.Ctl("list-remote-macs", "ls1")
		if n := strings.Count(text, "unknown-dst"); err == nil && (n != 1 || !strings.Contains(text, "unknown-dst -> vxlan_over_ipv4/"+d.hv2.TunnelIP.String())) {
			err = fmt.Errorf("the switch is told %s", text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// The emulator takes a second or two; until then not everybody, or somebody twice, hears a frame.
	err = lab.Until(testContext, emulatorTime, "frames of the switch through the service node", func() error { return hearOnce(d.Lab, stations...) })
	if err != nil {
		t.Error(err)
	}
	if err := d.reachAll(stations...); err != nil {
		t.Error(err)
	}
}

// second adds a switch with a host behind it. Nobody runs vtep-ctl to bind its VLAN.
func (d *vtepDeployment) second() (*lab.Host, error) {
	err := d.Central.Configure(`
		lsp-add sw sw-tor2
		lsp-set-type sw-tor2 vtep
		lsp-set-addresses sw-tor2 unknown
		lsp-set-options sw-tor2 vtep-physical-switch=tor2 vtep-logical-switch=ls1 sluice-vtep-bindings=` + fmt.Sprintf("%s:%d", lab.VTEPPort, vtepVLAN))
	if err != nil {
		return nil, err
	}
	if d.tor2, err = d.AddVTEP("tor2", d.tor.Controller()); err != nil {
		return nil, err
	}
	h, err := d.tor2.AddHost(vtepVLAN, vtepHost("phys2", ""))
	return h, errors.Join(err, d.Settle())
}

// A place is where the station that moves can be: the chassis hv2, or behind a switch. It has a host there, which is silent without an address.
type place struct {
	name string
	tor  *lab.VTEP // nil: on the chassis
	host *lab.Host
}

var roamer = lab.HostSpec{Port: "roamer", MAC: "02:00:00:00:00:05"}

var roamersAddress = netip.MustParsePrefix("10.0.0.5/24")

// places makes the hosts before there are streams: with the userspace datapath, Open vSwitch drops what it sends into tunnels while it takes in
// that a network device has come or gone.
func (d *vtepDeployment) places() ([]place, error) {
	all := []place{{name: "hv2"}, {name: "tor", tor: d.tor}, {name: "tor2", tor: d.tor2}}
	for i := range all {
		p, spec := &all[i], roamer
		spec.Name = "roamer-" + p.name
		var err error
		if p.tor == nil {
			p.host, err = d.hv2.AddHost(spec)
		} else {
			p.host, err = p.tor.AddHost(vtepVLAN, spec)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(all, all[0]), nil
}

// roam has a station go from a hypervisor to one switch, to the other, and back to the hypervisor. It speaks first in each place, to all others, as a
// station that has moved does. It goes on when the switches have noticed, which the emulator does by looking now and then: the one that notices last
// would be taken for the place.
func (d *vtepDeployment) roam(places []place, stations []*lab.Host) error {
	for _, at := range places {
		if at.tor == nil {
			if err := d.Central.Configure("lsp-add sw roamer\nlsp-set-addresses roamer '02:00:00:00:00:05 10.0.0.5'"); err != nil {
				return err
			}
		}
		err := at.host.SetAddrs([]netip.Prefix{roamersAddress}, nil)
		for _, other := range stations {
			if err == nil {
				err = errors.Join(d.pings(at.host, endpoint(other.Name).Addr()), d.pings(other, roamersAddress.Addr()))
			}
		}
		if err != nil {
			return fmt.Errorf("at %s: %w", at.name, err)
		}
		if err := lab.Until(testContext, emulatorTime, "the switches to notice the station", func() error { return d.knownAt(at.tor, roamer.MAC) }); err != nil {
			return fmt.Errorf("at %s: %w", at.name, err)
		}
		if err := errors.Join(at.host.RemoveAddrs(), d.Central.Configure("--if-exists lsp-del roamer")); err != nil {
			return err
		}
	}
	return nil
}

// knownAt checks that one switch, or none, has a station among its own, and no other.
func (d *vtepDeployment) knownAt(at *lab.VTEP, mac string) error {
	for _, tor := range []*lab.VTEP{d.tor, d.tor2} {
		text, err := tor.Ctl("list-local-macs", "ls1")
		if err != nil {
			return err
		}
		if has := strings.Contains(text, mac); has != (tor == at) {
			return fmt.Errorf("switch %s has %s among its own stations: %t", tor.Name, mac, has)
		}
	}
	return nil
}

// bfdOnAll checks that BFD is up on all tunnels of a switch, of which it has one to each hypervisor and to the other switch.
func bfdOnAll(tor *lab.VTEP) error {
	text, err := tor.Ctl("--bare", "--columns=bfd_status", "list", "Tunnel")
	up := 0
	for _, word := range strings.Fields(text) { // remote_state is another one
		if word == "state=up" {
			up++
		}
	}
	if err == nil && up != 3 {
		err = fmt.Errorf("of 3 tunnels %d are up: %s", up, text)
	}
	return err
}
