package e2e

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

const routerMAC = "02:00:00:00:01:01" // on the side of the logical switch

// routed puts the logical switch behind a router whose gateway is hv2, with another switch that has a VM on hv1, and has that VM and the host behind the
// hardware switch ping each other. The hardware switch knows the router's MAC address at its gateway only.
func (d *vtepDeployment) routed() error {
	err := d.Central.Configure(`
		lr-add lr
		lrp-add lr lr-sw ` + routerMAC + ` 10.0.0.254/24
		lrp-set-gateway-chassis lr-sw hv2 10
		lsp-add sw sw-lr
		lsp-set-type sw-lr router
		lsp-set-addresses sw-lr router
		lsp-set-options sw-lr router-port=lr-sw
		lrp-add lr lr-sw3 02:00:00:00:01:03 10.0.3.254/24
		ls-add sw3
		lsp-add sw3 sw3-lr
		lsp-set-type sw3-lr router
		lsp-set-addresses sw3-lr router
		lsp-set-options sw3-lr router-port=lr-sw3
		lsp-add sw3 vm3
		lsp-set-addresses vm3 '02:00:00:00:03:03 10.0.3.3'`)
	if err != nil {
		return err
	}
	vm3, err := d.hv1.AddHost(lab.HostSpec{Name: "vm3", Port: "vm3", MAC: "02:00:00:00:03:03",
		Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.3.3/24")}, Gateways: []netip.Addr{netip.MustParseAddr("10.0.3.254")}})
	if err != nil {
		return err
	}
	if err := errors.Join(d.physical.SetAddrs(nil, []netip.Addr{netip.MustParseAddr("10.0.0.254")}), d.Settle()); err != nil {
		return err
	}
	return errors.Join(
		d.pings(d.physical, netip.MustParseAddr("10.0.3.3")),
		d.pings(vm3, vtepStations["phys"].ip.Addr()))
}

// move has a VM of hv2 go behind the hardware switch and come back. It speaks first in each place, as a VM that has moved does, so that the access
// switch knows; the others know its MAC address all the time and do not ask for it again.
func (d *vtepDeployment) move() error {
	spec := lab.HostSpec{Name: "roamer", Port: "roamer", MAC: "02:00:00:00:00:04", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.4/24")}}
	vm1, roamer := vtepStations["vm1"].ip.Addr(), spec.Addrs[0].Addr()
	for _, behindSwitch := range []bool{false, true, false} {
		var h *lab.Host
		var err error
		if behindSwitch {
			h, err = d.tor.AddHost(vtepVLAN, spec)
		} else {
			err = d.Central.Configure("lsp-add sw roamer\nlsp-set-addresses roamer '02:00:00:00:00:04 10.0.0.4'")
			if err == nil {
				h, err = d.hv2.AddHost(spec)
			}
		}
		if err != nil {
			return err
		}
		if err := errors.Join(d.pings(h, vm1), d.pings(d.vm1, roamer), d.pings(d.physical, roamer)); err != nil {
			return fmt.Errorf("behind the hardware switch: %t: %w", behindSwitch, err)
		}
		if err := errors.Join(h.Remove(), d.Central.Configure("--if-exists lsp-del roamer")); err != nil {
			return err
		}
	}
	return nil
}

// emulatorTime is how long a change may take in which ovs-vtep has a part: it starts some hundred processes for each of its steps.
const emulatorTime = 12 * repairTime

// pings waits until a host has an answer from an address.
func (d *vtepDeployment) pings(from *lab.Host, to netip.Addr) error {
	return lab.Until(testContext, emulatorTime, fmt.Sprintf("packets from %s to %s", from.Name, to), func() error {
		r, err := probe.Ping(from.Netns, to, probe.PingOptions{Count: 1, Timeout: d.Timeout() / 10})
		return errors.Join(err, r.Err(), d.tor.Emulator().Alive())
	})
}
