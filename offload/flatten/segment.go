package flatten

import (
	"fmt"
	"slices"
	"sync"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// SegmentID identifies a segment by where it begins and by what it depends on of what
// packets carry: equal content has an equal ID in every process. Ingresses have the
// number of their port with the top bit set.
type SegmentID uint64

const ingressBit SegmentID = 1 << 63

// IngressID is the ID of the segment of a port of the integration bridge.
func IngressID(port uint32) SegmentID { return ingressBit | SegmentID(port) }

// Ingress is the port of the integration bridge that the segment is for; ok is false
// for one that paths jump to.
func (id SegmentID) Ingress() (port uint32, ok bool) { return uint32(id), id&ingressBit != 0 }

// String is "port N", or "segment" with a hexadecimal number.
func (id SegmentID) String() string {
	if port, ok := id.Ingress(); ok {
		return fmt.Sprintf("port %d", port)
	}
	return fmt.Sprintf("segment %016x", uint64(id))
}

// segment is a segment as it is kept.
type segment struct {
	id    SegmentID
	at    resume
	env   *environment // one of those that lead here
	reads reads

	drafts  []*draft
	visited map[visit]*callers
	rules   map[*rule]struct{} // whose programs were followed
	asked   map[uint32]bool    // ports whose guards matter
	needs   *need              // what it depends on because its packets may be handed over; nil if they may not
	traps   bool               // it has one
	entered bool               // it has an entry
	dirty   map[SegmentID]bool // that its paths jump to with changed packets
}

// memo finds the segment for an environment: one that agrees in all that the segment
// depends on.
type memo struct {
	mu    sync.Mutex
	begin map[uint64][]*readers // by resume.key
}

// readers are the segments that depend on the same parts of an environment.
type readers struct {
	reads reads // ports are not used
	byKey map[uint64][]*segment
}

func (m *memo) find(at *resume, env *environment) *segment {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.findLocked(at, env)
}

func (m *memo) findLocked(at *resume, env *environment) *segment {
	for _, rs := range m.begin[at.key] {
		for _, s := range rs.byKey[env.key(&rs.reads)] {
			if s.env.agrees(env, &s.reads) {
				return s
			}
		}
	}
	return nil
}

// add files s, unless there is one already that would be found in its place: then
// that one is the result.
func (m *memo) add(s *segment) *segment {
	m.mu.Lock()
	defer m.mu.Unlock()
	if other := m.findLocked(&s.at, s.env); other != nil {
		return other
	}
	rs := m.readersOf(s, true)
	k := s.env.key(&rs.reads)
	rs.byKey[k] = append(rs.byKey[k], s)
	return s
}

func (m *memo) remove(s *segment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rs := m.readersOf(s, false)
	if rs == nil {
		return
	}
	k := s.env.key(&rs.reads)
	if rs.byKey[k] = slices.DeleteFunc(rs.byKey[k], func(o *segment) bool { return o == s }); len(rs.byKey[k]) > 0 {
		return
	}
	if delete(rs.byKey, k); len(rs.byKey) > 0 {
		return
	}
	if m.begin[s.at.key] = slices.DeleteFunc(m.begin[s.at.key], func(o *readers) bool { return o == rs }); len(m.begin[s.at.key]) == 0 {
		delete(m.begin, s.at.key)
	}
}

func (m *memo) readersOf(s *segment, create bool) *readers {
	same := s.reads
	same.ports = nil
	for _, rs := range m.begin[s.at.key] {
		if rs.reads.equal(&same) {
			return rs
		}
	}
	if !create {
		return nil
	}
	rs := &readers{same, map[uint64][]*segment{}}
	m.begin[s.at.key] = append(m.begin[s.at.key], rs)
	return rs
}

func (r *reads) equal(o *reads) bool {
	return r.bits == o.bits && r.ttl == o.ttl && r.tags == o.tags && r.queue == o.queue && r.stack == o.stack && r.circled == o.circled && r.zone == o.zone && slices.Equal(r.ports, o.ports)
}

// name gives a segment that is jumped to its ID. A segment that begins to depend on
// something else gets another one, so that those who jump to it look again.
func (s *segment) name() {
	h := newHash(s.at.key).add(s.env.key(&s.reads))
	for _, port := range s.reads.ports {
		h = h.add(uint64(port))
	}
	s.id = SegmentID(h) &^ ingressBit
}

// builder evaluates segments and those that they jump to. Several may work at a time
// on one memo.
type builder struct {
	*Config
	rules  *index
	live   *liveness
	guards guards
	memo   *memo
	chain  []*segment // being evaluated: each jumps to the next
	fresh  []*segment // that were made
}

// ingressSegment is the segment of a port, to be built.
func ingressSegment(port uint32) *segment {
	return &segment{id: IngressID(port), at: resumeAt(ir.PhyToLog, nil), env: ingress(port)}
}

// segment finds or evaluates the segment that begins so; nil when too many segments
// lead there one after the other.
func (b *builder) segment(at resume, env *environment) (s *segment, whole bool) {
	if s := b.memo.find(&at, env); s != nil {
		return s, true
	}
	for _, s := range b.chain {
		if s.at.key == at.key && s.env.agrees(env, &everything) {
			return s, false
		}
	}
	if len(b.chain) >= maxJumps {
		return nil, false
	}
	s = &segment{at: at, env: env}
	b.build(s, false)
	s.name()
	if other := b.memo.add(s); other != s {
		return other, true
	}
	b.fresh = append(b.fresh, s)
	return s, true
}

// build evaluates s and follows its jumps.
func (b *builder) build(s *segment, root bool) {
	e := evaluate(b, s, root)
	b.chain = append(b.chain, s)
	for _, d := range e.paths {
		if d.jump == nil {
			continue
		}
		if b.link(e, d.jump); d.jump.to == nil {
			d.Actions, d.jump, d.Reason = nil, nil, e.because(Reason{Code: Loop, Detail: "segments"})
			e.handsOver()
		}
	}
	b.chain = b.chain[:len(b.chain)-1]
	e.settleVisitors()
	s.drafts, s.visited, s.rules, s.reads, s.asked, s.needs = e.paths, e.visited, e.followed, e.reads, e.asked, e.needs
}

// link finds the segment that a jump ends in.
func (b *builder) link(e *evaluation, p *pending) {
	if p.to != nil || p.env == nil {
		return
	}
	to, whole := b.segment(p.at, p.env)
	p.to = to
	switch {
	case to == nil:
	case whole:
		e.depends(p, &to.reads)
	default: // a circle: what it depends on is not known yet
		e.depends(p, &everything)
	}
	p.env, p.from, p.at = nil, bindings{}, resume{}
}

// everything is what an evaluation can depend on. in_port is in the bits.
var everything = func() reads {
	return reads{bits: fields.in, ttl: true, tags: true, queue: true, stack: true, circled: true, zone: true}
}()
