package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/sluice-gw/sluice/test/reference"
)

// explain prints how to look around in a deployment that is left up. program is its controllers'.
func explain(d *reference.Deployment, program string, w io.Writer) {
	hv1, pre := d.HV1.Dir, d.Prefix
	page := "ovn-appctl -t ovn-controller connection-status"
	if filepath.Base(program) == "sluice" {
		page = program + " status"
	}
	fmt.Fprintf(w, `
The deployment is still up: namespaces %[1]s-*, files in %[2]s. Look around with, for example:

  ip netns exec %[1]s-vm1 ping 10.0.2.13                                          a VM (vm1 to vm5, c1, phys, ...)
  ovn-nbctl --db=%[3]s show
  ovn-sbctl --db=%[4]s show
  OVS_RUNDIR=%[5]s ovs-vsctl --db=%[6]s show
  OVS_RUNDIR=%[5]s ovs-ofctl -OOpenFlow15 dump-flows br-int
  OVS_RUNDIR=%[5]s ovs-appctl dpctl/dump-flows                                    the packets' fast path
  OVN_RUNDIR=%[5]s %[7]s
  tail -f %[5]s/ovn-controller.log                                                (hv2 and gw1 likewise)

Stop it with:

  make demo-stop
`, pre, d.Dir, d.Central.NBRemote(), d.Central.SBRemote(), hv1, d.HV1.DatabaseRemote(), page)
}
