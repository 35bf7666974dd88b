package reference

import (
	"fmt"

	"github.com/sluice-gw/sluice/test/probe"
)

// balancerLines configure them, as lines for ovn-nbctl.
var balancerLines = fmt.Sprintf(`
	lb-add lb0 10.0.9.9:80 10.0.1.12:%d tcp
	ls-lb-add sw0 lb0
	lb-add lb1 172.31.0.30:80 10.0.1.11:%d,10.0.2.13:%d tcp
	lr-lb-add lr0 lb1`, allowedPort, echoPort, echoPort)

// balancerStage adds a load balancer inside the switch and one that the physical network reaches through the gateway.
func (d *Deployment) balancerStage() Stage {
	transfer := func(name, from, vip string) Check {
		return Check{Name: name, Run: func() (Result, error) {
			r, err := probe.TransferTCP(d.netns(from), endpoint(vip, 80), 20_000, d.Timeout())
			return Result{Latency: r.Total}, err
		}}
	}
	return Stage{
		Title: "load balancers",
		Configure: func() error {
			err := d.nb(balancerLines)
			if err != nil {
				return err
			}
			return d.Settle()
		},
		Checks: []Check{
			transfer("load balancer VIP in the switch", "vm1", "10.0.9.9"),
			transfer("load balancer VIP at the gateway", "phys", "172.31.0.30"),
		},
	}
}
