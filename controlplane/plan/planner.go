package plan

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Planner holds the rules of a chassis and what a target has, and shall have, of their
// paths. What it is told takes effect with the next Delta. It belongs to one goroutine.
type Planner struct {
	base flatten.Config
	flat *flatten.Flattener

	caps   offload.Caps
	ports  map[uint32]offload.Port
	meters map[string]backend.Meter
	off    map[uint32]string // datapaths through which nothing is offloaded, with what they are called

	places  map[flatten.SegmentID]*place
	sources map[flatten.SegmentID]map[flatten.SegmentID]bool // from where each segment is jumped to
	stale   map[flatten.SegmentID]bool                       // to be judged again
	settled bool                                             // something was, since room was looked for last
	refused map[entryKey]*refusal
	closed  map[flatten.SegmentID]bool   // the fallback cannot take over there
	lost    map[flatten.SegmentID]string // ingresses that the target has no place for at present, with its words
	dropAt  int                          // with so many refused it is time to forget
	cold    map[flatten.PathID]bool      // there is no room for them
	coming  []candidate                  // will be given room that was made for them
	learned learned
	seen    map[entryKey]*seen
	credit  map[ir.RuleID]*RuleCredit
	totals  Totals
	rates   map[ir.RuleID]*softRate
	now     time.Time // of the last counters
	reasons map[Reason]*Reason
	advice  map[Code]string // see Advise

	// What the target was told.
	revision  backend.Revision
	installed map[flatten.SegmentID]*sent
	pending   offload.Delta // ports and meters that it was not told yet
	reset     bool
}

// New makes a planner for a target that can do nothing, until SetCaps. Of base, what
// depends on the target is ignored.
func New(base flatten.Config) *Planner {
	p := &Planner{base: base, ports: map[uint32]offload.Port{}, meters: map[string]backend.Meter{}, seen: map[entryKey]*seen{},
		credit: map[ir.RuleID]*RuleCredit{}, rates: map[ir.RuleID]*softRate{}, reasons: map[Reason]*Reason{},
		installed: map[flatten.SegmentID]*sent{}, refused: map[entryKey]*refusal{}, closed: map[flatten.SegmentID]bool{}, totals: newTotals(), dropAt: minDrop, reset: true}
	p.flat = flatten.New(p.caps.Flatten(base))
	p.forget()
	return p
}

// forget drops all that depends on segments.
func (p *Planner) forget() {
	p.places, p.sources = map[flatten.SegmentID]*place{}, map[flatten.SegmentID]map[flatten.SegmentID]bool{}
	p.stale, p.cold, p.coming = map[flatten.SegmentID]bool{}, map[flatten.PathID]bool{}, nil
}

// SetCaps says what the target can do from now on. What it refused before is tried again,
// unless nothing but Devices has changed: then only ports of those are looked at again, and
// the target is told of them, because it may have to do with them otherwise now.
func (p *Planner) SetCaps(c offload.Caps) {
	before := p.caps.Devices
	p.caps.Devices = c.Devices
	if reflect.DeepEqual(c, p.caps) {
		p.lookAgain(before)
		return
	}
	was, is := p.caps.Flatten(p.base), c.Flatten(p.base)
	p.caps = c
	clear(p.refused)
	clear(p.cold)
	p.coming, p.learned = nil, learned{}
	if was.CanLength == is.CanLength && was.CanTags == is.CanTags && was.CanHash == is.CanHash && was.Cut == is.Cut && was.Handover == is.Handover {
		for id := range p.places {
			p.stale[id] = true
		}
		return
	}
	rules := slices.Collect(p.flat.Rules())
	p.flat = flatten.New(is)
	p.forget()
	for n, port := range p.ports {
		p.flat.SetGuard(n, port.Bridge.Guard())
	}
	p.follow(p.flat.Apply(backend.Delta{Put: rules}))
}

// lookAgain takes a change of the devices whose hardware cannot have rules.
func (p *Planner) lookAgain(before map[string]offload.Lack) {
	var changed []offload.Port
	for _, port := range p.ports {
		was, lacked := before[port.Device]
		if is, lacks := p.caps.Devices[port.Device]; lacked != lacks || was != is {
			changed = append(changed, port)
		}
	}
	p.SetPorts(changed, nil)
}

// Caps is what the target can do.
func (p *Planner) Caps() offload.Caps { return p.caps }

// Flattener has the rules and paths that are placed. It must only be read.
func (p *Planner) Flattener() *flatten.Flattener { return p.flat }

// Apply takes a change of the desired rules and meters.
func (p *Planner) Apply(d backend.Delta) {
	if d.Reset {
		p.pending.DelMeters = slices.AppendSeq(p.pending.DelMeters, maps.Keys(p.meters))
		p.pending.Meters = nil
		clear(p.meters)
		clear(p.credit)
		clear(p.rates)
	}
	p.setMeters(d)
	p.follow(p.flat.Apply(d))
	for _, id := range d.Del {
		if p.flat.Rule(id) == nil {
			delete(p.credit, id)
			delete(p.rates, id)
		}
	}
}

