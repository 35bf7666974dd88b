package e2e

import (
	"testing"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/reference"
)

// TestReference builds the reference deployment stage by stage and makes every check, with both tunnel types and with chassis of
// both controllers.
func TestReference(t *testing.T) {
	t.Parallel()
	need(t)
	sluice, c := underTest(t), ovnController(t)
	for name, o := range map[string]reference.Options{
		"geneve": {Options: lab.Options{Controller: sluice}},
		"vxlan":  {Options: lab.Options{Controller: sluice, Encap: "vxlan"}},
		"mixed: ovn-controller on the gateway": {
			Options: lab.Options{Controller: sluice}, Chassis: map[string]lab.ChassisSpec{"gw1": {Controller: &c}}},
		"mixed: ovn-controller on one hypervisor, vxlan": {
			Options: lab.Options{Controller: sluice, Encap: "vxlan"}, Chassis: map[string]lab.ChassisSpec{"hv2": {Controller: &c}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := start(t, o)
			for _, stage := range d.Stages() {
				if err := stage.Configure(); err != nil {
					t.Fatalf("%s: %v", stage.Title, err)
				}
				for _, check := range stage.Checks {
					t.Run(check.Name, func(t *testing.T) { assert(t, check) })
				}
			}
		})
	}
}

// assert makes a check of the reference deployment.
func assert(t *testing.T, c reference.Check) {
	t.Helper()
	r, err := c.Run()
	switch {
	case err == nil:
		t.Logf("%s %s", r.Latency, r.Detail)
	case c.Comparison():
		t.Logf("comparison: %s: %v", c.Demands.Name, err)
	default:
		t.Error(err)
	}
}
