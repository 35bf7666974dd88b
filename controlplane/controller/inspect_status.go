package controller

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// Status is how the chassis stands, for people and monitoring.
type Status struct {
	Chassis    string `json:"chassis"`
	Hostname   string `json:"hostname"`
	Registered bool   `json:"registered"`
	Paused     bool   `json:"paused"`
	// Refused says why the chassis does not register; "" when it does.
	Refused string `json:"refused,omitempty"`

	Southbound Database `json:"southbound"`
	Local      Database `json:"local"`
	// Northd is the version of the ovn-northd whose logical flows these are.
	Northd string `json:"northd"`

	// Complete: all rows that this chassis needs have arrived once, so that what is
	// superfluous may be removed.
	Complete bool `json:"complete"`
	// Revision of the rules sent last, and the one that the switch has.
	Revision     backend.Revision `json:"revision"`
	Acknowledged backend.Revision `json:"acknowledged"`
	NbCfg        int64            `json:"nb_cfg"`      // asked for
	NbCfgDone    int64            `json:"nb_cfg_done"` // in the switch; -1 for none yet

	LogicalFlows   int `json:"logical_flows"`
	Rules          int `json:"rules"`
	LocalDatapaths int `json:"local_datapaths"`
	LocalPorts     int `json:"local_ports"` // bound to this chassis
	Zones          int `json:"ct_zones"`
	Recomputes     int `json:"recomputes"` // full computations of nodes
	// Engine is what each node of the engine has done.
	Engine []NodeStatus `json:"engine"`

	Degraded []Degradation `json:"degraded"`
	// RefusedRows are parts of rows that are not in force.
	RefusedRows []RefusedRow `json:"refused_rows"`

	Conflicts []Conflict `json:"claim_conflicts"`
	Unmapped  []Unmapped `json:"unmapped_networks"`
	// Problems are settings that were refused.
	Problems []string `json:"problems"`
}

// NodeStatus is what a node of the engine has done since the start, or since
// inc-engine/clear-stats.
type NodeStatus struct {
	Node       string         `json:"node"`
	Recomputes map[string]int `json:"recomputes"` // by cause
	Computes   int            `json:"computes"`   // changes that were handled incrementally
	Seconds    float64        `json:"seconds"`    // spent in it
}

// Database is a connection to one.
type Database struct {
	Remote    string    `json:"remote"`
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since"`
	Schema    string    `json:"schema"`
	// Missing names tables and columns that the server lacks.
	Missing []string `json:"missing,omitempty"`
	// Error says why there is no connection; Refusal, why the last transaction failed.
	Error   string `json:"error,omitempty"`
	Refusal string `json:"refusal,omitempty"`
	// DroppedRows counts updates of rows that could not be read, OutOfStep those that did
	// not fit the tables here, so that everything was or will be read again.
	DroppedRows uint64 `json:"dropped_rows,omitempty"`
	OutOfStep   uint64 `json:"out_of_step,omitempty"`
}

// Degradation is a reason for which logical flows are not, or not wholly, in force.
type Degradation struct {
	Reason string `json:"reason"`
	Flows  int    `json:"flows"`
	// Example is one of the flows.
	Example string `json:"example"`
}

// RefusedRow is something of a Southbound row that is not in force: its table, and a
// text that names the row and the cause.
type RefusedRow struct {
	Table string `json:"table"`
	Text  string `json:"text"`
}

// Conflict is a port that another chassis insists on.
type Conflict struct {
	Port string `json:"port"`
	Text string `json:"text"`
}

// Unmapped is a physical network that a port asks for and that ovn-bridge-mappings
// does not lead to a bridge.
type Unmapped struct {
	Network string `json:"network"`
	Port    string `json:"port"`
}

// Status is how the chassis stands.
func (c *Controller) Status() Status {
	cfg := c.w.Config
	s := Status{Chassis: cfg.Chassis, Hostname: cfg.Hostname, Registered: c.w.Self() != nil, Paused: c.paused,
		Refused: c.chassis.Refused(), Southbound: database(cfg.Remote, c.cfg.SB.State(), c.sbErr),
		Local: database("", c.cfg.VSW.State(), c.vswErr), Northd: c.release,
		Complete: c.complete, Revision: c.rev, Acknowledged: c.acked, NbCfg: c.acks.newest.n, NbCfgDone: c.acks.done.n,
		LogicalFlows: c.w.SB.LogicalFlow.Len(), Rules: c.set.Len(), LocalDatapaths: len(c.local.All()), Zones: len(c.zones.All()),
		Degraded: c.degradations(), Conflicts: []Conflict{}, Unmapped: []Unmapped{}, Problems: []string{}}
	for _, p := range cfg.Problems {
		s.Problems = append(s.Problems, p.Text)
	}
	if s.Refused == "" {
		s.Problems = append(s.Problems, c.chassis.Taken()...)
	}
	c.ports.Each(func(_ ovsdb.UUID, p binding.Port) {
		if p.Bound {
			s.LocalPorts++
		}
	})
	for _, n := range c.engine.Nodes() {
		s.Recomputes += n.Stats.Recomputes
		s.Engine = append(s.Engine, NodeStatus{n.Name, maps.Clone(n.Stats.Causes), n.Stats.Computes, n.Stats.Time.Seconds()})
	}
	s.RefusedRows = []RefusedRow{}
	for _, r := range c.w.Refusals() {
		s.RefusedRows = append(s.RefusedRows, RefusedRow(r))
	}
	conflicts := c.ports.Claims().Conflicts
	for _, port := range sortedKeys(conflicts) {
		s.Conflicts = append(s.Conflicts, Conflict{port, conflicts[port]})
	}
	for _, network := range sortedKeys(c.bridge.Unmapped) {
		s.Unmapped = append(s.Unmapped, Unmapped{network, c.bridge.Unmapped[network]})
	}
	return s
}

func database(remote string, st idl.State, refusal string) Database {
	d := Database{Remote: cmp.Or(st.Remote, remote), Connected: st.Connected, Since: st.Since, Schema: st.Schema,
		Missing: st.Missing, Refusal: refusal, DroppedRows: st.Counters.RowsDropped, OutOfStep: st.Counters.OutOfStep}
	if st.Err != nil {
		d.Error = st.Err.Error()
	}
	return d
}

// degradations are the reasons, the most frequent first.
func (c *Controller) degradations() []Degradation {
	by := map[string]*Degradation{}
	for id, d := range c.logical.Degraded() {
		x := by[d.Reason]
		if x == nil {
			x = &Degradation{Reason: d.Reason, Example: id.String()}
			by[d.Reason] = x
		}
		x.Flows++
		x.Example = min(x.Example, id.String()) // the same one each time
	}
	out := make([]Degradation, 0, len(by))
	for _, reason := range sortedKeys(by) {
		out = append(out, *by[reason])
	}
	slices.SortStableFunc(out, func(a, b Degradation) int { return cmp.Compare(b.Flows, a.Flows) })
	return out
}
