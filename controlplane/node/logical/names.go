package logical

import (
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/sb"
)

// OnNames follows changes of what the texts of logical flows name.
func (l *Logical) OnNames() {
	ch := l.World.SBChanges
	for _, c := range ch.AddressSet {
		l.World.Refuse(node.RefusalKey{Table: "Address_Set", Row: c.ID}) // until it is read again
		for _, row := range []*sb.AddressSet{c.Old, c.New} {
			if row != nil {
				l.sets.forget(row.Name)
				l.mark(on(depAddressSet, row.Name))
			}
		}
	}
	for _, c := range ch.PortGroup {
		l.members.file(c.Old, c.New)
		for _, row := range []*sb.PortGroup{c.Old, c.New} {
			if row != nil {
				l.mark(on(depPortGroup, row.Name))
			}
		}
	}
	for _, c := range ch.Meter {
		for _, row := range []*sb.Meter{c.Old, c.New} {
			if row != nil && (c.Old == nil || c.New == nil) {
				l.mark(on(depMeter, row.Name))
			}
		}
	}
	for _, c := range ch.ChassisTemplateVar {
		for _, row := range []*sb.ChassisTemplateVar{c.Old, c.New} {
			if row == nil || row.Chassis != l.World.Config.Chassis {
				continue
			}
			for name := range row.Variables {
				l.mark(on(depTemplate, name))
			}
		}
	}
	l.onKeys()
}

// onKeys follows changes of the keys of logical ports and multicast groups. The
// keys of datapaths need no care: what changes there marks the whole datapath.
func (l *Logical) onKeys() {
	ch := l.World.SBChanges
	for _, c := range ch.MulticastGroup {
		if c.Old != nil && c.New != nil && c.Old.TunnelKey == c.New.TunnelKey && c.Old.Name == c.New.Name && c.Old.Datapath == c.New.Datapath {
			continue
		}
		for _, row := range []*sb.MulticastGroup{c.Old, c.New} {
			if row != nil {
				if key, local := l.Local.Key(row.Datapath); local {
					l.mark(dep{depPort, key, row.Name})
				}
			}
		}
	}
	for _, c := range ch.PortBinding {
		if c.Old != nil && c.New != nil && c.Old.LogicalPort == c.New.LogicalPort {
			if c.Old.Chassis != c.New.Chassis || c.Old.Encap != c.New.Encap {
				l.mark(on(depWatch, c.New.LogicalPort))
			}
			if c.Old.TunnelKey == c.New.TunnelKey && c.Old.Datapath == c.New.Datapath {
				continue
			}
		}
		for _, row := range []*sb.PortBinding{c.Old, c.New} {
			if row != nil {
				if key, local := l.Local.Key(row.Datapath); local {
					l.mark(dep{depPort, key, row.LogicalPort})
				}
				l.markPort(row.LogicalPort)
			}
		}
	}
}

// markPort marks the flows that depend on what a port is to this chassis.
func (l *Logical) markPort(port string) {
	l.mark(on(depResident, port))
	l.mark(on(depRelated, port))
	l.mark(on(depWatch, port))
	for _, pg := range l.members[port] {
		l.mark(on(depPortGroup, pg))
	}
}

// OnPorts follows changes of what ports are to this chassis.
func (l *Logical) OnPorts() {
	for id := range l.Ports.Changed {
		if pb := l.World.SB.PortBinding.Get(id); pb != nil {
			l.markPort(pb.LogicalPort)
		}
	}
}

// OnTunnels follows changes of the tunnels, which fwd_group watches.
func (l *Logical) OnTunnels() {
	if len(l.Tunnels.Changed) == 0 {
		return
	}
	for d := range l.watched {
		l.mark(d)
	}
}

// OnCollectors follows changes of Flow_Sample_Collector_Set rows of the local
// database: sample() does nothing without one.
func (l *Logical) OnCollectors() {
	for _, c := range l.World.VSWChanges.FlowSampleCollectorSet {
		if c.Old != nil {
			l.mark(on(depCollector, strconv.FormatInt(c.Old.ID, 10)))
		}
		if c.New != nil {
			l.mark(on(depCollector, strconv.FormatInt(c.New.ID, 10)))
		}
	}
}
