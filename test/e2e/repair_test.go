package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
	"github.com/sluice-gw/sluice/test/reference"
)

// repairTime is how long a controller may take to put right what someone has broken.
const repairTime = 10 * time.Second

// TestRepair breaks by hand what the controller owns in the Southbound database and in its own switch, and waits until it is right again
// and packets flow.
func TestRepair(t *testing.T) {
	t.Parallel()
	d := configured(t, reference.Options{})
	sb := func(args ...string) func() error {
		return func() error { _, err := d.Central.SB(args...); return err }
	}
	vsctl := func(args ...string) func() error {
		return func() error { _, err := d.HV1.Vsctl(args...); return err }
	}
	text := func(what func(...string) (string, error), want string, args ...string) func() error {
		return func() error {
			out, err := what(args...)
			if err == nil && strings.Trim(out, `"`) != want {
				err = fmt.Errorf("%s is %q, not %q", strings.Join(args, " "), out, want)
			}
			return err
		}
	}
	tunnel := tunnelPort(t, d.HV1, d.HV2)
	for _, c := range []struct {
		name             string
		breakIt, isRight func() error
	}{
		{"Chassis row deleted", sb("chassis-del", "hv1"),
			text(d.Central.SB, "hv1", "--bare", "--columns=name", "find", "Chassis", "name=hv1")},
		{"Chassis_Private row deleted", sb("destroy", "Chassis_Private", "hv1"),
			text(d.Central.SB, "hv1", "--bare", "--columns=name", "find", "Chassis_Private", "name=hv1")},
		{"Chassis host name changed", sb("set", "Chassis", "hv1", "hostname=wrong"),
			text(d.Central.SB, "hv1", "get", "Chassis", "hv1", "hostname")},
		{"Encap address changed", func() error { return changeEncap(d, "hv1", "192.168.50.99") },
			text(d.Central.SB, d.HV1.TunnelIP.String(), "--bare", "--columns=ip", "find", "Encap", "chassis_name=hv1")},
		{"port binding taken away", sb("clear", "Port_Binding", "lp1", "chassis"),
			func() error { return boundTo(d, "lp1", "hv1") }},
		{"tunnel port deleted", vsctl("del-port", "br-int", tunnel),
			func() error { _, err := findTunnel(d.HV1, d.HV2); return err }},
		{"tunnel port sent elsewhere", vsctl("set", "interface", tunnel, "options:remote_ip=192.168.50.99"),
			func() error { _, err := findTunnel(d.HV1, d.HV2); return err }},
		// Only the gateway has the public network, so only there is a patch port to it.
		{"patch port to the physical network deleted", func() error { _, err := d.GW1.Vsctl("del-port", "br-int", "patch-br-int-to-ln-public"); return err },
			text(d.GW1.Vsctl, "br-int", "port-to-br", "patch-br-int-to-ln-public")},
		{"integration bridge deleted", func() error { return replaceBridge(d.HV1) },
			func() error { _, err := d.HV1.Vsctl("br-exists", "br-int"); return err }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.breakIt(); err != nil {
				t.Fatal(err)
			}
			demand(t, d.HV1, lab.Until(testContext, repairTime, "repair", c.isRight))
			demand(t, d.HV1, d.Settle())
			demand(t, d.HV1, lab.Until(testContext, repairTime, "packets to flow from vm1 to vm3", func() error {
				r, err := probe.Ping(d.Host("vm1").Netns, d.Address("vm3"), probe.PingOptions{Count: 1, Timeout: time.Second})
				return errors.Join(err, r.Err())
			}))
		})
	}
}

// replaceBridge deletes br-int and plugs the VMs' interfaces into the next one, as the host's agent would.
func replaceBridge(ch *lab.Chassis) error {
	var plug []string
	for vm, port := range map[string]string{"vm1": "lp1", "vm6": "lp6", "tr5": "lp5"} {
		plug = append(plug, "--", "add-port", "br-int", vm, "--", "set", "interface", vm, "external-ids:iface-id="+port)
	}
	if _, err := ch.Vsctl("del-br", "br-int"); err != nil {
		return err
	}
	err := lab.Until(testContext, repairTime, "br-int to come back", func() error { _, err := ch.Vsctl("br-exists", "br-int"); return err })
	if err != nil {
		return err
	}
	_, err = ch.Vsctl(plug...)
	return err
}

// boundTo checks that a port binding is on the chassis.
func boundTo(d *reference.Deployment, port, chassis string) error {
	row, err := d.Central.SB("--bare", "--columns=chassis", "find", "Port_Binding", "logical_port="+port)
	if err != nil {
		return err
	}
	if row == "" {
		return fmt.Errorf("port %s is bound to no chassis", port)
	}
	name, err := d.Central.SB("get", "Chassis", row, "name")
	if err == nil && name != chassis {
		err = fmt.Errorf("port %s is bound to %s, not %s", port, name, chassis)
	}
	return err
}

// changeEncap gives the tunnel endpoint of a chassis another address in the Southbound database.
func changeEncap(d *reference.Deployment, chassis, ip string) error {
	id, err := d.Central.SB("--bare", "--columns=_uuid", "find", "Encap", "chassis_name="+chassis)
	if err != nil {
		return err
	}
	_, err = d.Central.SB("set", "Encap", id, "ip="+ip)
	return err
}

// findTunnel is the name of the tunnel interface from one chassis to another.
func findTunnel(from, to *lab.Chassis) (string, error) {
	out, err := from.Vsctl("--bare", "--columns=name", "find", "Interface", "options:remote_ip="+to.TunnelIP.String())
	if err == nil && out == "" {
		err = fmt.Errorf("%s has no tunnel interface to %s", from.Name, to.Name)
	}
	return out, err
}

func tunnelPort(t *testing.T, from, to *lab.Chassis) string {
	t.Helper()
	name, err := findTunnel(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return name
}
