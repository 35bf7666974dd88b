package logical

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// missingStages are side stages that have no rules: asking them finds nothing.
var missingStages = map[ir.Stage]string{
	ir.MACCacheUse: "mac_cache_use is not supported yet: MAC_Binding and FDB rows age as if they were not used",
	ir.FloodRemote: "flood_remote is not supported yet: nothing is flooded to other availability zones",
}

// evpnStages are missing as well, but on a chassis that is not set up for EVPN
// nothing is what they would find in any case. ovn-northd asks them for the switches
// with other_config:dynamic-routing-vni only.
var evpnStages = map[ir.Stage]string{
	ir.GetRemoteFDB:  "get_remote_fdb always answers none: EVPN is not supported, nothing is sent to VTEPs",
	ir.EVPNARPLookup: "chk_evpn_arp always answers 0: EVPN is not supported, nothing is learned from VTEPs",
}

// lacking names what is not done of a program; "" when all is.
func (l *Logical) lacking(ops []ir.Op) string {
	for _, op := range ops {
		var inner []ir.Op
		switch op := op.(type) {
		case ir.Punt:
			if why, lacks := l.Unsupported(op.Opcode); lacks {
				return fmt.Sprintf("action %s is not supported yet: %s", op.Opcode, why)
			}
			inner = op.Inner
		case ir.Call:
			if why := missingStages[op.Stage]; why != "" {
				return why
			}
			if why := evpnStages[op.Stage]; why != "" && l.evpn {
				return why
			}
		case ir.Clone:
			inner = op.Ops
		}
		if why := l.lacking(inner); why != "" {
			return why
		}
	}
	return ""
}
