package trace

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/lflow"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// flow is a logical flow. It is the same one in all datapaths of a group, parsed
// once, when a packet first comes to its table.
type flow struct {
	row     *sb.LogicalFlow
	at      action.Position
	match   expr.Expr
	actions *action.Actions
	parsed  bool
	bad     bool // cannot be parsed; it never matches
}

func (n *Network) loadFlows(db *sb.DB) {
	for r := range db.LogicalFlow.All() {
		f := &flow{row: r, at: action.Position{Ingress: r.Pipeline == "ingress", Table: int(r.TableID)}}
		ids := []ovsdb.UUID{r.LogicalDatapath}
		if g := db.LogicalDPGroup.Get(r.LogicalDPGroup); g != nil {
			ids = append(ids, g.Datapaths...)
		}
		placed := false
		for _, id := range ids {
			if d := n.byUUID[id]; d != nil {
				k := tableKey{f.at.Ingress, f.at.Table}
				d.tables[k] = append(d.tables[k], f)
				placed = true
			}
		}
		if !placed {
			n.warn("logical flow %s is in no datapath", r.UUID)
		}
	}
	for _, d := range n.datapaths {
		for _, flows := range d.tables {
			slices.SortFunc(flows, func(a, b *flow) int {
				if c := cmp.Compare(b.row.Priority, a.row.Priority); c != 0 {
					return c
				}
				return a.row.UUID.Compare(b.row.UUID)
			})
		}
	}
}

// parse makes match and actions; the error says why there are none.
func (n *Network) parse(f *flow) error {
	f.parsed, f.bad = true, true
	text, actions := f.row.Match, f.row.Actions
	for _, s := range []*string{&text, &actions} {
		expanded, _, err := expr.ExpandTemplates(*s, func(string) (string, bool) { return "", false })
		if err != nil {
			return fmt.Errorf("logical flow %s: %q: %w: values of template variables differ by chassis", f.row.UUID, *s, err)
		}
		*s = expanded
	}
	symbols := n.symbols
	if f.row.Tags[lflow.TagACLConntrack] == "true" {
		symbols = n.aclSymbols
	}
	var err error
	if f.match, err = symbols.Parse(text); err != nil {
		return fmt.Errorf("logical flow %s: match %q: %w", f.row.UUID, text, err)
	}
	if f.actions, err = n.actions.Parse(actions); err != nil {
		return fmt.Errorf("logical flow %s: actions %q: %w", f.row.UUID, actions, err)
	}
	f.bad = false
	return nil
}

// lookup finds the logical flow of a table that p matches, nil for none, and those that
// could as well have been used: of the same priority, with the same actions.
func (t *tracer) lookup(d *datapath, p *ir.Packet, k tableKey) (f *flow, equals []*flow) {
	flows := d.tables[k]
	i := slices.IndexFunc(flows, func(f *flow) bool { return t.matches(d, f, p) })
	if i < 0 {
		return nil, nil
	}
	f = flows[i]
	for _, other := range flows[i+1:] {
		if other.row.Priority != f.row.Priority {
			break
		}
		switch {
		case !t.matches(d, other, p):
		case other.row.Actions == f.row.Actions:
			equals = append(equals, other)
		default:
			t.warn("logical flows %s and %s of %s both match with priority %d: which one is used is not defined, the first is taken",
				f.row.UUID, other.row.UUID, d.name, f.row.Priority)
		}
	}
	return f, equals
}

// matches tells whether p, on d, meets the match of f and what its actions presuppose.
func (t *tracer) matches(d *datapath, f *flow, p *ir.Packet) bool {
	if !f.parsed {
		if err := t.parse(f); err != nil {
			t.warn("%v", err)
		}
	}
	if f.bad {
		return false
	}
	env := env{t.Network, d}
	ok, err := expr.Eval(f.match, env, p)
	if pre := f.actions.Prereq(); ok && err == nil && pre != nil {
		ok, err = expr.Eval(pre, env, p)
	}
	if unknown := (*expr.UnknownSetError)(nil); err != nil && !errors.As(err, &unknown) {
		t.warn("logical flow %s: match %q: %v", f.row.UUID, f.row.Match, err)
	}
	return ok && err == nil
}

// trivial tells whether f only passes every packet on to the next table.
func (f *flow) trivial() bool {
	return f.match == expr.Expr(expr.Bool(true)) && f.actions.Prereq() == nil && f.actions.Format(f.at) == "next;"
}

// text is the canonical text of the actions of f. Where the default of an argument
// that older releases do not know was left out, it stays out: people and scripts
// look for what the database has.
func (f *flow) text() string {
	text := f.actions.Format(f.at)
	for _, name := range []string{"ct_next", "ct_commit_nat"} {
		if !strings.Contains(f.row.Actions, name+"(") {
			text = strings.ReplaceAll(text, name+"(dnat);", name+";")
		}
	}
	return text
}

// describe is f as traces show it.
func (t *tracer) describe(f *flow, equals []*flow) *Match {
	m := &Match{
		Pipeline: f.row.Pipeline, Table: f.at.Table,
		Stage: f.row.ExternalIDs["stage-name"], Source: f.row.ExternalIDs["source"],
		Match: t.friendly(f.row.Match), Priority: int(f.row.Priority), UUID: f.row.UUID.String(),
	}
	for _, other := range equals {
		m.Equals = append(m.Equals, other.row.UUID.String())
	}
	return m
}

// env is a datapath as expressions see it.
type env struct {
	*Network
	dp *datapath
}

func (e env) AddressSet(name string) (*expr.Set, bool) { s, ok := e.sets[name]; return s, ok }

// PortGroup prefers the part of the group that is on the datapath, as ovn-northd makes it.
func (e env) PortGroup(name string) ([]string, bool) {
	if g, ok := e.groups[fmt.Sprintf("%d_%s", e.dp.key, name)]; ok {
		return g, true
	}
	g, ok := e.groups[name]
	return g, ok
}

func (e env) Resident(port string) bool { return port == "" || e.ports[port] != nil }

func (e env) Port(name string) (uint32, bool) {
	if name == "" || name == "none" {
		return 0, true
	}
	if p := e.findPort(name); p != nil {
		return p.key, p.dp == e.dp
	}
	if g := e.dp.groupNamed(name); g != nil {
		return g.key, true
	}
	return 0, false
}
