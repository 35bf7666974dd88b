package vtepserve

import (
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// advice is what can be done about reasons why frames are not offloaded, where it is another thing for a bridge than for a logical network of OVN.
func advice() map[plan.Code]string {
	return map[plan.Code]string{
		plan.Code(flatten.Learns): "none: the station is known from its first frame on",
		plan.Code(flatten.Learned): "none for stations that answer: they are known then. Of one that never sends anything itself, see whether it is there; " +
			"the controller can name those behind tunnels (Ucast_Macs_Remote)",
		plan.Code(flatten.ACL):   "no list for the VLAN (Physical_Port.acl_bindings), or one with entries for the other direction only",
		plan.Code(flatten.Flood): "fewer VLANs, or other ends of tunnels, in the logical switch",
		plan.Code(flatten.Bound): "fewer VLANs or stations in the logical switch",
		plan.PortOff:             "external_ids:sluice-offload of the interface, or the mirror or rate limit that is named",
	}
}
