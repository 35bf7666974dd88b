package reference

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// addressingLines configure it, as lines for ovn-nbctl.
const addressingLines = `
	--id=@v4 create DHCP_Options cidr=10.0.1.0/24 options:server_id=10.0.1.1 'options:server_mac="02:00:00:00:ff:01"' options:lease_time=3600 options:router=10.0.1.1 options:dns_server=10.0.1.2
	--id=@v6 create DHCP_Options 'cidr="fd00:1::/64"' 'options:server_id="02:00:00:00:ff:01"' 'options:dns_server="fd00:1::2"'
	set Logical_Router_Port lr0-sw0 ipv6_ra_configs:address_mode=dhcpv6_stateful
	lsp-add sw0 lp4
	lsp-set-addresses lp4 '02:00:00:00:01:14 10.0.1.14 fd00:1::14'
	set Logical_Switch_Port lp4 dhcpv4_options=@v4 dhcpv6_options=@v6`

// addressingStage has a VM learn its addresses: DHCPv4, router advertisements and DHCPv6, all answered by the controller.
func (d *Deployment) addressingStage() Stage {
	return Stage{
		Title: "address assignment by the controller",
		Configure: func() error {
			if err := d.nb(addressingLines); err != nil {
				return err
			}
			err := d.addHost(d.HV2, lab.HostSpec{Name: "vm4", Port: "lp4", MAC: "02:00:00:00:01:14", IPv6: true})
			if err != nil {
				return err
			}
			return d.Settle()
		},
		Checks: []Check{
			{Name: "DHCPv4 lease", Run: d.leaseV4},
			{Name: "router advertisement", Run: d.advertisement},
			{Name: "DHCPv6 lease", Run: d.leaseV6},
			{Name: "leased addresses work (routed, both families)", Run: d.useLeases},
		},
	}
}

func (d *Deployment) leaseV4() (Result, error) {
	h := d.hosts["vm4"]
	ack, took, err := probe.LeaseDHCPv4(h.Netns, h.Interface(), d.Timeout())
	if err != nil {
		return Result{}, err
	}
	const want = "10.0.1.14 mask 24 router [10.0.1.1] dns [10.0.1.2] lease 1h0m0s server 10.0.1.1"
	ones, _ := ack.SubnetMask().Size()
	got := fmt.Sprintf("%s mask %d router %s dns %s lease %s server %s",
		ack.YourIPAddr, ones, ack.Router(), ack.DNS(), ack.IPAddressLeaseTime(0), ack.ServerIdentifier())
	if got != want {
		return Result{}, differs("the lease", got, want)
	}
	return Result{Latency: took, Detail: ack.YourIPAddr.String()}, nil
}

func (d *Deployment) advertisement() (Result, error) {
	h := d.hosts["vm4"]
	ra, err := probe.SolicitRouter(h.Netns, h.Interface(), d.Timeout())
	if err != nil {
		return Result{}, err
	}
	const want = "[fd00:1::/64] managed true from fe80::ff:fe00:ff01"
	if got := fmt.Sprintf("%s managed %t from %s", ra.Prefixes, ra.Managed, ra.Router); got != want {
		return Result{}, differs("the advertisement", got, want)
	}
	return Result{Latency: ra.RTT, Detail: ra.Prefixes[0].String()}, nil
}

func (d *Deployment) leaseV6() (Result, error) {
	h := d.hosts["vm4"]
	ip, took, err := probe.LeaseDHCPv6(h.Netns, h.Interface(), d.Timeout())
	if err == nil && ip != addr("fd00:1::14") {
		err = differs("the leased address", ip, "fd00:1::14")
	}
	return Result{Latency: took, Detail: ip.String()}, err
}

// useLeases configures what the leases said and pings through the router.
func (d *Deployment) useLeases() (Result, error) {
	if err := d.hosts["vm4"].SetAddrs(on("10.0.1.14", "fd00:1::14"), gateways("10.0.1.1", "fd00:1::1")); err != nil {
		return Result{}, err
	}
	var r Result
	for _, dst := range []netip.Addr{addr("10.0.2.13"), addr("fd00:2::13")} {
		var err error
		if r, err = pinged(probe.Ping(d.netns("vm4"), dst, probe.PingOptions{Timeout: d.Timeout()})); err != nil {
			return r, fmt.Errorf("to %s: %w", dst, err)
		}
	}
	return r, nil
}
