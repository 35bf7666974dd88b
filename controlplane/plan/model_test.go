package plan

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

// model is a target that does what it is told.
type model struct {
	tables   map[flatten.SegmentID]*offload.Table
	ports    map[uint32]offload.Port
	meters   map[string]backend.Meter
	revision backend.Revision
}

// apply does what it is told, and calls between after each table.
func (m *model) apply(t *rapid.T, d offload.Delta, between func()) {
	if d.Revision != m.revision+1 {
		t.Fatalf("revision %d follows %d", d.Revision, m.revision)
	}
	m.revision = d.Revision
	if d.Reset {
		m.tables, m.ports, m.meters = map[flatten.SegmentID]*offload.Table{}, map[uint32]offload.Port{}, map[string]backend.Meter{}
	}
	for _, table := range d.Put {
		m.tables[table.Segment] = &table
		between()
	}
	for _, id := range d.Del {
		if m.tables[id] == nil {
			t.Fatalf("%s is deleted and was not there", id)
		}
		delete(m.tables, id)
	}
	for _, n := range d.DelPorts {
		delete(m.ports, n)
	}
	for _, p := range d.Ports {
		m.ports[p.Ofport] = p
	}
	for _, n := range d.DelMeters {
		delete(m.meters, n)
	}
	for _, x := range d.Meters {
		m.meters[x.Name] = x
	}
}

// entries are how many the model has.
func (m *model) entries() (n int) {
	for _, t := range m.tables {
		n += len(t.Entries)
	}
	return n
}

// holds the model against what the planner says.
func (m *model) follows(t *rapid.T, p *Planner) {
	if !maps.Equal(m.ports, p.ports) || !maps.EqualFunc(m.meters, p.meters, func(a, b backend.Meter) bool { return a.Name == b.Name && a.PacketRate == b.PacketRate }) {
		t.Fatalf("the target knows ports %v and meters %v, there are %v and %v", m.ports, m.meters, p.ports, p.meters)
	}
	reached := map[flatten.SegmentID]bool{}
	for s := range p.Paths() {
		id := s.Segment.ID
		table := m.tables[id]
		in := table != nil && slices.ContainsFunc(table.Entries, func(e offload.Entry) bool { return e.Path.ID == s.Path.ID && !e.Trap })
		if in != (s.Reason == nil && s.Reached) {
			t.Fatalf("%s: %s: installed is %v, reason is %v, reached is %v", id, s.Path, in, s.Reason, s.Reached)
		}
		if in && s.Path.Jump != nil {
			if m.tables[s.Path.Jump.To] == nil {
				t.Fatalf("%s: %s jumps to where there is nothing", id, s.Path)
			}
		}
		reached[id] = s.Reached
	}
	for id, table := range m.tables {
		if !reached[id] {
			t.Fatalf("%s is installed and no packet gets there", id)
		}
		inFront(t, p.places[id], table)
	}
	if c := p.caps; c.Entries > 0 && m.entries() > c.Entries || c.Tables > 0 && len(m.tables) > c.Tables {
		t.Fatalf("%d entries in %d tables, there is room for %d in %d", m.entries(), len(m.tables), c.Entries, c.Tables)
	}
}

// inFront tells whether in front of each offloaded path there is a trap for all that
// comes before it in the segment, overlaps it and is not offloaded.
func inFront(t *rapid.T, s *place, table *offload.Table) {
	at := map[flatten.PathID]int{}
	for i, e := range table.Entries {
		at[e.Path.ID] = i
	}
	for i, path := range s.seg.Paths {
		here, ok := at[path.ID]
		if !ok || table.Entries[here].Trap {
			continue
		}
		for k, before := range s.seg.Paths[:i] {
			if _, common := before.Match.And(path.Match); !common {
				continue
			}
			if !slices.ContainsFunc(table.Entries[:here], func(e offload.Entry) bool {
				return (e.Path.ID == before.ID || e.Trap) && within(before.Match, e.Match)
			}) {
				t.Fatalf("%s: %s is offloaded, and there is nothing in front for %s (%v)", s.seg.ID, path, before, s.why[k])
			}
		}
	}
}

// allowed tells whether the capabilities have what the entries need, as far as that can
// be seen without knowing what the planner makes of them.
func (m *model) allowed(t *rapid.T, c *offload.Caps) {
	for id, table := range m.tables {
		if port, root := id.Ingress(); root && (m.ports[port].Device == "" || m.ports[port].Mode == offload.Off) {
			t.Fatalf("%s has a table", id)
		}
		for _, e := range table.Entries {
			for term := range e.Match.Terms() {
				if !c.Match[term.Field].Holds(term.Mask) {
					t.Fatalf("the match %s was placed", term)
				}
			}
			if e.Trap {
				continue
			}
			for _, bad := range forbidden(c, m.ports, e.Path) {
				t.Fatalf("%s was placed: %s", e.Path, bad)
			}
		}
	}
}

