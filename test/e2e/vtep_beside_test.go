package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/test/lab"
)

// TestVTEPBeside: a hypervisor of "sluice controller" and "sluice vtep serve" share one Open vSwitch, and with it the device of VXLAN tunnels, each with a tunnel
// address of its own. The VM of another hypervisor reaches the VM there and the host behind the switch, and broadcasts are heard once. The two that the
// same Open vSwitch has are no matter here: with the userspace datapath, which this is, it sends nothing into a tunnel to itself.
func TestVTEPBeside(t *testing.T) {
	t.Parallel()
	server, err := lab.ParseVTEPServer(filepath.Join("..", "..", "bin", "sluice"))
	if err != nil {
		t.Fatalf("%v (\"make build\" builds bin/sluice)", err)
	}
	for _, encap := range []string{"geneve,vxlan", "vxlan"} {
		t.Run(strings.ReplaceAll(encap, ",", " and "), func(t *testing.T) {
			d := startVTEPWith(t, encap, "", func(l *lab.Lab, name string, controller lab.Controller) (*lab.VTEP, error) {
				hv1 := l.Chassis()[0]
				if _, err := hv1.Vsctl("set", "Open_vSwitch", ".", "external-ids:ovn-set-local-ip=true"); err != nil {
					return nil, err
				}
				return l.AddServedVTEPOn(hv1, name, server, controller)
			})
			for _, pair := range [][]*lab.Host{{d.vm2, d.physical}, {d.vm1, d.vm2}} {
				if err := d.reachAll(pair...); err != nil {
					t.Error(err)
				}
				if err := hearOnce(d.Lab, pair...); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
