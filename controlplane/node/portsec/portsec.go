// Package portsec makes the rules of port security (Port_Binding.port_security,
// ovn-nb(5)): from which addresses the host behind a logical port may send, and to
// which it may receive. ovn-northd's flows ask them with check_in_port_sec and
// check_out_port_sec.
//
// The rules are those of ovn-controller of 2026. Two things differ from 23.03, and
// both are what the documentation of either says: a neighbor solicitation with
// another's Ethernet address inside is refused (23.03 lets all pass because of an
// error in its own check), and entries with the prefix "VRRPv3" are understood.
package portsec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Part is the part number of these rules in rules.Key.
const Part = 2

// PortSec is the node.
type PortSec struct {
	w       *node.World
	ports   *binding.Ports
	local   *datapath.Local
	set     *rules.Set
	symbols *expr.Symtab
	parsed  map[string]expr.Expr
	refused map[ovsdb.UUID]bool // ports with elements of port_security that are not understood
}

// New makes the node; its rules go into set.
func New(w *node.World, ports *binding.Ports, local *datapath.Local, set *rules.Set) *PortSec {
	return &PortSec{w: w, ports: ports, local: local, set: set, symbols: expr.NewSymtab(), parsed: map[string]expr.Expr{},
		refused: map[ovsdb.UUID]bool{}}
}

// OnRows follows changes of Port_Binding rows.
func (s *PortSec) OnRows() bool {
	changed := false
	for _, c := range s.w.SBChanges.PortBinding {
		if !same(c.Old, c.New) {
			changed = s.put(c.ID) || changed
		}
	}
	return changed
}

func same(a, b *sb.PortBinding) bool {
	return a != nil && b != nil && slices.Equal(a.PortSecurity, b.PortSecurity) &&
		a.TunnelKey == b.TunnelKey && a.Datapath == b.Datapath
}

// OnPorts follows changes of what ports are to this chassis.
func (s *PortSec) OnPorts() bool {
	changed := false
	for id := range s.ports.Changed {
		changed = s.put(id) || changed
	}
	return changed
}

// OnDatapaths follows changes of the local datapaths.
func (s *PortSec) OnDatapaths() bool {
	changed := false
	for _, dps := range []map[ovsdb.UUID]bool{s.local.Added, s.local.Removed} {
		for dp := range dps {
			for _, pb := range s.w.SB.PortBindingByDatapath.Get(dp) {
				changed = s.put(pb.UUID) || changed
			}
		}
	}
	return changed
}

// Recompute makes all rules anew.
func (s *PortSec) Recompute() bool {
	todo := map[ovsdb.UUID]bool{}
	s.set.Keys(func(k rules.Key) {
		if k.Part == Part && k.Owner.Kind == ir.OwnerPortBinding {
			todo[k.Owner.UUID] = true
		}
	})
	s.ports.Local(func(id ovsdb.UUID, _ binding.Port) { todo[id] = true })
	for id := range s.refused {
		todo[id] = true
	}
	changed := false
	for id := range todo {
		changed = s.put(id) || changed
	}
	return changed
}

// put brings the rules of one port up to date.
func (s *PortSec) put(id ovsdb.UUID) bool {
	owner := ir.Owner{Kind: ir.OwnerPortBinding, UUID: id}
	key := rules.Key{Owner: owner, Part: Part}
	pb := s.w.SB.PortBinding.Get(id)
	if pb == nil || len(pb.PortSecurity) == 0 || !secured(s.ports.Get(id)) {
		s.refuse(id, nil)
		return s.set.Put(key, nil)
	}
	dp, local := s.local.Key(pb.Datapath)
	if !local {
		s.refuse(id, nil)
		return s.set.Put(key, nil)
	}
	entries := s.entries(pb)
	if len(entries) == 0 { // nothing is in force, as in ovn-controller
		return s.set.Put(key, nil)
	}
	var out []ir.Rule
	for _, r := range rulesOf(entries) {
		out = append(out, s.compile(r, dp, uint64(pb.TunnelKey), owner)...)
	}
	return s.set.Put(key, out)
}

// secured tells whether a port is one that a host is behind, on this chassis now or soon.
func secured(p binding.Port) bool {
	switch p.Kind {
	case binding.VIF, binding.Container, binding.Virtual, binding.Localport:
		return p.Ofport != 0 || p.Place != binding.Nowhere
	}
	return false
}

// entries are the elements of port_security that can be understood; the others
// are named once.
func (s *PortSec) entries(pb *sb.PortBinding) []Entry {
	var entries []Entry
	var refused []string
	for _, text := range pb.PortSecurity {
		if strings.TrimSpace(text) == "" { // "lsp-set-port-security PORT ''": nothing is demanded
			continue
		}
		e, err := ParseEntry(text)
		if err != nil {
			refused = append(refused, "lport "+pb.LogicalPort+": "+err.Error()+"; it is left out")
			continue
		}
		entries = append(entries, e)
	}
	s.refuse(pb.UUID, refused)
	return entries
}

// refuse names the elements of a port that are not in force.
func (s *PortSec) refuse(id ovsdb.UUID, texts []string) {
	if len(texts) == 0 && !s.refused[id] {
		return // most ports
	}
	s.w.Refuse(node.RefusalKey{Table: "Port_Binding", Row: id, Part: "port_security"}, texts...)
	if len(texts) == 0 {
		delete(s.refused, id)
	} else {
		s.refused[id] = true
	}
}

// parse parses one of the texts of rules.go, which are few.
func (s *PortSec) parse(text string) (expr.Expr, error) {
	if e, ok := s.parsed[text]; ok {
		return e, nil
	}
	e, err := s.symbols.Parse(text)
	if err == nil {
		s.parsed[text] = e
	}
	return e, err
}

// compile makes a rule of the port with tunnel key port.
func (s *PortSec) compile(r rule, dp uint32, port uint64, owner ir.Owner) []ir.Rule {
	direction := ir.Inport
	if r.stage == ir.ChkOutPortSec {
		direction = ir.Outport
	}
	self := ir.MustMatch(ir.Exact(direction, port))
	e, err := s.parse(r.match)
	var conjs []expr.Conj
	if err == nil {
		conjs, _, err = expr.Compile(e, r.names)
	}
	if err != nil {
		s.w.Log.Error(fmt.Sprintf("port security rule %q cannot be compiled: %v", r.match, err))
		return nil
	}
	out := make([]ir.Rule, 0, len(conjs))
	for _, c := range conjs {
		m, ok := c.Base.And(self)
		if !ok {
			continue
		}
		var p *ir.Product
		if len(c.Dims) > 0 {
			p = ir.NewProduct(c.Dims)
		}
		out = append(out, ir.NewRule(r.stage, r.priority, dp, m, p, r.program, owner))
	}
	return out
}
