package flatten

import (
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Flattener holds the rules of a chassis and the paths that they amount to. It
// belongs to one goroutine.
type Flattener struct {
	cfg      Config
	guards   guards
	rules    map[ir.RuleID]*rule
	lessons  map[*rule][]*rule // what each rule may teach
	index    *index
	live     *liveness
	ports    map[uint32]int // in_port -> rules of the first stage that ask for it
	memo     *memo
	segments map[SegmentID]*segment
	jumps    map[SegmentID]map[SegmentID]bool // from where each segment is jumped to
	visits   map[ir.Stage]map[uint64]map[*segment]*callers
	shown    map[SegmentID]*shown
	lost     bool // somebody jumps to fewer segments than before
}

// New makes a Flattener without rules.
func New(cfg Config) *Flattener {
	if cfg.Paths <= 0 {
		cfg.Paths = DefaultPaths
	}
	if cfg.Copies <= 0 {
		cfg.Copies = DefaultCopies
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	f := &Flattener{cfg: cfg, guards: guards{}, shown: map[SegmentID]*shown{}}
	f.forget()
	return f
}

func (f *Flattener) forget() {
	f.rules, f.lessons = map[ir.RuleID]*rule{}, map[*rule][]*rule{}
	f.index, f.live, f.memo = &index{}, newLiveness(), &memo{begin: map[uint64][]*readers{}}
	f.ports, f.segments = map[uint32]int{}, map[SegmentID]*segment{}
	f.jumps = map[SegmentID]map[SegmentID]bool{}
	f.visits = map[ir.Stage]map[uint64]map[*segment]*callers{}
}

// Apply takes a change of the rules and evaluates again what it concerns. The result
// is how the paths change by it. Meters and zones of d do not matter here.
func (f *Flattener) Apply(d backend.Delta) []Change {
	stale := map[SegmentID]bool{}
	if d.Reset {
		f.forget()
	}
	for _, id := range d.Del {
		if r := f.rules[id]; r != nil {
			f.remove(r, stale)
		}
	}
	for _, r := range d.Put {
		old := f.rules[r.ID]
		if old != nil && old.Owner == r.Owner {
			continue
		}
		if old != nil {
			f.remove(old, stale)
		}
		f.add(newRule(r), stale)
	}
	if changed := f.live.settle(); len(changed) > 0 {
		for id, s := range f.segments {
			if dp := s.env.datapath(); s.needs != nil && (changed[dp] || changed[anyDatapath]) && *s.needs != *f.live.at(&s.at, dp) {
				stale[id] = true
			}
		}
	}
	f.rebuild(stale)
	if f.lost {
		f.sweep()
	}
	return f.show()
}

// add files r and marks what it concerns.
func (f *Flattener) add(r *rule, stale map[SegmentID]bool) {
	f.rules[r.ID] = r
	f.enlist(r)
	f.concerns(r, stale)
	for _, x := range r.lessons() {
		f.lessons[r] = append(f.lessons[r], x)
		f.enlist(x)
		f.concerns(x, stale)
	}
	if port, ok := ingressOf(r); ok {
		if f.ports[port]++; f.ports[port] == 1 {
			stale[IngressID(port)] = true
		}
	}
}

// enlist and strike keep what is known of all rules.
func (f *Flattener) enlist(r *rule) {
	f.index.add(r)
	if f.cfg.Handover {
		f.live.add(r)
	}
}

func (f *Flattener) strike(r *rule) {
	f.index.remove(r)
	if f.cfg.Handover {
		f.live.remove(r)
	}
}

// remove takes r out and marks what it concerned: where its program was followed and,
// because there is less to choose from, where a segment was cut.
func (f *Flattener) remove(r *rule, stale map[SegmentID]bool) {
	delete(f.rules, r.ID)
	f.strike(r)
	for s := range r.usedBy {
		stale[s.id] = true
	}
	f.eachVisit(r, func(s *segment, c *callers) {
		if c.cut && c.meet(r) {
			stale[s.id] = true
		}
	})
	for _, x := range f.lessons[r] {
		f.strike(x)
		f.concerns(x, stale)
	}
	delete(f.lessons, r)
	if port, ok := ingressOf(r); ok {
		if f.ports[port]--; f.ports[port] == 0 {
			delete(f.ports, port)
			stale[IngressID(port)] = true
		}
	}
}

// ingressOf is the port that r of the first stage is for.
func ingressOf(r *rule) (port uint32, ok bool) {
	if r.Stage != ir.PhyToLog {
		return 0, false
	}
	t, ok := r.Match.Term(ir.InPort)
	return uint32(t.Value.Lo), ok && t.Mask == ir.Ones(ir.InPort.Width())
}

// concerns marks the segments some packets of which r could match.
func (f *Flattener) concerns(r *rule, stale map[SegmentID]bool) {
	f.eachVisit(r, func(s *segment, c *callers) {
		if c.meet(r) {
			stale[s.id] = true
		}
	})
}

// eachVisit calls do for the segments whose packets come to the stage and datapath of r.
func (f *Flattener) eachVisit(r *rule, do func(*segment, *callers)) {
	byDatapath := f.visits[r.Stage]
	if r.Datapath == 0 {
		for _, segments := range byDatapath {
			for s, c := range segments {
				do(s, c)
			}
		}
		return
	}
	for _, dp := range []uint64{uint64(r.Datapath), anyDatapath} {
		for s, c := range byDatapath[dp] {
			do(s, c)
		}
	}
}

// rebuild evaluates the stale segments again, and those that jump to a segment that
// then has another ID.
func (f *Flattener) rebuild(stale map[SegmentID]bool) {
	work := slices.Sorted(maps.Keys(stale))
	for len(work) > 0 {
		var jobs []*segment
		for _, id := range work {
			s := f.segments[id]
			if port, ok := id.Ingress(); ok {
				if f.ports[port] == 0 {
					f.drop(s)
					continue
				}
				s = ingressSegment(port)
			} else {
				f.memo.remove(s)
			}
			jobs = append(jobs, s)
		}
		made, moved := f.evaluate(jobs)
		for _, s := range made {
			f.commit(s)
		}
		again := map[SegmentID]bool{}
		for _, s := range moved {
			for from := range f.jumps[s.id] {
				again[from] = true
			}
		}
		work = slices.Sorted(maps.Keys(again))
	}
}

// evaluate works on jobs with several goroutines. It returns the segments that were
// made, and those of jobs in the place of which there is one with another ID.
func (f *Flattener) evaluate(jobs []*segment) (made, moved []*segment) {
	var mu sync.Mutex // guards what is returned and next
	next := 0
	worker := func() {
		b := &builder{Config: &f.cfg, rules: f.index, live: f.live, guards: f.guards, memo: f.memo}
		var others []*segment
		for {
			mu.Lock()
			i := next
			next++
			mu.Unlock()
			if i >= len(jobs) {
				break
			}
			s := jobs[i]
			if _, root := s.id.Ingress(); root {
				b.build(s, true)
				b.fresh = append(b.fresh, s)
			} else if now, _ := b.segment(s.at, s.env); now.id != s.id {
				others = append(others, s)
			}
		}
		mu.Lock()
		made, moved = append(made, b.fresh...), append(moved, others...)
		mu.Unlock()
	}
	var group sync.WaitGroup
	for range min(f.cfg.Workers, len(jobs)) - 1 {
		group.Go(worker)
	}
	worker()
	group.Wait()
	return made, moved
}

// commit files s in place of what had its ID.
func (f *Flattener) commit(s *segment) {
	f.unfile(f.segments[s.id])
	f.segments[s.id] = s
	for r := range s.rules {
		if r.usedBy == nil {
			r.usedBy = map[*segment]struct{}{}
		}
		r.usedBy[s] = struct{}{}
	}
	for v, c := range s.visited {
		if f.visits[v.stage] == nil {
			f.visits[v.stage] = map[uint64]map[*segment]*callers{}
		}
		if f.visits[v.stage][v.datapath] == nil {
			f.visits[v.stage][v.datapath] = map[*segment]*callers{}
		}
		f.visits[v.stage][v.datapath][s] = c
	}
	s.dirty = map[SegmentID]bool{}
	_, s.entered = s.entry()
	for _, d := range s.drafts {
		s.traps = s.traps || d.Reason != nil
		if d.jump == nil {
			continue
		}
		to := d.jump.to.id
		if d.dirty {
			s.dirty[to] = true
		}
		if f.jumps[to] == nil {
			f.jumps[to] = map[SegmentID]bool{}
		}
		f.jumps[to][s.id] = true
	}
}

// unfile is the inverse of commit, apart from f.segments.
func (f *Flattener) unfile(s *segment) {
	if s == nil {
		return
	}
	f.lost = true
	for r := range s.rules {
		delete(r.usedBy, s)
	}
	for v := range s.visited {
		if delete(f.visits[v.stage][v.datapath], s); len(f.visits[v.stage][v.datapath]) == 0 {
			delete(f.visits[v.stage], v.datapath)
		}
	}
	for _, d := range s.drafts {
		if d.jump != nil {
			delete(f.jumps[d.jump.to.id], s.id)
		}
	}
	s.drafts, s.visited, s.rules = nil, nil, nil // others may still point at s for its ID
}

func (f *Flattener) drop(s *segment) {
	if s != nil {
		f.unfile(s)
		delete(f.segments, s.id)
	}
}

// sweep drops the segments that no ingress leads to any more.
func (f *Flattener) sweep() {
	f.lost = false
	alive := map[SegmentID]bool{}
	var mark func(id SegmentID)
	mark = func(id SegmentID) {
		if alive[id] {
			return
		}
		alive[id] = true
		for _, d := range f.segments[id].drafts {
			if d.jump != nil {
				mark(d.jump.to.id)
			}
		}
	}
	for id := range f.segments {
		if _, root := id.Ingress(); root {
			mark(id)
		}
	}
	for id, s := range f.segments {
		if !alive[id] {
			f.memo.remove(s)
			f.drop(s)
		}
	}
	for id := range f.jumps {
		if !alive[id] {
			delete(f.jumps, id)
		}
	}
}
