package flatten

import (
	"maps"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Where a packet may be handed over it needs what the pipeline may still look at. Of
// the registers that is not all: most are written before they are read, and what is known
// of a connection is not asked for where the packet is tracked again first. What is live
// where is found from the rules alone, by datapath and stage. Behind where packets go over
// to another datapath it is what is live in any: so a change of one concerns the others
// only if it is of a kind that none had.

// need is what a packet may be looked at for, of what it does not bring along: bits of
// the registers and of what connection tracking says, and the stack.
type need struct {
	bits  [words]uint64
	stack bool
}

func (n *need) join(o *need, but *[words]uint64) {
	for w, m := range carriedBits {
		if m != 0 {
			n.bits[w] |= o.bits[w] &^ but[w]
		}
	}
	n.stack = n.stack || o.stack
}

// liveness is what is live in front of each stage: in any datapath, and by datapath.
type liveness struct {
	all sums
	any map[ir.Stage]*need
	// roams are the stages out of which a packet can come in another datapath.
	roams map[ir.Stage]bool

	of map[uint64]sums // of the rules for one datapath; 0: of those for all
	in map[uint64]map[ir.Stage]*need
	// one has each need once: datapaths of a kind have the same.
	one map[need]*need
	// stale are the datapaths whose sums have changed, and whether all together have.
	stale    map[uint64]bool
	staleAll bool
}

// sums are the outlooks of the rules of each stage, each with how many have it.
type sums map[ir.Stage]map[hash]*counted

type counted struct {
	*outlook // that of all in those of a datapath
	rules    int
}

func newLiveness() *liveness {
	return &liveness{all: sums{}, of: map[uint64]sums{}, in: map[uint64]map[ir.Stage]*need{}, one: map[need]*need{}, stale: map[uint64]bool{}}
}

// add and remove tell whether there is a kind of rules more or less.
func (s sums) add(r *rule, o *outlook, k hash) (*outlook, bool) {
	of := s[r.Stage]
	if of == nil {
		of = map[hash]*counted{}
		s[r.Stage] = of
	}
	c := of[k]
	if c == nil {
		c = &counted{outlook: o}
		of[k] = c
	}
	c.rules++
	return c.outlook, c.rules == 1
}

func (s sums) remove(r *rule, k hash) bool {
	c := s[r.Stage][k]
	if c == nil {
		return false
	}
	if c.rules--; c.rules > 0 {
		return false
	}
	if delete(s[r.Stage], k); len(s[r.Stage]) == 0 {
		delete(s, r.Stage)
	}
	return true
}

func (l *liveness) add(r *rule) {
	o := outlookOf(r)
	k := o.hash()
	one, another := l.all.add(r, &o, k)
	l.staleAll = another || l.staleAll
	dp := datapathOf(r)
	if l.of[dp] == nil {
		l.of[dp] = sums{}
	}
	if _, another := l.of[dp].add(r, one, k); another {
		l.stale[dp] = true
	}
}

func (l *liveness) remove(r *rule) {
	o := outlookOf(r)
	k := o.hash()
	l.staleAll = l.all.remove(r, k) || l.staleAll
	dp := datapathOf(r)
	if l.of[dp].remove(r, k) {
		l.stale[dp] = true
	}
	if len(l.of[dp]) == 0 {
		delete(l.of, dp)
	}
}

// datapathOf is the datapath that a rule is for; 0: any.
func datapathOf(r *rule) uint64 {
	if r.Datapath != 0 {
		return uint64(r.Datapath)
	}
	if t, ok := r.Match.Term(ir.Datapath); ok && t.Mask == ir.Ones(ir.Datapath.Width()) {
		return t.Value.Lo
	}
	return 0
}

// settle finds what is live in front of the stages: the least that holds for all
// rules. It tells in which datapaths that has changed, anyDatapath standing for all together.
func (l *liveness) settle() (changed map[uint64]bool) {
	changed = map[uint64]bool{}
	if l.staleAll {
		clear(l.one)
		l.roam()
		now := l.least([]sums{l.all}, func(c *call, _ bool, now map[ir.Stage]*need) *need { return now[c.stage] })
		if !maps.EqualFunc(now, l.any, sameNeed) {
			changed[anyDatapath] = true
		}
		l.any, l.staleAll = now, false
	}
	if l.stale[0] || changed[anyDatapath] {
		for dp := range l.of {
			l.stale[dp] = true
		}
	}
	for dp := range l.stale {
		if dp == 0 || l.of[dp] == nil {
			continue
		}
		now := l.least([]sums{l.of[dp], l.of[0]}, func(c *call, away bool, now map[ir.Stage]*need) *need {
			if away {
				return l.any[c.stage]
			}
			return now[c.stage]
		})
		if !maps.EqualFunc(now, l.in[dp], sameNeed) {
			changed[dp] = true
		}
		l.in[dp] = now
	}
	for dp := range l.in {
		if l.of[dp] == nil {
			delete(l.in, dp)
			changed[dp] = true
		}
	}
	clear(l.stale)
	return changed
}

func sameNeed(a, b *need) bool { return *a == *b }

// roam finds the stages out of which a packet can come in another datapath.
func (l *liveness) roam() {
	l.roams = map[ir.Stage]bool{}
	for again := true; again; {
		again = false
		for s, of := range l.all {
			for _, c := range of {
				if !l.roams[s] && l.leaves(c.outlook) {
					l.roams[s], again = true, true
				}
			}
		}
	}
}

// leaves tells whether o takes the packet itself into another datapath.
func (l *liveness) leaves(o *outlook) bool {
	for i := range o.calls {
		if c := &o.calls[i]; !c.aside && l.roams[c.stage] {
			return true
		}
	}
	return o.moves
}

// behind says what is live behind a call. away is true when the packet may be in another datapath by then.
type behind func(c *call, away bool, now map[ir.Stage]*need) *need

// least is the least that holds for all rules.
func (l *liveness) least(rules []sums, to behind) map[ir.Stage]*need {
	now := map[ir.Stage]*need{}
	for _, of := range rules {
		for s := range of {
			now[s] = &need{}
		}
	}
	for again := true; again; {
		again = false
		for _, of := range rules {
			for s, kinds := range of {
				was := *now[s]
				for _, c := range kinds {
					l.see(now[s], c.outlook, now, to)
				}
				again = again || *now[s] != was
			}
		}
	}
	for s, n := range now {
		if l.one[*n] == nil {
			l.one[*n] = n
		}
		now[s] = l.one[*n]
	}
	return now
}

// see adds to n what o looks at, itself and in the stages that it calls.
func (l *liveness) see(n *need, o *outlook, now map[ir.Stage]*need, to behind) {
	n.join(&o.need, &[words]uint64{})
	dp := fields.at[ir.Datapath].word()
	away := false
	for i := range o.calls {
		c := &o.calls[i]
		if live := to(c, away || c.written[dp] != 0, now); live != nil {
			n.join(live, &c.written)
		}
		away = away || !c.aside && l.roams[c.stage]
	}
}

// at is what is live where packets of a datapath go on with r.
func (l *liveness) at(r *resume, datapath uint64) *need {
	v := &view{}
	v.list(r.ops)
	for f := r.frames; f != nil; f = f.next {
		v.endList()
		v.list(f.ops)
	}
	n := &need{}
	in := l.in[datapath]
	if in == nil {
		in = l.any
	}
	l.see(n, &v.outlook, in, func(c *call, away bool, now map[ir.Stage]*need) *need {
		if away {
			return l.any[c.stage]
		}
		return now[c.stage]
	})
	return n
}
