package controller

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/sb/sbtest"
)

// TestReleases: a chassis registers, claims a port and makes its rules with the schema of
// each release, the columns that the oldest lacks and those that nobody knew then.
func TestReleases(t *testing.T) {
	t.Parallel()
	for _, release := range sbtest.Releases() {
		t.Run(release.Name, func(t *testing.T) {
			t.Parallel()
			n := newNetworkOn(t, release.WriteSchema(t), localIDs)
			n.chassis("hv2", "geneve", "192.0.2.2", nil)
			n.datapath("sw", "logical-switch", 1)
			n.port("sw", "vm1", 1, "", "")
			n.port("sw", "vm2", 2, "", "chassis=hv2")
			n.multicast("sw", "_MC_flood", 0x8000, "vm1 vm2")
			n.plug("vm1", nil)
			n.until("the port", func() bool {
				pb := n.w.SB.PortBindingByLogicalPort.One("vm1")
				return pb != nil && pb.Chassis == n.w.SelfID() && pb.Up.V
			})
			n.settle()
			for _, want := range []struct {
				kind ir.OwnerKind
				row  string
			}{{ir.OwnerPortBinding, "vm1"}, {ir.OwnerPortBinding, "vm2"}, {ir.OwnerMulticastGroup, "_MC_flood"}, {ir.OwnerChassis, ""}} {
				if len(n.rulesOf(want.kind, want.row)) == 0 {
					t.Errorf("no rules of %s %s", want.kind, want.row)
				}
			}
			if got := n.cfg.SB.State().Schema; got != release.Version {
				t.Errorf("the schema's version is %s", got)
			}
		})
	}
}
