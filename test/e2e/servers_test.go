package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/reference"
)

// TestServerRestart restarts each server that the controllers talk to while packets flow. None of them carries packets except
// ovs-vswitchd, so nothing may be lost; afterwards new configuration must take effect, which shows that everyone has reconnected.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	d := configured(t, reference.Options{})
	if err := d.Learn(); err != nil {
		t.Fatal(err)
	}
	for _, server := range []struct {
		name    string
		process func() *lab.Process
		start   func() error
	}{
		{"Northbound database", d.Central.NBServer, d.Central.StartNB},
		{"Southbound database", d.Central.SBServer, d.Central.StartSB},
		{"northd", d.Central.Northd, d.Central.StartNorthd},
		{"database of hv1", d.HV1.Database, d.HV1.StartDatabase},
		{"database of gw1", d.GW1.Database, d.GW1.StartDatabase},
	} {
		for _, way := range []struct {
			name string
			end  func(*lab.Process)
		}{
			{"restarted", func(p *lab.Process) { p.Terminate(5 * time.Second) }},
			{"killed", (*lab.Process).Kill},
		} {
			t.Run(server.name+" "+way.name, func(t *testing.T) {
				underTraffic(t, d, d.HV1, func() error {
					way.end(server.process())
					if err := server.start(); err != nil {
						return err
					}
					return d.Sync()
				})
				takesConfiguration(t, d)
			})
		}
	}
}

// TestSwitchRestart restarts ovs-vswitchd, which forgets every flow, group, meter and tunnel option mapping: the controller must give
// them back without being told.
func TestSwitchRestart(t *testing.T) {
	t.Parallel()
	d := configured(t, reference.Options{})
	if err := d.Learn(); err != nil {
		t.Fatal(err)
	}
	for _, ch := range []*lab.Chassis{d.HV1, d.GW1} {
		for name, kill := range map[string]bool{"restarted": false, "killed": true} {
			t.Run(ch.Name+" "+name, func(t *testing.T) {
				before := flows(t, ch)
				if lab.MeterCount(before) == 0 {
					t.Errorf("%s has no meter that it could lose", ch.Name)
				}
				reports, err := d.UnderTraffic(func() error { return ch.RestartSwitch(kill) })
				if err != nil {
					t.Fatal(err)
				}
				for name, r := range reports {
					t.Logf("%s: %s", name, r)
				}
				if err := d.Sync(); err != nil {
					t.Fatal(err)
				}
				if diff := lab.DiffFlows(before, flows(t, ch), 10); diff != "" {
					t.Errorf("flows after the restart differ from those before:\n%s", diff)
				}
				takesConfiguration(t, d)
			})
		}
	}
}

// TestAcknowledgement stops ovs-vswitchd for a while: a change must not be acknowledged to the Northbound database before it is in the
// switch.
func TestAcknowledgement(t *testing.T) {
	t.Parallel()
	d := configured(t, reference.Options{})
	stopped := d.HV1.Switch().Pid()
	if err := syscall.Kill(stopped, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(stopped, syscall.SIGCONT)
	if _, err := d.Central.NB("--wait=hv", "--timeout=2", "acl-add", "sw1", "to-lport", "2000", "udp.dst == 4000", "drop"); err == nil {
		t.Error("a change was acknowledged although ovs-vswitchd of hv1 is stopped")
	}
	if err := syscall.Kill(stopped, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := d.Sync(); err != nil {
		t.Errorf("after ovs-vswitchd has gone on: %v", err)
	}
}

var markers int // numbers the changes of takesConfiguration

// takesConfiguration adds an ACL and expects it in the flows of every chassis once the change is acknowledged.
func takesConfiguration(t *testing.T, d *reference.Deployment) {
	t.Helper()
	markers++
	port := 20000 + markers
	if _, err := d.Central.NB("acl-add", "sw0", "to-lport", "2000", fmt.Sprintf("udp.dst == %d", port), "drop"); err != nil {
		t.Fatal(err)
	}
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, ch := range []*lab.Chassis{d.HV1, d.HV2} {
		out, err := ch.Ofctl("dump-flows", "br-int", fmt.Sprintf("udp,tp_dst=%d", port))
		if err != nil {
			t.Fatal(err)
		}
		if !hasFlow(out) {
			t.Errorf("%s has no flow of a new ACL, although the change is acknowledged", ch.Name)
		}
	}
}
