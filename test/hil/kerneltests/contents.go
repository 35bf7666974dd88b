package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/sluice-gw/sluice/test/hil/vm"
	"github.com/sluice-gw/sluice/test/lab"
)

// modules are what the kernel tests use. All are loaded for all of them: nothing in the guest could load one when it is wanted.
var modules = []string{
	// devices
	"af_packet", "bonding", "bridge", "dummy", "geneve", "ifb", "tun", "veth", "vxlan", "8021q",
	// traffic control
	"sch_ingress", "cls_flower", "cls_matchall",
	"act_csum", "act_ct", "act_gact", "act_mirred", "act_mpls", "act_pedit", "act_police", "act_sample", "act_skbedit", "act_tunnel_key", "act_vlan",
	// the datapath of Open vSwitch, and connection tracking with its netlink family
	"openvswitch", "nf_conntrack_netlink",
}

// programs of this host that the tests run, besides those of a deployment (package lab).
var programs = []string{"devlink", "tc"}

// product is the product's program, where the tests find it in the guest.
const product = "/usr/local/bin/sluice"

// additions are what the guest gets from this host, and the product, which is compiled into dir.
func additions(ctx context.Context, dir string) ([]vm.Addition, error) {
	sluice := filepath.Join(dir, filepath.Base(product))
	if out, err := goCommand(ctx, "build", "-o", sluice, "./cmd/sluice").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile sluice: %w\n%s", err, out)
	}
	all := []vm.Addition{{Source: sluice, Target: product}}
	for _, name := range slices.Concat(programs, lab.Programs()) {
		file, err := exec.LookPath(name)
		if err != nil {
			return nil, fmt.Errorf("%w: the guest's tests run it (test/install.sh installs it)", err)
		}
		if file, err = filepath.Abs(file); err != nil {
			return nil, err
		}
		all = append(all, vm.Addition{Source: file})
	}
	for _, file := range lab.Schemas() {
		all = append(all, vm.Addition{Source: file})
	}
	return all, nil
}
