package ir

import (
	"cmp"
	"slices"
)

// Pipeline is a set of rules, indexed so that the rule for a packet is found in
// a time that depends on the number of different match shapes, not of rules. A
// pipeline is for one goroutine: evaluating a Learn adds rules.
type Pipeline struct {
	stages [256]*stageRules
	n      int
}

// stageRules keeps the rules of a stage by Rule.Datapath, then by shape of match
// (tuple space search).
type stageRules struct{ datapaths map[uint32]*tupleSpace }

type tupleSpace struct {
	byShape map[string]*tuple
	ordered []*tuple // by top, highest first
}

// tuple holds the rules whose matches test the same bits of the same fields.
type tuple struct {
	shape []Term // Value is not used
	top   uint16 // no rule in it has a higher priority
	rules map[string][]*Rule
}

// NewPipeline makes a pipeline of rules.
func NewPipeline(rules ...Rule) *Pipeline {
	pl := &Pipeline{}
	for _, r := range rules {
		pl.Add(r)
	}
	return pl
}

// Len is the number of rules.
func (pl *Pipeline) Len() int { return pl.n }

// Add adds r. A rule with the same ID is already there: nothing changes.
func (pl *Pipeline) Add(r Rule) {
	t, key := pl.tuple(r)
	rules := t.rules[key]
	i, found := slices.BinarySearchFunc(rules, &r, compareRules)
	if found {
		return
	}
	t.rules[key] = slices.Insert(rules, i, &r)
	pl.n++
	if space := pl.stages[r.Stage].datapaths[r.Datapath]; len(rules) == 0 || r.Priority > t.top {
		t.top = max(t.top, r.Priority)
		slices.SortStableFunc(space.ordered, func(a, b *tuple) int { return cmp.Compare(b.top, a.top) })
	}
}

// Remove removes the rule with the stage, match, priority and ID of r; false when there is none.
func (pl *Pipeline) Remove(r Rule) bool {
	t, key := pl.tuple(r)
	i, found := slices.BinarySearchFunc(t.rules[key], &r, compareRules)
	if !found {
		return false
	}
	pl.n--
	t.rules[key] = slices.Delete(t.rules[key], i, i+1)
	if len(t.rules[key]) == 0 {
		delete(t.rules, key)
	}
	return true
}

// learn adds r in place of one with the same priority and match, as Open vSwitch
// does when it learns again.
func (pl *Pipeline) learn(r Rule) {
	t, key := pl.tuple(r)
	for _, old := range t.rules[key] {
		if old.Priority == r.Priority && old.Match == r.Match {
			pl.Remove(*old)
			break
		}
	}
	pl.Add(r)
}

// compareRules orders by priority, highest first. Which of several matching rules
// of one priority is used is not defined (ovs-ofctl(8)); the ID makes it one.
func compareRules(a, b *Rule) int {
	if c := cmp.Compare(b.Priority, a.Priority); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

// tuple finds or makes the place of r.
func (pl *Pipeline) tuple(r Rule) (t *tuple, key string) {
	st := pl.stages[r.Stage]
	if st == nil {
		st = &stageRules{datapaths: map[uint32]*tupleSpace{}}
		pl.stages[r.Stage] = st
	}
	space := st.datapaths[r.Datapath]
	if space == nil {
		space = &tupleSpace{byShape: map[string]*tuple{}}
		st.datapaths[r.Datapath] = space
	}
	var shape, value []byte
	var terms []Term
	for x := range r.Match.Terms() {
		n := fieldBytes(x.Field)
		shape = x.Mask.AppendBytes(append(shape, byte(x.Field)), n)
		value = x.Value.AppendBytes(value, n)
		terms = append(terms, x)
	}
	t = space.byShape[string(shape)]
	if t == nil {
		t = &tuple{shape: terms, rules: map[string][]*Rule{}}
		space.byShape[string(shape)] = t
		space.ordered = append(space.ordered, t)
	}
	return t, string(value)
}

// Lookup is the rule of stage s for p, nil for none.
func (pl *Pipeline) Lookup(s Stage, p *Packet) *Rule {
	st := pl.stages[s]
	if st == nil {
		return nil
	}
	best := st.datapaths[0].lookup(p, nil)
	if dp := p.vals[Datapath]; !dp.IsZero() && dp.Len() <= 32 {
		best = st.datapaths[uint32(dp.Lo)].lookup(p, best)
	}
	return best
}

// lookup is the better one of best and the best rule of the space.
func (ts *tupleSpace) lookup(p *Packet, best *Rule) *Rule {
	if ts == nil {
		return best
	}
	var buf [128]byte
	for _, t := range ts.ordered {
		if best != nil && t.top < best.Priority {
			break
		}
		key, ok := t.key(buf[:0], p)
		if !ok {
			continue
		}
		for _, r := range t.rules[string(key)] {
			if best != nil && compareRules(best, r) < 0 {
				break
			}
			if r.Product.matches(p) {
				best = r
				break
			}
		}
	}
	return best
}

func (t *tuple) key(b []byte, p *Packet) (key []byte, ok bool) {
	for _, x := range t.shape {
		if !p.Has(x.Field) {
			return nil, false
		}
		b = p.vals[x.Field].And(x.Mask).AppendBytes(b, fieldBytes(x.Field))
	}
	return b, true
}

// matches tells whether p passes one alternative of every dimension; a nil product asks for nothing.
func (pr *Product) matches(p *Packet) bool {
	if pr == nil {
		return true
	}
	for _, dim := range pr.Dims {
		if !slices.ContainsFunc(dim, p.Matches) {
			return false
		}
	}
	return true
}
