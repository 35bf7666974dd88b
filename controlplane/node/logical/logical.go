// Package logical makes the rules of the logical flows: it finds out which rows of
// Logical_Flow matter to this chassis, has controlplane/lflow compile them on
// each local datapath, and compiles again exactly those that a change concerns.
package logical

import (
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/lflow"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/node/encap"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Inputs are the data that the rules are made from.
type Inputs struct {
	World   *node.World
	Ports   *binding.Ports
	Local   *datapath.Local
	Ifaces  *iface.Table
	Tunnels *encap.Tunnels
	// Unsupported tells whether the slow path lacks an opcode, and why.
	Unsupported func(ir.Opcode) (reason string, unsupported bool)
	// Early is called now and then while many flows are compiled: the set has
	// rules that the targets could begin with.
	Early func()
}

// Logical is the node.
type Logical struct {
	Inputs
	set      *rules.Set
	compiler *lflow.Compiler

	dirty      map[ovsdb.UUID]bool
	flows      map[ovsdb.UUID][]dep               // what each compiled flow depends on
	users      map[dep]*users                     // flows that depend on it
	watched    map[dep]bool                       // those of users that are depWatch
	groups     map[ovsdb.UUID]map[ovsdb.UUID]bool // datapath -> Logical_DP_Group rows
	views      map[ovsdb.UUID]*lflow.View
	sets       *sets
	asked      [numFeatures]bool // as OnAsked has seen it last
	newRegs    bool              // ovn-northd uses the new registers of load-balancer affinity
	members    members
	degraded   map[ovsdb.UUID]lflow.Degraded
	reported   map[string]bool // reasons that were logged
	zero       bool            // zeroSNAT at the last Recompute
	considered uint64          // flows compiled since the start
}

// New makes the node; its rules go into set.
func New(in Inputs, set *rules.Set) *Logical {
	return &Logical{Inputs: in, set: set, dirty: map[ovsdb.UUID]bool{}, flows: map[ovsdb.UUID][]dep{},
		users: map[dep]*users{}, watched: map[dep]bool{}, groups: map[ovsdb.UUID]map[ovsdb.UUID]bool{}, views: map[ovsdb.UUID]*lflow.View{},
		sets: newSets(in.World), members: members{}, degraded: map[ovsdb.UUID]lflow.Degraded{}, reported: map[string]bool{}}
}

// Degraded are the logical flows that are not, or not wholly, in force.
func (l *Logical) Degraded() map[ovsdb.UUID]lflow.Degraded { return l.degraded }

// Compiler is the compiler in use, nil before the first run.
func (l *Logical) Compiler() *lflow.Compiler { return l.compiler }

// OnFlows follows changes of Logical_Flow and Logical_DP_Group.
func (l *Logical) OnFlows() {
	for _, c := range l.World.SBChanges.LogicalDPGroup {
		l.fileGroup(c.Old, c.New)
		for _, f := range l.World.SB.LogicalFlowByDPGroup.Get(c.ID) {
			l.dirty[f.UUID] = true
		}
	}
	for _, c := range l.World.SBChanges.LogicalFlow {
		l.dirty[c.ID] = true
	}
}

func (l *Logical) fileGroup(old, row *sb.LogicalDPGroup) {
	if old != nil {
		for _, dp := range old.Datapaths {
			if delete(l.groups[dp], old.UUID); len(l.groups[dp]) == 0 {
				delete(l.groups, dp)
			}
		}
	}
	if row != nil {
		for _, dp := range row.Datapaths {
			if l.groups[dp] == nil {
				l.groups[dp] = map[ovsdb.UUID]bool{}
			}
			l.groups[dp][row.UUID] = true
		}
	}
}

// OnDatapaths follows changes of the local datapaths.
func (l *Logical) OnDatapaths() {
	for dp := range l.Local.Added {
		l.markDatapath(dp)
	}
	for dp := range l.Local.Removed {
		l.markDatapath(dp)
	}
}

// OnDatapathRows follows changes of Datapath_Binding rows.
func (l *Logical) OnDatapathRows() {
	for _, c := range l.World.SBChanges.DatapathBinding {
		if c.Old != nil {
			l.markDatapath(c.ID)
		}
	}
}

func (l *Logical) markDatapath(dp ovsdb.UUID) {
	delete(l.views, dp)
	for _, f := range l.World.SB.LogicalFlowByDatapath.Get(dp) {
		l.dirty[f.UUID] = true
	}
	for g := range l.groups[dp] {
		for _, f := range l.World.SB.LogicalFlowByDPGroup.Get(g) {
			l.dirty[f.UUID] = true
		}
	}
}

// Stale tells whether something changed that every logical flow depends on: the
// cause, "" for no.
func (l *Logical) Stale() string {
	ch := l.World.SBChanges
	switch {
	case l.compiler == nil:
		return "first run"
	case len(ch.DHCPOptions)+len(ch.DHCPv6Options) > 0:
		return "DHCP_Options rows changed"
	case l.zero != l.zeroSNAT():
		return "capability ct_zero_snat of the datapath changed"
	}
	if len(ch.SBGlobal) > 0 && l.World.NewRegisters() != l.newRegs {
		return "ovn-northd uses other registers for load balancers"
	}
	return ""
}

// Recompute marks every flow and makes a new compiler.
func (l *Logical) Recompute() error {
	table := func(name, typ string, code int64) action.Option {
		return action.Option{Name: name, Type: typ, Code: uint16(code)}
	}
	v4, v6 := action.OptionTable{}, action.OptionTable{}
	for o := range l.World.SB.DHCPOptions.All() {
		v4[o.Name] = table(o.Name, o.Type, o.Code)
	}
	for o := range l.World.SB.DHCPv6Options.All() {
		v6[o.Name] = table(o.Name, o.Type, o.Code)
	}
	c, err := lflow.NewCompiler(v4, v6)
	if err != nil {
		return err
	}
	l.compiler, l.zero, l.newRegs = c, l.zeroSNAT(), l.World.NewRegisters()
	l.askAll()
	l.sets.forgetAll()
	clear(l.views)
	clear(l.groups)
	for g := range l.World.SB.LogicalDPGroup.All() {
		l.fileGroup(nil, g)
	}
	clear(l.members)
	for pg := range l.World.SB.PortGroup.All() {
		l.members.file(nil, pg)
	}
	for id := range l.flows {
		l.dirty[id] = true
	}
	l.set.Keys(func(k rules.Key) {
		if k.Owner.Kind == ir.OwnerLogicalFlow {
			l.dirty[k.Owner.UUID] = true
		}
	})
	for f := range l.World.SB.LogicalFlow.All() {
		l.dirty[f.UUID] = true
	}
	return nil
}

func sbPortGroup(dp uint32, name string) string {
	return strconv.FormatUint(uint64(dp), 10) + "_" + name
}
