package logical

import (
	"sync"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/lflow"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// env answers the questions of logical flows on one datapath. It only reads, so
// all cores may use it while the engine goroutine waits for them.
type env struct {
	l   *Logical
	dp  ovsdb.UUID
	key uint32
}

// AddressSet implements expr.Env.
func (e *env) AddressSet(name string) (*expr.Set, bool) { return e.l.sets.get(name) }

// PortGroup implements expr.Env. Only the members that matter to this chassis are
// given: traffic of the others passes these tests elsewhere.
func (e *env) PortGroup(name string) ([]string, bool) {
	pg := e.l.World.SB.PortGroupByName.One(sbPortGroup(e.key, name))
	if pg == nil {
		return nil, false
	}
	ports := make([]string, 0, 8)
	for _, port := range pg.Ports {
		if e.l.related(port) {
			ports = append(ports, port)
		}
	}
	return ports, true
}

// related tells whether logical flows about a port matter to this chassis.
func (l *Logical) related(port string) bool {
	pb := l.World.SB.PortBindingByLogicalPort.One(port)
	return pb != nil && l.Ports.Get(pb.UUID).Related
}

// Resident implements expr.Env.
func (e *env) Resident(port string) bool { return e.l.Ports.Resident(port) }

// Port implements expr.Env. "none" is the key of no port: ovn-northd tests for it
// where a lookup found nothing.
func (e *env) Port(name string) (uint32, bool) {
	if name == "none" {
		return 0, true
	}
	if pb := e.l.World.SB.PortBindingByLogicalPort.One(name); pb != nil && pb.Datapath == e.dp {
		return uint32(pb.TunnelKey), true
	}
	for _, mc := range e.l.World.SB.MulticastGroupByDatapath.Get(e.dp) {
		if mc.Name == name {
			return uint32(mc.TunnelKey), true
		}
	}
	return 0, false
}

// watchPort is the port of the integration bridge behind a logical port: its own,
// or the tunnel to its chassis.
func (e *env) watchPort(name string) (uint32, bool) {
	pb := e.l.World.SB.PortBindingByLogicalPort.One(name)
	if pb == nil {
		return 0, false
	}
	if n := e.l.Ports.Get(pb.UUID).Ofport; n != 0 {
		return n, true
	}
	t, ok := e.l.Tunnels.Find(e.l.World.ChassisName(pb.Chassis), e.l.World.SB.Encap.Get(pb.Encap), "")
	return t.Ofport, ok
}

func (e *env) collector(id uint32) bool {
	for row := range e.l.World.VSW.FlowSampleCollectorSet.All() {
		if row.ID == int64(id) {
			return true
		}
	}
	return false
}

func (l *Logical) template(name string) (string, bool) {
	for row := range l.World.SB.ChassisTemplateVar.All() {
		if row.Chassis == l.World.Config.Chassis {
			v, ok := row.Variables[name]
			return v, ok
		}
	}
	return "", false
}

// zeroSNAT tells whether the integration bridge's datapath can SNAT to the all-zero
// address (Datapath.capabilities, ovs-vswitchd.conf.db(5)).
func (l *Logical) zeroSNAT() bool {
	dp := l.World.Datapath()
	return dp != nil && dp.Capabilities["ct_zero_snat"] == "true"
}

// view is a datapath as its logical flows see it; nil when it is not local.
func (l *Logical) view(dp ovsdb.UUID) *lflow.View {
	key, local := l.Local.Key(dp)
	if !local {
		return nil
	}
	if v := l.views[dp]; v != nil && v.Key == key {
		return v
	}
	row := l.World.SB.DatapathBinding.Get(dp)
	if row == nil {
		return nil
	}
	e := &env{l, dp, key}
	v := &lflow.View{Key: key, Env: e, Template: l.template, Action: action.Env{
		Switch: datapath.IsSwitch(row), Port: e.Port, Resident: e.Resident, WatchPort: e.watchPort, Collector: e.collector,
		SNATZoneCommon: row.ExternalIDs["snat-ct-zone"] != "", ZeroSNAT: l.zero}}
	if l.newRegs {
		v.Action.Affinity = action.NewAffinityRegs()
	}
	l.views[dp] = v
	return v
}

// sets keeps address sets in parsed form.
type sets struct {
	w  *node.World
	mu sync.Mutex
	by map[string]*expr.Set // guarded by mu
}

func newSets(w *node.World) *sets { return &sets{w: w, by: map[string]*expr.Set{}} }

func (s *sets) get(name string) (*expr.Set, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set := s.by[name]; set != nil {
		return set, true
	}
	row := s.w.SB.AddressSetByName.One(name)
	if row == nil {
		return nil, false
	}
	set, bad := expr.ParseSet(row.Addresses)
	for i, b := range bad {
		bad[i] = "address set " + name + ": \"" + b + "\" is no address and is left out"
	}
	s.w.Refuse(node.RefusalKey{Table: "Address_Set", Row: row.UUID}, bad...)
	s.by[name] = set
	return set, true
}

func (s *sets) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, name)
}

func (s *sets) forgetAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.by)
}