func forbidden(c *offload.Caps, ports map[uint32]offload.Port, p *flatten.Path) (bad []string) {
	need := func(ok bool, what string, args ...any) {
		if !ok {
			bad = append(bad, fmt.Sprintf(what, args...))
		}
	}
	outputs := 0
	ct := func(op ir.CT) {
		need(c.Conntrack.Shared.Can, "ct")
		need(!op.Commit || c.Conntrack.Commit.Can, "commit")
		need(op.NAT == nil || c.Conntrack.NAT.Can, "nat")
	}
	rewrite := func(r *flatten.Rewrite) {
		need(len(r.Copy) == 0 || c.Copy.Can, "copy")
		need(int(r.DecTTL) <= c.DecTTL.Max && int(r.PopVLAN) <= c.PopVLAN.Max && len(r.PushVLAN) <= c.Push.Max, "amount")
		for _, s := range r.Set {
			need(isTunnel(s.Dst.Field) || c.Set[s.Dst.Field].Holds(ir.Ones(int(s.Dst.N)).Shl(int(s.Dst.Ofs))), "set %s", s.Dst)
		}
	}
	for _, a := range p.Actions {
		need(a.Queue == 0 || c.Queue.Can, "queue")
		switch do := a.Do.(type) {
		case ir.ToPort:
			outputs++
			need(ports[do.Port].Device != "" && ports[do.Port].Mode != offload.Off, "port %d", do.Port)
			if ports[do.Port].Tunnel != nil { // made of constants
				a.Rewrite.Copy = slices.Clone(a.Rewrite.Copy)
				for _, x := range a.Rewrite.Copy {
					need(!(x.Dst.Field == ir.TunID && x.Dst.Ofs < vniBits), "copy to the key of a tunnel")
				}
			} else {
				a.Rewrite.Copy = slices.DeleteFunc(slices.Clone(a.Rewrite.Copy), func(x ir.Copy) bool { return isTunnel(x.Dst.Field) })
			}
		case ir.FirstUp:
			outputs++
			need(c.FirstUp.Can, "first up")
			a.Rewrite.Copy = slices.DeleteFunc(slices.Clone(a.Rewrite.Copy), func(x ir.Copy) bool { return isTunnel(x.Dst.Field) })
		case ir.Meter:
			need(c.Meter.Can, "meter")
		case ir.Sample:
			need(c.Sample.Can, "sample")
		case ir.CTClear:
			need(c.Conntrack.Clear.Can, "clear")
		case ir.CT:
			ct(do)
		}
		rewrite(&a.Rewrite)
	}
	need(outputs <= c.Outputs.Max, "%d outputs", outputs)
	if p.Jump != nil {
		need(c.Jump.Can, "jump")
		rewrite(&p.Jump.Rewrite)
		if p.Jump.CT != nil {
			ct(*p.Jump.CT)
		}
	}
	return bad
}

// again decides everything anew for what p knows.
func again(p *Planner) *Planner {
	q := New(p.base)
	q.flat, q.caps, q.ports, q.meters, q.refused, q.cold, q.seen = p.flat, p.caps, p.ports, p.meters, p.refused, p.cold, p.seen
	var all []flatten.Change
	for s := range p.flat.Segments() {
		all = append(all, flatten.Change{ID: s.ID, Segment: s, Added: s.Paths})
	}
	q.follow(all)
	q.settle()
	return q
}

// text is all decisions.
func (p *Planner) text() map[string]string {
	out := map[string]string{}
	for s := range p.Paths() {
		out[fmt.Sprintf("%s %016x", s.Segment.ID, uint64(s.Path.ID))] = fmt.Sprintf("%v reached %v", s.Reason, s.Reached)
	}
	for id, s := range p.installedTables() {
		for i, e := range s.table.Entries {
			out[fmt.Sprintf("%s entry %d", id, i)] = fmt.Sprintf("%016x %s %v", uint64(e.Path.ID), e.Match, e.Trap)
		}
	}
	return out
}

// agree sends the same packets through the pipeline and through the tables.
func (m *model) agree(t *rapid.T, p *Planner, packets []*ir.Packet, hits map[string]int) {
	rules := slices.Collect(p.flat.Rules())
	options := func() ir.Options {
		return ir.Options{CT: ir.NewConntrack(), Choose: flattentest.Choose(p.caps.Hash.Can, 0)}
	}
	pl := ir.NewPipeline(rules...)
	o := options()
	machine := &flattentest.Machine{Paths: p.flat, Fallback: ir.NewPipeline(rules...), Tables: m.tables, Hits: hits, Options: options()}
	for i, packet := range packets {
		want, err := pl.Evaluate(packet, ir.PhyToLog, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := machine.Run(packet)
		if err != nil {
			t.Fatalf("packet %d %s: %v", i, packet, err)
		}
		if g, w := flattentest.Text(got), flattentest.Text(want); g != w {
			t.Fatalf("packet %d %s: the tables\n%s\nthe pipeline\n%s", i, packet, g, w)
		}
		if g, w := flattentest.Connections(machine.Options.CT.(*ir.Conntrack)), flattentest.Connections(o.CT.(*ir.Conntrack)); g != w {
			t.Fatalf("packet %d %s: connections of the tables\n%s\nof the pipeline\n%s", i, packet, g, w)
		}
	}
}
