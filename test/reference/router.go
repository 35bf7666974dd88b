package reference

import (
	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// routerLines configure it, as lines for ovn-nbctl.
const routerLines = `
	ls-add sw1
	lsp-add sw1 lp3
	lsp-set-addresses lp3 '02:00:00:00:02:13 10.0.2.13 fd00:2::13'
	lr-add lr0
	lrp-add lr0 lr0-sw0 02:00:00:00:ff:01 10.0.1.1/24 fd00:1::1/64
	lrp-add lr0 lr0-sw1 02:00:00:00:ff:02 10.0.2.1/24 fd00:2::1/64
	lsp-add sw0 sw0-lr0
	lsp-set-type sw0-lr0 router
	lsp-set-addresses sw0-lr0 router
	lsp-set-options sw0-lr0 router-port=lr0-sw0
	lsp-add sw1 sw1-lr0
	lsp-set-type sw1-lr0 router
	lsp-set-addresses sw1-lr0 router
	lsp-set-options sw1-lr0 router-port=lr0-sw1`

// routerStage adds a second switch and a distributed router between the two.
func (d *Deployment) routerStage() Stage {
	return Stage{
		Title: "a distributed router",
		Configure: func() error {
			err := d.nb(routerLines)
			if err != nil {
				return err
			}
			for _, vm := range []string{"vm1", "vm2"} {
				if err := d.hosts[vm].SetAddrs(nil, gateways("10.0.1.1")); err != nil {
					return err
				}
			}
			if err := d.hosts["vm1"].SetAddrs(nil, gateways("fd00:1::1")); err != nil {
				return err
			}
			err = d.addHost(d.HV2, lab.HostSpec{
				Name: "vm3", Port: "lp3", MAC: "02:00:00:00:02:13",
				Addrs: on("10.0.2.13", "fd00:2::13"), Gateways: gateways("10.0.2.1", "fd00:2::1"),
			})
			if err != nil {
				return err
			}
			return d.Settle()
		},
		Checks: []Check{
			d.ping("routed, between hypervisors", "vm1", "10.0.2.13"),
			d.ping("router port", "vm1", "10.0.1.1"),
			d.ping("routed IPv6", "vm1", "fd00:2::13"),
			{Name: "ICMP time exceeded from the router", Run: func() (Result, error) {
				return icmpError(probe.ICMPError{From: addr("10.0.1.1"), Type: 11, Code: 0})(
					probe.ProvokeICMPError(d.netns("vm1"), endpoint("10.0.2.13", 33434), 1, 32, d.Timeout()))
			}},
			{Name: "ICMP port unreachable from the router", Run: func() (Result, error) {
				return icmpError(probe.ICMPError{From: addr("10.0.1.1"), Type: 3, Code: 3})(
					probe.ProvokeICMPError(d.netns("vm1"), endpoint("10.0.1.1", 33434), 64, 32, d.Timeout()))
			}},
		},
	}
}

// icmpError compares an ICMP error with the one that should come.
func icmpError(want probe.ICMPError) func(probe.ICMPError, error) (Result, error) {
	return func(got probe.ICMPError, err error) (Result, error) {
		r := Result{Latency: got.RTT, Detail: "type " + got.String()}
		got.RTT = 0
		if err == nil && got != want {
			err = differs("the ICMP error", got, want)
		}
		return r, err
	}
}
