package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/reference"
)

// TestExit ends controllers by command: "exit" takes the chassis and its bindings out of the Southbound database, "exit --restart" leaves
// them.
func TestExit(t *testing.T) {
	t.Parallel()
	d := configured(t, reference.Options{})
	if err := d.HV1.ExitController(true); err != nil {
		t.Fatal(err)
	}
	if err := boundTo(d, "lp1", "hv1"); err != nil {
		t.Errorf("after exit --restart: %v", err)
	}
	if err := d.HV1.StartController(); err != nil {
		t.Fatal(err)
	}
	if err := d.Settle(); err != nil {
		t.Fatal(err)
	}
	if err := d.HV1.ExitController(false); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"Chassis", "Chassis_Private"} {
		if rows, err := d.Central.SB("--bare", "--columns=name", "find", table, "name=hv1"); err != nil || rows != "" {
			t.Errorf("after exit: %s has %q of hv1 (%v)", table, rows, err)
		}
	}
	if row, err := d.Central.SB("--bare", "--columns=chassis", "find", "Port_Binding", "logical_port=lp1"); err != nil || row != "" {
		t.Errorf("after exit: lp1 is bound to %q (%v)", row, err)
	}
	if ports, err := d.HV1.Vsctl("list-ports", "br-int"); err != nil || strings.Contains(ports, "ovn-") {
		t.Errorf("after exit: tunnel ports stay in br-int: %q (%v)", ports, err)
	}
	if err := d.HV1.StartController(); err != nil {
		t.Fatal(err)
	}
	if err := d.Settle(); err != nil {
		t.Errorf("after the start that followed an exit: %v", err)
	}
}

// TestPretender starts a chassis that claims the system-id or the tunnel address of hv2. It must be refused, in a message that names
// hv2, and hv2 must keep its rows and ports, also when the pretender exits.
func TestPretender(t *testing.T) {
	t.Parallel()
	d := configured(t, reference.Options{})
	owner := func() error {
		out, err := d.Central.SB("--bare", "--columns=hostname", "find", "Chassis", "name=hv2")
		if err != nil || out != "hv2" {
			return fmt.Errorf("host name of chassis hv2 is %q (%v)", out, err)
		}
		out, err = d.Central.SB("--bare", "--columns=chassis_name", "find", "Encap", "ip="+d.HV2.TunnelIP.String())
		if err != nil || out != "hv2" {
			return fmt.Errorf("the Encap with the address of hv2 belongs to %q (%v)", out, err)
		}
		out, err = d.Central.SB("--bare", "--columns=up", "find", "Port_Binding", "logical_port=lp2")
		if err != nil || out != "true" {
			return fmt.Errorf("the state \"up\" of the port on hv2 is %q (%v)", out, err)
		}
		return boundTo(d, "lp2", "hv2")
	}
	if err := owner(); err != nil {
		t.Fatal(err)
	}
	for _, spec := range []lab.ChassisSpec{
		{Name: "same-id", SystemID: "hv2"},
		{Name: "same-ip", TunnelIP: d.HV2.TunnelIP},
	} {
		t.Run(spec.Name, func(t *testing.T) {
			ch, err := d.AddChassis(spec)
			if err != nil {
				t.Fatal(err)
			}
			defer ch.ControllerProcess().Kill()
			demand(t, ch, lab.Until(testContext, repairTime, "a refusal that names hv2 in the log", func() error {
				b, err := os.ReadFile(filepath.Join(ch.Dir, "ovn-controller.log"))
				if err != nil {
					return err
				}
				for line := range strings.Lines(string(b)) {
					if strings.Contains(line, "hv2") && (strings.Contains(line, "|WARN|") || strings.Contains(line, "|ERR|")) {
						t.Log(strings.TrimSpace(line))
						return nil
					}
				}
				return fmt.Errorf("%d bytes of log without one", len(b))
			}))
			demand(t, ch, during(2*time.Second, owner))
			ports, err := ch.Vsctl("list-ports", "br-int")
			if err == nil && strings.Contains(ports, "ovn-") {
				err = fmt.Errorf("it has tunnels: %q", ports)
			}
			demand(t, ch, err)
			if err := ch.ExitController(false); err != nil {
				t.Fatal(err)
			}
			demand(t, ch, owner())
		})
	}
}

// TestClaimDamping gives two chassis an interface with the same iface-id. One of them must have the port and keep it, also when the
// other is driven by ovn-controller, which never gives in.
func TestClaimDamping(t *testing.T) {
	t.Parallel()
	need(t)
	c := ovnController(t)
	for name, o := range map[string]reference.Options{
		"sluice":         {},
		"ovn-controller": {Chassis: map[string]lab.ChassisSpec{"hv2": {Controller: &c}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := configured(t, o)
			if _, err := d.Central.NB("lsp-add", "sw0", "twin"); err != nil {
				t.Fatal(err)
			}
			for _, ch := range []*lab.Chassis{d.HV1, d.HV2} {
				if _, err := ch.Vsctl("add-port", "br-int", "twin", "--", "set", "interface", "twin", "type=internal", "external-ids:iface-id=twin"); err != nil {
					t.Fatal(err)
				}
			}
			demand(t, d.HV1, lab.Until(testContext, repairTime, "the port to stay where it is", func() error {
				var last string
				return during(4*time.Second, func() error { // longer than any pause between claims
					chassis, err := d.Central.SB("--bare", "--columns=chassis", "find", "Port_Binding", "logical_port=twin")
					if err == nil && last != "" && chassis != last {
						err = fmt.Errorf("it went from chassis %s to %s", last, chassis)
					}
					last = chassis
					return err
				})
			}))
			for _, ch := range []*lab.Chassis{d.HV1, d.HV2} {
				b, err := os.ReadFile(filepath.Join(ch.Dir, "ovn-controller.log"))
				if err != nil {
					t.Fatal(err)
				}
				claims := strings.Count(string(b), "Claiming lport twin for this chassis") + strings.Count(string(b), "Changing chassis for lport twin ")
				const enough = 3
				if claims > enough {
					demand(t, ch, fmt.Errorf("it claimed the port %d times, want at most %d", claims, enough))
				}
			}
		})
	}
}

// during asks cond again and again for a while and returns its first error.
func during(length time.Duration, cond func() error) error {
	end := time.After(length)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := cond(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-end:
			return nil
		case <-testContext.Done():
			return testContext.Err()
		}
	}
}
