package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
	"github.com/sluice-gw/sluice/test/reference"
)

// TestGatewayFailover lets the gateway's host die. BFD on the tunnels must notice and hv2 take the gateway port over, and give it back
// when the host returns.
func TestGatewayFailover(t *testing.T) {
	t.Parallel()
	d := configured(t, reference.Options{})
	if _, err := d.Central.NB("lrp-set-gateway-chassis", "lr0-public", "hv2", "10"); err != nil {
		t.Fatal(err)
	}
	if err := d.Settle(); err != nil {
		t.Fatal(err)
	}
	onGateway := func(chassis string) {
		t.Helper()
		if err := lab.Until(testContext, repairTime, "the gateway port on "+chassis, func() error { return boundTo(d, "cr-lr0-public", chassis) }); err != nil {
			t.Fatal(err)
		}
	}
	reach := func(when string) {
		t.Helper()
		start := time.Now()
		err := lab.Until(testContext, repairTime, "packets from vm3 to the physical network", func() error {
			r, err := probe.Ping(d.Host("vm3").Netns, d.Address("phys"), probe.PingOptions{Count: 1, Timeout: 200 * time.Millisecond})
			return errors.Join(err, r.Err())
		})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		t.Logf("%s: packets flow after %s", when, time.Since(start).Round(time.Millisecond))
	}
	onGateway("gw1")
	reach("with gw1")
	if err := lab.Until(testContext, repairTime, "BFD between hv1 and gw1", func() error { return bfdUp(d.HV1, d.GW1) }); err != nil {
		t.Fatal(err)
	}

	d.GW1.ControllerProcess().Kill()
	d.GW1.Switch().Kill()
	reach("gw1 dead")
	onGateway("hv2")

	if err := errors.Join(d.GW1.RestartSwitch(true), d.GW1.StartController()); err != nil {
		t.Fatal(err)
	}
	onGateway("gw1")
	reach("gw1 back")
}

// bfdUp checks that the tunnel from one chassis to another has a BFD session in state up.
func bfdUp(from, to *lab.Chassis) error {
	state, err := from.Vsctl("--bare", "--columns=bfd_status", "find", "Interface", "options:remote_ip="+to.TunnelIP.String())
	if err == nil && !strings.Contains(state, "state=up") {
		err = errors.New("BFD status is " + state)
	}
	return err
}
