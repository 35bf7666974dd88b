package trace

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Options say what the database does not.
type Options struct {
	// CT are the states, bits of ct_state, that one trip through connection
	// tracking after the other finds; then it is established.
	CT []uint64
	// LBDst is the backend that the first load balancer which has it chooses; its
	// port is 0 for any. The zero AddrPort leaves the choice to a hash.
	LBDst netip.AddrPort
	// SelectID is the value that select actions choose where they can; 0: by hash.
	SelectID uint16
	// UUIDNames shows names as the database has them rather than those that people gave.
	UUIDNames bool
	// Installed shows what targets have of the logical flows, target by target.
	Installed []Installed
}

// Installed is what a target has.
type Installed struct {
	// Lines are what it has of a logical flow, a line for each of its rules with its counters.
	Lines func(row ovsdb.UUID) ([]string, error)
	None  string // the line for nothing
	Error string // what could not be had: of the line for an error
}

// maxTables bounds the tables that one packet and its copies visit, maxDepth how
// deep these are called from each other: enough for a multicast packet through
// hundreds of ports, and for a dozen routers, not for one that goes in circles.
const (
	maxTables = 20_000
	maxDepth  = 1000
)

// Trace runs the packet that the microflow describes from its inport on. With an
// empty datapath the inport says which it is.
func (n *Network) Trace(datapath, microflow string, o Options) (*Result, error) {
	d, p, err := n.microflow(datapath, microflow)
	if err != nil {
		return nil, err
	}
	t := &tracer{Network: n, Options: o, result: &Result{Microflow: flowText(p)}}
	t.result.Warnings = append(t.result.Warnings, n.warnings...)
	inport := d.portName(uint32(p.Get(ir.Inport).Lo), !o.UUIDNames)
	t.result.Root = &Node{Kind: Pipeline, Text: fmt.Sprintf("ingress(dp=\"%s\", inport=\"%s\")", t.dpName(d), inport)}
	t.visit(d, p, tableKey{true, 0}, t.result.Root)
	return t.result, nil
}

type tracer struct {
	*Network
	Options
	result *Result
	tables int // visited
	depth  int
	lbUsed bool
}

func (t *tracer) warn(format string, args ...any) {
	t.result.Warnings = append(t.result.Warnings, fmt.Sprintf(format, args...))
}

func (t *tracer) dpName(d *datapath) string { return d.shown(!t.UUIDNames) }

func (t *tracer) portName(d *datapath, p *ir.Packet, f ir.Field) string {
	return d.portName(uint32(p.Get(f).Lo), !t.UUIDNames)
}

// visit runs p through a table and what it calls.
func (t *tracer) visit(d *datapath, p *ir.Packet, k tableKey, parent *Node) {
	t.depth++
	defer func() { t.depth-- }()
	var f *flow
	var equals []*flow
	for {
		if t.tables++; t.tables > maxTables || t.depth > maxDepth {
			if t.tables <= maxTables+1 {
				parent.add(Error, "*** more than %d tables, or %d within each other: the packet goes in circles", maxTables, maxDepth)
			}
			t.tables = maxTables + 1 // its copies need not try
			return
		}
		if f, equals = t.lookup(d, p, k); f == nil || !f.trivial() {
			break
		}
		k.table++
	}
	if f == nil {
		stage := ""
		if flows := d.tables[k]; len(flows) > 0 {
			if stage = flows[0].row.ExternalIDs["stage-name"]; stage != "" {
				stage += ": "
			}
		}
		parent.add(Table, "%2d. %sno match (implicit drop)", k.table, stage)
		return
	}
	m := t.describe(f, equals)
	node := parent.add(Table, "%2d. %s%s, priority %d, uuid %s", k.table, m.origin(), m.Match, m.Priority, m.UUID[:8])
	node.Flow = m
	t.showInstalled(f, node)
	t.run(t.statements(f.text()), &frame{dp: d, p: p, at: f.at}, node)
}

// showInstalled shows what targets have of f.
func (t *tracer) showInstalled(f *flow, node *Node) {
	for _, target := range t.Installed {
		lines, err := target.Lines(f.row.UUID)
		switch {
		case err != nil:
			node.add(Error, "*** error obtaining %s (%v)", target.Error, err)
		case len(lines) == 0:
			node.add(Error, "*** %s", target.None)
		}
		for _, line := range lines {
			node.add(Action, "%s", line)
		}
	}
}

// origin is where a logical flow comes from, as the detailed form has it.
func (m *Match) origin() string {
	switch {
	case m.Stage != "" && m.Source != "":
		return fmt.Sprintf("%s (%s): ", m.Stage, m.Source)
	case m.Stage != "":
		return m.Stage + ": "
	case m.Source != "":
		return "(" + m.Source + "): "
	}
	return ""
}

// frame is where a list of actions runs.
type frame struct {
	dp    *datapath
	p     *ir.Packet
	at    action.Position
	stack []ir.Value
}

// on is the same place with another packet.
func (f *frame) on(p *ir.Packet) *frame { return &frame{dp: f.dp, p: p, at: f.at} }

// next is the table behind the logical flow's.
func (f *frame) next() tableKey { return tableKey{f.at.Ingress, f.at.Table + 1} }

func (t *tracer) run(list []statement, f *frame, node *Node) {
	if len(list) == 0 {
		node.add(Action, "drop;")
		return
	}
	for _, s := range list {
		node.add(Action, "%s", t.friendly(s.text))
		switch s.form {
		case load:
			t.load(s, f, node)
		case move:
			t.copy(s.dst, s.src, f.p, node)
		case exchange:
			t.exchange(s, f.p, node)
		case answer:
			t.answer(s, f, node)
		default:
			t.call(s, f, node)
		}
	}
}
