package lab

import (
	"fmt"
	"os"
	"slices"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// What a deployment runs and reads, of Debian's packages.
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

// Programs are the names of all programs that a deployment runs besides its controllers, for those who give it a machine to itself.
func Programs() []string { return append([]string{"ip"}, ovsPrograms...) }

// Schemas are the files of database schemas that a deployment reads, those of hardware VTEP switches among them.
func Schemas() []string { return append(slices.Clone(schemas), vtepSchema) }

// Missing lists what this machine lacks for running a deployment; it is empty where one can run.
func Missing() []capability.Missing {
	var missing []capability.Missing
	if uid := os.Geteuid(); uid != 0 {
		missing = append(missing, capability.Missing{Capability: "netns", Reason: fmt.Sprintf("must be root to create network namespaces; the user id is %d", uid)})
	}
	missing = append(missing, capability.Absent("netns", "ip")...)
	return append(missing, capability.Absent("ovs", slices.Concat(ovsPrograms, schemas)...)...)
}