func (p *Planner) setMeters(d backend.Delta) {
	changed := map[string]bool{}
	for _, name := range d.DelMeters {
		delete(p.meters, name)
		p.pending.Meters = slices.DeleteFunc(p.pending.Meters, func(m backend.Meter) bool { return m.Name == name })
		p.pending.DelMeters = append(p.pending.DelMeters, name)
		changed[name] = true
	}
	for _, m := range d.Meters {
		p.meters[m.Name] = m
		p.pending.DelMeters = slices.DeleteFunc(p.pending.DelMeters, func(name string) bool { return name == m.Name })
		p.pending.Meters = append(slices.DeleteFunc(p.pending.Meters, func(o backend.Meter) bool { return o.Name == m.Name }), m)
		changed[m.Name] = true
	}
	for id, s := range p.places {
		if slices.ContainsFunc(s.meters, func(name string) bool { return changed[name] || d.Reset }) {
			p.stale[id] = true
		}
	}
}

// SetPorts takes a change of the ports of the integration bridge. What the target refused where one of them is used is tried again: another device is another driver.
func (p *Planner) SetPorts(put []offload.Port, del []uint32) {
	changed := map[uint32]bool{}
	for _, n := range del {
		delete(p.ports, n)
		delete(p.totals.ByPort, n)
		p.pending.Ports = slices.DeleteFunc(p.pending.Ports, func(o offload.Port) bool { return o.Ofport == n })
		p.pending.DelPorts = append(p.pending.DelPorts, n)
		changed[n] = true
	}
	for _, port := range put {
		n := port.Ofport
		p.ports[n] = port
		p.pending.DelPorts = slices.DeleteFunc(p.pending.DelPorts, func(o uint32) bool { return o == n })
		p.pending.Ports = append(slices.DeleteFunc(p.pending.Ports, func(o offload.Port) bool { return o.Ofport == n }), port)
		changed[n] = true
	}
	for n := range changed {
		p.follow(p.flat.SetGuard(n, p.ports[n].Bridge.Guard()))
	}
	touched := map[flatten.SegmentID]bool{}
	for id, s := range p.places {
		if slices.ContainsFunc(s.ports, func(n uint32) bool { return changed[n] }) {
			p.stale[id], touched[id] = true, true
		}
	}
	maps.DeleteFunc(p.refused, func(_ entryKey, x *refusal) bool { return touched[x.segment] })
}

// SetOff says through which logical datapaths, by tunnel key, nothing shall be offloaded from
// now on, and what they are called. It keeps off.
func (p *Planner) SetOff(off map[uint32]string) {
	if maps.Equal(off, p.off) {
		return
	}
	p.off = off
	for id := range p.places {
		p.stale[id] = true
	}
}

// offThrough finds a logical datapath on the way of a path through which nothing shall be
// offloaded, and the first rule there; nil for none.
func (p *Planner) offThrough(path *flatten.Path) *Reason {
	if len(p.off) == 0 {
		return nil
	}
	var why *Reason
	for r := range path.Lineage() {
		if name, off := p.off[r.Datapath]; off {
			why = &Reason{Code: DatapathOff, Detail: name, Rule: r.ID}
		}
	}
	return why
}

// follow takes changes of the segments.
func (p *Planner) follow(changes []flatten.Change) {
	for _, c := range changes {
		for _, path := range c.Removed {
			delete(p.cold, path.ID)
		}
		old := p.places[c.ID]
		if old != nil {
			for to := range old.leads {
				if delete(p.sources[to], c.ID); len(p.sources[to]) == 0 {
					delete(p.sources, to)
				}
			}
		}
		p.stale[c.ID] = true
		if c.Segment == nil {
			delete(p.places, c.ID)
			continue
		}
		s := newPlace(c.Segment, p.caps.Handover.Can && !p.closed[c.ID])
		if old != nil { // to tell what changes for those that jump here
			s.useful, s.fragile, s.table = old.useful, old.fragile, old.table
		}
		p.places[c.ID] = s
		for to := range s.leads {
			if p.sources[to] == nil {
				p.sources[to] = map[flatten.SegmentID]bool{}
			}
			p.sources[to][c.ID] = true
		}
	}
}

// CloseEntry says that the fallback cannot take packets over where a segment begins (Table.Entry).
func (p *Planner) CloseEntry(id flatten.SegmentID) {
	p.closed[id] = true
	if s := p.places[id]; s != nil && s.entry != nil {
		s.entry = nil
		p.stale[id] = true
	}
}

// Restart says that it is not known what the target has: the next Delta has everything.
// A target adopts what it has, so that its counters go on.
func (p *Planner) Restart() {
	p.reset = true
	clear(p.installed)
	clear(p.lost)
}

// Next is when Delta should be asked for again though nothing has happened; ok is
// false for never.
func (p *Planner) Next() (at time.Time, ok bool) {
	if p.learned.entries > 0 {
		at, ok = p.learned.probe, true
	}
	for _, r := range p.refused {
		if !r.again.IsZero() && !r.trying && (!ok || r.again.Before(at)) {
			at, ok = r.again, true
		}
	}
	return at, ok
}
