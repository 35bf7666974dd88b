// Package lflow compiles logical flows: one row of the Southbound Logical_Flow
// table on one logical datapath becomes ir rules. It puts controlplane/expr and
// controlplane/action together, remembers what it need not do twice, and may be
// used by all cores at once.
package lflow

import (
	"errors"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Flow is a logical flow, as its row has it.
type Flow struct {
	UUID           [16]byte
	Ingress        bool
	Table          int
	Priority       int
	Match, Actions string
	Meter          string // that limits what the actions punt; "" for none
	// ACLConntrack has tcp, udp, sctp and their ports in Match read from the connection
	// (expr.NewACLConntrackSymtab): the row's tags have TagACLConntrack=true.
	ACLConntrack bool
}

// TagACLConntrack is the key in Logical_Flow.tags by which ovn-northd (25.09 and later,
// NB_Global options:acl_ct_translation) asks for Flow.ACLConntrack.
const TagACLConntrack = "acl_ct_translation"

// View is a logical datapath as the flows on it see it.
type View struct {
	Key uint32 // tunnel key
	// Env answers what matches ask.
	Env expr.Env
	// Action answers what actions ask; the fields about the flow itself are
	// filled in by Compile.
	Action action.Env
	// Template gives the value of a template variable.
	Template func(name string) (string, bool)
}

// Deps are all questions that a compilation asked. The result stays right as long
// as the answers stay the same.
type Deps struct {
	AddressSets, PortGroups, Residents, Ports, Templates, Meters, Watch []string
	Collectors                                                          []uint32
}

// Degraded says why a logical flow is not, or not wholly, in force.
type Degraded struct {
	Flow   Flow
	Reason string
}

// Compiler compiles logical flows. It is safe for concurrent use.
type Compiler struct {
	symbols    *expr.Symtab
	aclSymbols *expr.Symtab // for flows with ACLConntrack
	parser     *action.Parser
	memo       *memo
}

// NewCompiler makes a compiler. The option tables are those of the Southbound
// database; make a new compiler when they change.
func NewCompiler(dhcpv4, dhcpv6 action.OptionTable) (*Compiler, error) {
	symbols := expr.NewSymtab()
	p, err := action.NewParser(symbols, dhcpv4, dhcpv6)
	if err != nil {
		return nil, err
	}
	return &Compiler{symbols: symbols, aclSymbols: expr.NewACLConntrackSymtab(), parser: p, memo: newMemo()}, nil
}

// Compile makes the rules of f on the datapath v. Deps are valid also with an
// error, which names the flow's text where it is wrong.
func (c *Compiler) Compile(f *Flow, v *View) (rules []ir.Rule, deps Deps, err error) {
	match, actions := f.Match, f.Actions
	if v.Template != nil {
		var refs []string
		if match, refs, err = expr.ExpandTemplates(f.Match, v.Template); err == nil {
			deps.Templates = refs
			actions, refs, err = expr.ExpandTemplates(f.Actions, v.Template)
		}
		for _, r := range refs {
			if !slices.Contains(deps.Templates, r) {
				deps.Templates = append(deps.Templates, r)
			}
		}
		if err != nil {
			return nil, deps, err
		}
	}
	prog, prereq, err := c.program(f, v, actions, &deps)
	if err != nil {
		return nil, deps, err
	}
	conjs, err := c.match(matchKey{match, f.ACLConntrack}, prereq, v, &deps)
	if err != nil {
		return nil, deps, err
	}
	stage := ir.Egress(f.Table)
	if f.Ingress {
		stage = ir.Ingress(f.Table)
	}
	owner := ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: f.UUID}
	rules = make([]ir.Rule, 0, len(conjs))
	for _, k := range conjs {
		var p *ir.Product
		if len(k.Dims) > 0 {
			p = ir.NewProduct(k.Dims)
		}
		rules = append(rules, ir.NewRule(stage, uint16(f.Priority), v.Key, k.Base, p, prog, owner))
	}
	return rules, deps, nil
}

// ErrStage says that a logical flow stands in a table that no pipeline has.
var ErrStage = errors.New("table_id or priority is out of range")

func (c *Compiler) program(f *Flow, v *View, text string, deps *Deps) (*ir.Program, expr.Expr, error) {
	if f.Table < 0 || f.Table >= ir.MaxLogical || f.Priority < 0 || f.Priority > 0xffff {
		return nil, nil, ErrStage
	}
	key := programKey{text: text, meter: f.Meter, ingress: f.Ingress, sw: v.Action.Switch,
		common: v.Action.SNATZoneCommon, zero: v.Action.ZeroSNAT, table: uint8(f.Table), affinity: v.Action.Affinity}
	if p, ok := c.memo.program(key); ok {
		deps.Meters = append(deps.Meters, p.meters...)
		return p.prog, p.prereq, nil
	}
	acts, err := c.parser.Parse(text)
	if err != nil {
		return nil, nil, err
	}
	env := v.Action
	env.Ingress, env.Table = f.Ingress, f.Table
	env.DatapathKey, env.Meter = v.Key, f.Meter
	env.Cookie = ir.Owner{UUID: f.UUID}.Cookie()
	ops, d, err := acts.Lower(&env)
	deps.Ports = append(deps.Ports, d.Ports...)
	deps.Residents = append(deps.Residents, d.Resident...)
	deps.Watch = append(deps.Watch, d.Watch...)
	deps.Collectors = append(deps.Collectors, d.Collectors...)
	deps.Meters = append(deps.Meters, d.Meters...)
	if err != nil {
		return nil, nil, err
	}
	prog := ir.NewProgram(ops...)
	if len(d.Ports)+len(d.Resident)+len(d.Watch)+len(d.Collectors) == 0 && !samples(ops) {
		c.memo.setProgram(key, programMemo{prog, acts.Prereq(), d.Meters})
	}
	return prog, acts.Prereq(), nil
}

// samples tells whether operations contain the identity of their flow.
func samples(ops []ir.Op) bool {
	for _, op := range ops {
		switch op := op.(type) {
		case ir.Sample:
			return true
		case ir.Clone:
			if samples(op.Ops) {
				return true
			}
		}
	}
	return false
}

func (c *Compiler) match(key matchKey, prereq expr.Expr, v *View, deps *Deps) ([]expr.Conj, error) {
	if prereq == nil {
		if m, ok := c.memo.match(key); ok {
			return m, nil
		}
	}
	symbols := c.symbols
	if key.aclConntrack {
		symbols = c.aclSymbols
	}
	e, err := symbols.Parse(key.text)
	if err != nil {
		return nil, err
	}
	conjs, d, err := expr.Compile(expr.Conjunction(e, prereq), v.Env)
	deps.AddressSets = append(deps.AddressSets, d.AddressSets...)
	deps.PortGroups = append(deps.PortGroups, d.PortGroups...)
	deps.Residents = append(deps.Residents, d.Residents...)
	deps.Ports = append(deps.Ports, d.Ports...)
	if err != nil {
		return nil, err
	}
	if prereq == nil && len(d.AddressSets)+len(d.PortGroups)+len(d.Residents)+len(d.Ports) == 0 {
		c.memo.setMatch(key, conjs)
	}
	return conjs, nil
}
