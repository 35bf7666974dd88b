package lab

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Programs of Debian's packages that a deployment runs.
var (
	ovsPrograms = []string{"ovsdb-tool", "ovsdb-server", "ovs-vsctl", "ovs-vswitchd", "ovs-ofctl", "ovs-appctl", "ovn-northd", "ovn-nbctl", "ovn-sbctl"}
	schemas     = []string{nbSchema, sbSchema, vswitchSchema}
)

// Where Debian's packages put the database schemas.
const (
	nbSchema      = "/usr/share/ovn/ovn-nb.ovsschema"
	sbSchema      = "/usr/share/ovn/ovn-sb.ovsschema"
	vswitchSchema = "/usr/share/openvswitch/vswitch.ovsschema"
)

// MissingCapability names something that a deployment needs and this machine does not give.
type MissingCapability struct {
	// Capability is "netns" (root and network namespaces) or "ovs" (the programs and schemas of OVS and OVN).
	Capability string
	// Reason says what was looked for.
	Reason string
}

func (m MissingCapability) Error() string { return m.Capability + ": " + m.Reason }

// Missing lists what this machine lacks for running a deployment; it is empty where one can run.
func Missing() []error {
	var missing []error
	if uid := os.Geteuid(); uid != 0 {
		missing = append(missing, MissingCapability{"netns", fmt.Sprintf("must be root to create network namespaces; the user id is %d", uid)})
	} else if _, err := exec.LookPath("ip"); err != nil {
		missing = append(missing, MissingCapability{"netns", "no program ip; install the Debian package iproute2"})
	}
	var absent []string
	for _, p := range ovsPrograms {
		if _, err := exec.LookPath(p); err != nil {
			absent = append(absent, p)
		}
	}
	for _, s := range schemas {
		if _, err := os.Stat(s); err != nil {
			absent = append(absent, s)
		}
	}
	if len(absent) > 0 {
		missing = append(missing, MissingCapability{"ovs",
			"no " + strings.Join(absent, ", ") + "; install the Debian packages openvswitch-switch, ovn-central and ovn-host"})
	}
	return missing
}
