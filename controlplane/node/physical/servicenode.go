package physical

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/sb"
)

// A hardware VTEP in service node mode (vtep(5), "Replication Mode") sends what is for many stations, or for one that it does not know,
// to one chassis. If this one is a service node (external_ids:sluice-service-node) what comes from there is treated as from any port:
// it is tunnelled to the other chassis, hardware VTEPs among them. It does not go back by itself, as Open vSwitch sends nothing to
// the port that it came from.

// leavesReplication tells whether a chassis is a hardware VTEP in that mode (vtepdb.ReplicationKey).
func leavesReplication(c *sb.Chassis) bool {
	return vtep(c) && c.OtherConfig["sluice-replication"] == "service_node"
}

// replicates tells whether that is done here for a chassis.
func (p *Physical) replicates(chassis string) bool {
	return p.World.Config.ServiceNode && leavesReplication(p.World.SB.ChassisByName.One(chassis))
}

// noHairpin drops what comes from a hardware VTEP for a station behind it, which it has just forgotten: packets to one port are sent
// even to the port that they came from, as answers of routers have to be.
func (p *Physical) noHairpin(b *builder, dp, key uint32) {
	b.add(ir.RemoteOutput, 150, dp, match(outport(key), inport(key), flag(ir.FlagAllowLoopback, false)))
}
