// Package flattentest holds paths against the pipeline that they were made of: a
// machine that executes paths as offload/flatten means them, with the pipeline
// itself as the fallback, and random pipelines. Only tests import it.
package flattentest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Machine executes paths. What they leave to the fallback goes through Fallback.
type Machine struct {
	Paths    *flatten.Flattener
	Fallback *ir.Pipeline
	Handover bool // Config.Handover of Paths
	Hash     bool // Config.CanHash of Paths
	// Tables, if not nil, are what is programmed, instead of all of Paths. Packets of an
	// ingress without a table go to the fallback. Handover does not count then.
	Tables map[flatten.SegmentID]*offload.Table
	// Bare leaves out the traps that need not be programmed, as a target does: what
	// matches nothing then goes to the fallback.
	Bare    bool
	Options ir.Options
	// TakeOver, if not nil, has packets that are handed over where a segment begins, in place of its Entry.
	TakeOver func(*flatten.Segment, *ir.Packet) (ir.Result, error)
	// Guards are those of Paths (SetGuard), if not nil: it is an error that a path sees to a packet that is left to the fallback.
	Guards map[uint32][]ir.Match

	// Hits counts the paths that packets met: "jump", "output", "drop", or the name of the
	// code of a trap.
	Hits map[string]int

	bare map[*flatten.Segment][]offload.Entry
}

// ErrNoPath says that a packet matched no path of a segment.
var ErrNoPath = errors.New("no path matches")

// stages of the small pipelines that execute one path.
const (
	start   = ir.PhyToLog
	capture = ir.Output
)

// Run is what becomes of a packet that came in by its in_port.
func (m *Machine) Run(p *ir.Packet) (ir.Result, error) {
	var all ir.Result
	id := flatten.IngressID(uint32(p.Get(ir.InPort).Lo))
	for range 1000 {
		seg := m.Paths.Segment(id)
		if seg == nil || m.Tables != nil && m.Tables[id] == nil {
			if _, root := id.Ingress(); !root {
				return all, fmt.Errorf("%s is missing", id)
			}
			return m.Fallback.Evaluate(p, ir.PhyToLog, m.Options)
		}
		entry, err := m.find(seg, p)
		if err != nil {
			return all, err
		}
		path := entry.Path
		if path == nil || entry.Trap {
			switch {
			case path == nil:
				m.hit("miss")
			case path.Reason == nil:
				m.hit("trap")
			default:
				m.hit(path.Reason.Code.String())
			}
			r, err := m.fallBack(seg, p)
			return merge(all, r), err
		}
		switch {
		case path.Jump != nil:
			m.hit("jump")
		case len(path.Actions) > 0:
			m.hit("output")
		default:
			m.hit("drop")
		}
		if _, root := id.Ingress(); root && m.guarded(uint32(p.Get(ir.InPort).Lo), p) {
			return all, fmt.Errorf("%s: path %s has packet %s, which is left to the fallback", id, path, p)
		}
		r, next, err := m.execute(path, p)
		all = merge(all, r)
		for _, out := range r.Outputs {
			if m.guarded(out.Port, out.Packet) {
				return all, fmt.Errorf("%s: path %s puts packet %s out by port %d, which is left to the fallback", id, path, out.Packet, out.Port)
			}
		}
		if err != nil || path.Jump == nil {
			return all, err
		}
		p, id = next, path.Jump.To
	}
	return all, errors.New("the packet jumps round in circles")
}

func (m *Machine) guarded(port uint32, p *ir.Packet) bool {
	return slices.ContainsFunc(m.Guards[port], p.Matches)
}

func (m *Machine) hit(what string) {
	if m.Hits != nil {
		m.Hits[what]++
	}
}

func merge(a, b ir.Result) ir.Result {
	a.Outputs = append(a.Outputs, b.Outputs...)
	a.Punts = append(a.Punts, b.Punts...)
	a.Samples = append(a.Samples, b.Samples...)
	a.Learned = append(a.Learned, b.Learned...)
	return a
}

// find is the first entry of a segment that p matches; none when the fallback has it.
func (m *Machine) find(seg *flatten.Segment, p *ir.Packet) (offload.Entry, error) {
	for _, entry := range m.list(seg) {
		if !p.Matches(entry.Match) {
			continue
		}
		ok := true
		for _, c := range entry.Path.If {
			holds, err := m.holds(c, p)
			if err != nil {
				return offload.Entry{}, err
			}
			ok = ok && holds != c.Not
		}
		if ok {
			return entry, nil
		}
	}
	if m.Bare || m.Tables != nil {
		return offload.Entry{}, nil
	}
	return offload.Entry{}, fmt.Errorf("%s: %w packet %s", seg.ID, ErrNoPath, p)
}

