package flatten

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// index holds the rules by stage and datapath. Looking rules up is safe from several
// goroutines while nothing changes.
type index struct{ stages [256]*stageIndex }

type stageIndex struct{ spaces map[uint32]*space }

// space is the rules of one datapath in a stage (0: those of all), by shape.
type space struct {
	byShape map[string]*shape
	shapes  []*shape
}

// shape is the rules that ask for the same bits. It is indexed by those of its
// fields that are known when it is looked at, one index for each such set of
// fields that ever was.
type shape struct {
	asks  []literal // val is not used
	rules []*rule   // by priority

	mu   sync.Mutex // guards making an index
	subs atomic.Pointer[map[uint32]subIndex]
}

type subIndex map[uint64][]*rule // by hash of the known values; by priority

const (
	fewRules = 6  // are looked through without an index
	maxAsks  = 31 // literals of a shape that an index can be on
)

func (x *index) space(s ir.Stage, dp uint32) *space {
	st := x.stages[s]
	if st == nil {
		return nil
	}
	return st.spaces[dp]
}

func (x *index) shapeOf(r *rule, create bool) *shape {
	st := x.stages[r.Stage]
	if st == nil {
		if !create {
			return nil
		}
		st = &stageIndex{spaces: map[uint32]*space{}}
		x.stages[r.Stage] = st
	}
	sp := st.spaces[r.Datapath]
	if sp == nil {
		if !create {
			return nil
		}
		sp = &space{byShape: map[string]*shape{}}
		st.spaces[r.Datapath] = sp
	}
	var buf [256]byte
	key := buf[:0]
	for _, l := range r.asks {
		key = append(key, l.word, byte(l.field))
		for m := l.mask; m != 0; m >>= 8 {
			key = append(key, byte(m))
		}
	}
	sh := sp.byShape[string(key)]
	if sh == nil && create {
		sh = &shape{asks: r.asks}
		sp.byShape[string(key)] = sh
		sp.shapes = append(sp.shapes, sh)
	}
	return sh
}

func (x *index) add(r *rule) {
	sh := x.shapeOf(r, true)
	sh.rules = insertRule(sh.rules, r)
	if subs := sh.subs.Load(); subs != nil {
		for fields, sub := range *subs {
			h := r.hashOf(fields)
			sub[h] = insertRule(sub[h], r)
		}
	}
}

func (x *index) remove(r *rule) {
	sh := x.shapeOf(r, false)
	if sh == nil {
		return
	}
	sh.rules = removeRule(sh.rules, r)
	if subs := sh.subs.Load(); subs != nil {
		for fields, sub := range *subs {
			h := r.hashOf(fields)
			if sub[h] = removeRule(sub[h], r); len(sub[h]) == 0 {
				delete(sub, h)
			}
		}
	}
	if len(sh.rules) > 0 {
		return
	}
	sp := x.space(r.Stage, r.Datapath)
	sp.shapes = slices.DeleteFunc(sp.shapes, func(s *shape) bool { return s == sh })
	for k, s := range sp.byShape {
		if s == sh {
			delete(sp.byShape, k)
		}
	}
	if len(sp.shapes) == 0 {
		delete(x.stages[r.Stage].spaces, r.Datapath)
	}
}

func insertRule(rs []*rule, r *rule) []*rule {
	i, _ := slices.BinarySearchFunc(rs, r, byPriority)
	return slices.Insert(rs, i, r)
}

func removeRule(rs []*rule, r *rule) []*rule {
	if i := slices.Index(rs, r); i >= 0 {
		return slices.Delete(rs, i, i+1)
	}
	return rs
}

// hashOf is the hash of the values that r has in some fields of its shape.
func (r *rule) hashOf(fields uint32) uint64 {
	h := newHash(0)
	for i := range min(len(r.asks), maxAsks) {
		if fields>>i&1 != 0 {
			h = h.add(r.asks[i].val)
		}
	}
	return uint64(h)
}

// sub is the index on a set of fields of the shape.
func (sh *shape) sub(fields uint32) subIndex {
	if subs := sh.subs.Load(); subs != nil {
		if s, ok := (*subs)[fields]; ok {
			return s
		}
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	all := map[uint32]subIndex{}
	if subs := sh.subs.Load(); subs != nil {
		maps.Copy(all, *subs)
	}
	sub, ok := all[fields]
	if !ok {
		sub = subIndex{}
		for _, r := range sh.rules {
			h := r.hashOf(fields)
			sub[h] = append(sub[h], r)
		}
		all[fields] = sub
		sh.subs.Store(&all)
	}
	return sub
}
