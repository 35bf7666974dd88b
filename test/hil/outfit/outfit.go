// Package outfit is what guests get for tests and measurements of the whole product: the kernel's modules, programs of this host, and the
// product itself.
package outfit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/test/hil/vm"
	"github.com/sluice-gw/sluice/test/lab"
)

// Modules are what the kernel tests use. All are loaded for all of them: nothing in the guest could load one when it is wanted.
func Modules() []string {
	return []string{
		// devices
		"af_packet", "bonding", "bridge", "dummy", "geneve", "ifb", "tun", "veth", "vxlan", "8021q",
		// traffic control
		"sch_ingress", "cls_flower", "cls_matchall",
		"act_csum", "act_ct", "act_gact", "act_mirred", "act_mpls", "act_pedit", "act_police", "act_sample", "act_skbedit", "act_tunnel_key", "act_vlan",
		// the datapath of Open vSwitch, and connection tracking with its netlink family
		"openvswitch", "nf_conntrack_netlink",
	}
}

// Age is how old a guest has to be when Open vSwitch starts. In the first 10 s of a machine ovs-vswitchd 3.1.0, which Debian 12 has, counts no
// processor (lib/ovs-thread.c, count_cpu_cores, mended in 3.1.1): it then makes no socket for what the kernel's datapath cannot match,
// nor makes one later, and every such packet is lost.
const Age = 10 * time.Second

// programs of this host that the tests run, besides those of a deployment (package lab).
var programs = []string{"devlink", "tc", "vtep-ctl"}

// product is the product's program, where the tests find it in the guest.
const product = "/usr/local/bin/sluice"

// Additions are what the guest gets from this host, and the product, which is compiled into dir.
func Additions(ctx context.Context, dir string) ([]vm.Addition, error) {
	sluice := filepath.Join(dir, filepath.Base(product))
	if out, err := GoCommand(ctx, "build", "-o", sluice, "./cmd/sluice").CombinedOutput(); err != nil {
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

// GoCommand is the go command without cgo: what it builds starts in the emulator without looking for libraries.
func GoCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return cmd
}