// list are the entries that are programmed.
func (m *Machine) list(seg *flatten.Segment) []offload.Entry {
	if m.Tables != nil {
		return m.Tables[seg.ID].Entries
	}
	if list, ok := m.bare[seg]; ok {
		return list
	}
	offloaded := func(p *flatten.Path) bool { return !p.Trap() }
	traps := flatten.Traps(seg.Paths, offloaded)
	var list []offload.Entry
	for _, p := range seg.Paths {
		needed := len(traps) > 0 && traps[0] == p
		if needed {
			traps = traps[1:]
		}
		if offloaded(p) || needed || !m.Bare {
			list = append(list, offload.Entry{Path: p, Match: p.Match, Trap: p.Trap()})
		}
	}
	if m.bare == nil {
		m.bare = map[*flatten.Segment][]offload.Entry{}
	}
	m.bare[seg] = list
	return list
}

func (m *Machine) holds(c flatten.Condition, p *ir.Packet) (bool, error) {
	flag := ir.Bits(ir.Reg0, 0, 1)
	switch c.Kind {
	case flatten.Longer:
		q, err := m.after([]ir.Op{ir.CheckLarger{Dst: flag, Len: c.N}}, p)
		return err == nil && !q.GetSub(flag).IsZero(), err
	case flatten.MoreTags:
		ops := slices.Repeat([]ir.Op{ir.PopVLAN{}}, int(c.N))
		q, err := m.after(ops, p)
		return err == nil && !q.GetSub(ir.Bits(ir.VLANTCI, 12, 1)).IsZero(), err
	}
	var live []int
	for i, b := range c.Select.Buckets {
		if b.Weight > 0 && (b.Watch == 0 || m.Options.PortUp == nil || m.Options.PortUp(b.Watch)) {
			live = append(live, i)
		}
	}
	if len(live) == 0 {
		return false, nil
	}
	return live[m.Options.Choose(*c.Select, live, p)] == int(c.N), nil
}

// after is p behind ops.
func (m *Machine) after(ops []ir.Op, p *ir.Packet) (*ir.Packet, error) {
	r, err := m.small(append(slices.Clip(ops), ir.Call{Stage: capture}), p)
	if err != nil {
		return nil, err
	}
	return r.Punts[0].Packet, nil
}

// small evaluates a pipeline that is one program and a stage that captures packets.
func (m *Machine) small(ops []ir.Op, p *ir.Packet) (ir.Result, error) {
	pl := ir.NewPipeline(
		ir.NewRule(start, 0, 0, ir.Match{}, nil, ir.NewProgram(ops...), ir.Owner{}),
		ir.NewRule(capture, 0, 0, ir.Match{}, nil, ir.NewProgram(ir.Punt{Opcode: ir.OpLog}), ir.Owner{}))
	return pl.Evaluate(p, start, m.Options)
}

// execute does what a path says. Each action has the packet as it came into the
// segment, apart from what connection tracking knows.
func (m *Machine) execute(path *flatten.Path, p *ir.Packet) (r ir.Result, next *ir.Packet, err error) {
	var ops []ir.Op
	for _, a := range path.Actions {
		mine := a.Rewrite.Ops()
		switch a.Do.(type) {
		case ir.ToPort, ir.FirstUp: // to these ports also when the packet came by them
			mine = append(mine, ir.SetQueue{ID: a.Queue}, ir.Set{Dst: ir.All(ir.InPort)})
		}
		if len(mine) == 0 {
			ops = append(ops, a.Do)
			continue
		}
		ops = append(ops, ir.Clone{Ops: append(mine, a.Do)})
	}
	if j := path.Jump; j != nil {
		ops = append(ops, j.Rewrite.Ops()...)
		if j.CT != nil {
			ct := *j.CT
			ct.Next = capture
			ops = append(ops, ct)
		} else {
			ops = append(ops, ir.Call{Stage: capture})
		}
	}
	if r, err = m.small(ops, p); err != nil || path.Jump == nil {
		return r, nil, err
	}
	next = r.Punts[0].Packet
	r.Punts = nil
	return r, next, nil
}

// fallBack hands p, which met a trap of seg, to the fallback.
func (m *Machine) fallBack(seg *flatten.Segment, p *ir.Packet) (ir.Result, error) {
	p = p.Copy()
	ops, ok := seg.Entry()
	_, root := seg.ID.Ingress()
	entered := m.Handover && ok && !root
	if m.Tables != nil {
		ops = m.Tables[seg.ID].Entry
		entered = ops != nil
	}
	if !entered || !seg.Tracked {
		for f := ir.CTState; f <= ir.CTTPDst; f++ {
			p.Put(f, ir.Value{})
		}
	}
	switch {
	case !entered:
		return m.Fallback.Evaluate(p, ir.PhyToLog, m.Options)
	case m.TakeOver != nil:
		return m.TakeOver(seg, p)
	}
	const entry = ir.NoStage - 1
	r := ir.NewRule(entry, 0, 0, ir.Match{}, nil, ir.NewProgram(ops...), ir.Owner{})
	m.Fallback.Add(r)
	defer m.Fallback.Remove(r)
	return m.Fallback.Evaluate(p, entry, m.Options)
}
