package vm

import (
	"os/exec"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/test/hil/kernel"
)

// Missing lists what this machine lacks for booting a guest with the kernel of that name; it is empty where one can run.
func Missing(kernelName string) []capability.Missing {
	var missing []capability.Missing
	if _, err := exec.LookPath(QEMU); err != nil {
		missing = append(missing, capability.Missing{Capability: "vm", Reason: "no program " + QEMU + "; install the Debian package qemu-system-x86"})
	}
	if _, err := kernel.Find(kernelName); err != nil {
		missing = append(missing, capability.Missing{Capability: "vm", Reason: err.Error()})
	}
	return missing
}
