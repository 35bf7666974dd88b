package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/load"
	"github.com/sluice-gw/sluice/test/ovsrpc"
	"github.com/sluice-gw/sluice/test/probe"
	"github.com/sluice-gw/sluice/test/reference"
)

// endings are the ways in which a controller ends, for another to begin. An upgrade is from one of two builds to the other.
func endings(t *testing.T) []ending {
	program := underTest(t)
	file := anotherBuild(t)
	if !program.IsSluice() { // of which there is one build only
		file = filepath.Join(filepath.Dir(file), filepath.Base(program.Path()))
		if out, err := exec.CommandContext(testContext, "cp", program.Path(), file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	another, err := lab.ParseController(file)
	if err != nil {
		t.Fatal(err)
	}
	return []ending{
		{"killed", func(ch *lab.Chassis) error { ch.ControllerProcess().Kill(); return nil }},
		{"exit --restart", func(ch *lab.Chassis) error { return ch.ExitController(true) }},
		{"upgraded", func(ch *lab.Chassis) error {
			to := another
			if ch.Controller().Path() == another.Path() {
				to = program
			}
			ch.SetController(to)
			return ch.ExitController(true)
		}},
	}
}

type ending struct {
	name string
	end  func(*lab.Chassis) error
}

// TestControllerRestart ends and restarts the controller of each chassis under traffic, also at the size at which OVN 23.03 loses 0.6 s.
func TestControllerRestart(t *testing.T) {
	d := configured(t, reference.Options{})
	if err := d.Learn(); err != nil {
		t.Fatal(err)
	}
	ways := endings(t)
	for _, size := range []load.Size{{}, {Switches: 100, Ports: 50}} {
		if size.Switches > 0 {
			grow(t, d, size)
		}
		for _, ch := range []*lab.Chassis{d.HV1, d.GW1} {
			for _, r := range ways {
				t.Run(fmt.Sprintf("%s extra, %s %s", size, ch.Name, r.name), func(t *testing.T) {
					underTraffic(t, d, ch, func() error {
						if err := r.end(ch); err != nil {
							return err
						}
						if err := ch.StartController(); err != nil {
							return err
						}
						return d.Sync()
					})
				})
			}
		}
	}
}

// TestTakeOver replaces ovn-controller by sluice on a running chassis, and goes back, as the operating guide says.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	need(t)
	sluice, c := underTest(t), ovnController(t)
	d := configured(t, reference.Options{Options: lab.Options{Controller: c}})
	if err := d.Learn(); err != nil {
		t.Fatal(err)
	}
	for _, next := range []lab.Controller{sluice, c} {
		for _, ch := range []*lab.Chassis{d.HV1, d.GW1} {
			t.Run(fmt.Sprintf("%s to %s", ch.Name, filepath.Base(next.Path())), func(t *testing.T) {
				underTraffic(t, d, ch, func() error {
					if err := ch.ExitController(true); err != nil {
						return err
					}
					ch.SetController(next)
					if err := ch.StartController(); err != nil {
						return err
					}
					return d.Sync()
				})
			})
		}
	}
}

// underTraffic runs disturb while packets flow. It fails the test when they do not flow again, and when any was lost although the chassis
// is sluice's.
func underTraffic(t *testing.T, d *reference.Deployment, ch *lab.Chassis, disturb func() error) {
	t.Helper()
	reports, err := d.UnderTraffic(disturb)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range reports {
		t.Logf("%s: %s", name, r)
		demand(t, ch, lossless(name, r))
	}
}

func lossless(name string, r probe.StreamReport) error {
	if r.Lost == 0 {
		return nil
	}
	return fmt.Errorf("stream %s: %s", name, r)
}

// grow adds switches to the router lr0.
func grow(t *testing.T, d *reference.Deployment, z load.Size) {
	t.Helper()
	nb := northbound(t, d)
	if err := load.PlainSwitches(nb, "lr0", 100, z); err != nil {
		t.Fatal(err)
	}
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, ch := range d.Chassis() {
		n, err := ch.FlowCount()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s has %d flows with %s more switches", ch.Name, n, z)
	}
}

// northbound connects to the Northbound database.
func northbound(t *testing.T, d *reference.Deployment) *ovsrpc.Client {
	t.Helper()
	return dial(t, d, "nb.sock", "OVN_Northbound")
}

func dial(t *testing.T, d *reference.Deployment, socket, database string) *ovsrpc.Client {
	t.Helper()
	c, err := ovsrpc.Dial(testContext, filepath.Join(d.Central.Dir, socket), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
