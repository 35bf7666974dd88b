package reference

import (
	"fmt"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// switchLines configure it, as lines for ovn-nbctl.
const switchLines = `
	ls-add sw0
	lsp-add sw0 lp1
	lsp-set-addresses lp1 '02:00:00:00:01:11 10.0.1.11 fd00:1::11'
	lsp-set-port-security lp1 '02:00:00:00:01:11 10.0.1.11 fd00:1::11'
	lsp-add sw0 lp2
	lsp-set-addresses lp2 '02:00:00:00:01:12 10.0.1.12'
	lsp-set-port-security lp2 '02:00:00:00:01:12 10.0.1.12'`

// switchStage is a logical switch with a VM on each hypervisor.
func (d *Deployment) switchStage() Stage {
	return Stage{
		Title: "a logical switch across two hypervisors",
		Configure: func() error {
			err := d.nb(switchLines)
			if err != nil {
				return err
			}
			err = d.addHost(d.HV1, lab.HostSpec{Name: "vm1", Port: "lp1", MAC: "02:00:00:00:01:11", Addrs: on("10.0.1.11", "fd00:1::11")})
			if err != nil {
				return err
			}
			if err := d.addHost(d.HV2, lab.HostSpec{Name: "vm2", Port: "lp2", MAC: "02:00:00:00:01:12", Addrs: on("10.0.1.12")}); err != nil {
				return err
			}
			return d.Settle()
		},
		Checks: []Check{
			d.ping("L2 over the tunnel", "vm1", "10.0.1.12"),
			{Name: "1400 bytes with DF", Run: func() (Result, error) {
				const ipAndICMP = 28
				return pinged(probe.Ping(d.netns("vm1"), addr("10.0.1.12"), probe.PingOptions{Size: 1400 - ipAndICMP, DontFragment: true, Timeout: d.Timeout()}))
			}},
			{Name: "TCP over the tunnel", Run: func() (Result, error) {
				r, err := probe.TransferTCP(d.netns("vm1"), endpoint("10.0.1.12", echoPort), 300_000, 2*d.Timeout())
				return Result{Latency: r.Total, Detail: fmt.Sprintf("%d kB there and back", r.Bytes/1000)}, err
			}},
		},
	}
}
