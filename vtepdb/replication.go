package vtepdb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// Modes of replication of Logical_Switch.replication_mode (vtep(5), "Replication Mode"): a switch gives what is for many stations
// to each place where some are, or to one service node, which does so for it.
const (
	SourceNode  = "source_node"
	ServiceNode = "service_node"
)

// noSourceNode in switch_fault_status: the switch cannot do what it is asked to, and is to be asked for service node replication.
const noSourceNode = "unsupported_source_node_replication"

// ReplicationKey in Chassis.other_config of a switch is ServiceNode when that is the mode of its logical switches. A hypervisor with ServiceNodeKey there
// gives frames of a switch in service node mode to all others, which ovn-controller does not do: to OVN each switch replicates
// by itself. (controlplane/node/physical reads these keys, controlplane/node/chassis writes the second.)
const (
	ReplicationKey = "sluice-replication"
	ServiceNodeKey = "sluice-service-node"
)

// readMode finds the mode of replication that the switches here need. It is one for all switches of a database, that of the least able of them: logical
// switches with mixed modes are "not recommended" (vtep(5)).
func (p *Planner) readMode(config map[string]string) (mode string) {
	p.unable = config[modeKey+p.owner] == ServiceNode
	for row := range p.db.PhysicalSwitch.All() {
		p.unable = p.unable || slices.Contains(row.SwitchFaultStatus, noSourceNode)
	}
	p.unable = p.unable && p.settings.mode == "" // which, set and removed, makes the switches be asked again
	switch {
	case p.settings.mode != "":
		return p.settings.mode
	case p.unable:
		return ServiceNode
	}
	return SourceNode
}

// setMode is told the mode in force.
func (p *Planner) setMode(mode string) {
	if p.mode != mode {
		p.mode = mode
		p.markBound()
	}
}

// markBound marks all that is bound.
func (p *Planner) markBound() {
	for _, b := range p.bound {
		p.ls[b.ls] = true
		p.markFloods(b)
	}
}

// serviceNodes are the addresses of those that replicate what a switch sends to a logical switch: the operator's, and the chassis
// that do so and have ports there. Of these the gateways of routers, if one of them is one: a gateway answers for the router where
// it receives the question itself.
func (p *Planner) serviceNodes(b *binding) map[string]bool {
	nodes, gateways := map[string]bool{}, map[string]bool{}
	if s := p.segments[b.dp]; s != nil {
		for id := range s.hosts {
			ip, ok := p.reach(id)
			if !ok || !p.chassis[id].ServiceNode {
				continue
			}
			if nodes[ip] = true; s.gateways[id] > 0 {
				gateways[ip] = true
			}
		}
	}
	if len(gateways) > 0 {
		nodes = gateways
	}
	for _, ip := range p.settings.serviceNodes {
		nodes[ip] = true
	}
	return nodes
}

// replicated narrows the places that frames to many stations are to reach to those that a switch is to send them to. Without a
// service node it is told all of them, and takes one.
func (p *Planner) replicated(ls *rows.LogicalSwitch, b *binding, want map[string]bool) map[string]bool {
	text := ""
	if p.mode == ServiceNode && len(want) > 1 {
		if nodes := p.serviceNodes(b); len(nodes) > 0 {
			want = nodes
		} else {
			text = fmt.Sprintf("the switches leave it to a service node to replicate frames of logical switch %s, and there is none, so that one of %s gets "+
				"them and the others do not. Let a hypervisor of sluice that has a port there be one, best the gateway of its router: ovs-vsctl set open . "+
				"external_ids:%s=true; or name another that replicates: vtep-ctl set Global . other_config:%s=ADDRESS",
				ls.Name, strings.Join(sortedKeys(want), ", "), ServiceNodeKey, serviceNodesKey)
		}
	}
	p.problems.set(noServiceNode, ls.Name, text)
	return want
}
