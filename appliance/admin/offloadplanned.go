package admin

import (
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Planned describes what a planner has decided that drives no target, in the words in
// which offload/status and offload/explain describe a running one.
type Planned struct {
	view  reconcile.View
	names *names
	ports map[uint32]string
}

// NewPlanned describes v, whose rules are those of c. ask reads external_ids of logical
// flows (controller.AskFlows) and waits for them. It is called by the goroutine of both.
func NewPlanned(c *controller.Controller, v reconcile.View, ask func([]ovsdb.UUID) (map[ovsdb.UUID]map[string]string, error)) (*Planned, error) {
	p := &Planned{v, &names{datapaths: map[uint32]string{}, rows: map[ovsdb.UUID]controller.LogicalFlow{}}, map[uint32]string{}}
	for _, port := range v.Setting.Ports {
		p.ports[port.Ofport] = port.Name
	}
	for _, d := range c.LocalDatapaths() {
		p.names.datapaths[d.Key] = d.Name
	}
	var ids []ovsdb.UUID
	for s := range v.Planner.Paths() {
		if s.Reason == nil {
			continue
		}
		rule := v.Planner.Blamed(s.Reason)
		if rule == nil || rule.Owner.Kind != ir.OwnerLogicalFlow {
			continue
		}
		id := ovsdb.UUID(rule.Owner.UUID)
		if _, known := p.names.rows[id]; !known {
			p.names.rows[id], _ = c.LogicalFlow(id)
			ids = append(ids, id)
		}
	}
	var err error
	p.names.ids, err = ask(ids)
	return p, err
}

// Obstacle is why nothing is offloaded; "" when something can be.
func (p *Planned) Obstacle() string { return offloadState(p.view).Obstacle }

// Status is the coverage; there is no traffic in it.
func (p *Planned) Status() OffloadStatus {
	a := OffloadStatus{OffloadState: offloadState(p.view)}
	a.see(p.view)
	a.name(p.names)
	return a
}

// Path describes one path of the planner.
func (p *Planned) Path(s plan.Status) OffloadPath {
	x := offloadPath(s, p.view.Planner, p.ports)
	if x.Reason != nil {
		p.names.into(x.Reason.Origin)
	}
	return x
}

// MatchText is a match with addresses and flags as people write them.
func MatchText(m ir.Match) string { return matchText(m) }
