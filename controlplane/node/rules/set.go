// Package rules holds the desired rules of the chassis, by the row that each
// comes from, and turns changes into deltas for the targets.
//
// Nodes that compute rules (node/logical, node/physical, ...) state all rules of
// an owner with Put; the Set finds the difference. Only the content hashes stay
// here: the targets keep the rules in their own form.
package rules

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Key names an owner: a row and, because one row can have rules from several
// nodes (a port's physical rules and its port security), which part of them.
type Key struct {
	Owner ir.Owner
	Part  uint8
}

// Set is the desired rules. It belongs to the engine goroutine.
type Set struct {
	owners map[Key][]ir.RuleID // sorted
	refs   map[ir.RuleID]int32 // owners of each rule

	put map[ir.RuleID]ir.Rule // new since Take
	del map[ir.RuleID]bool    // gone since Take
}

// NewSet makes an empty set.
func NewSet() *Set {
	return &Set{owners: map[Key][]ir.RuleID{}, refs: map[ir.RuleID]int32{},
		put: map[ir.RuleID]ir.Rule{}, del: map[ir.RuleID]bool{}}
}

// Put makes rs all the rules of k; nil removes them. It tells whether anything
// changed. rs may hold a rule twice.
func (s *Set) Put(k Key, rs []ir.Rule) bool {
	old := s.owners[k]
	ids := make([]ir.RuleID, len(rs))
	for i := range rs {
		ids[i] = rs[i].ID
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if slices.Equal(old, ids) {
		return false
	}
	added := make(map[ir.RuleID]bool)
	for i := range rs {
		id := rs[i].ID
		if _, had := slices.BinarySearch(old, id); !had && !added[id] {
			added[id] = true
			s.add(rs[i])
		}
	}
	for _, id := range old {
		if _, has := slices.BinarySearch(ids, id); !has {
			s.remove(id)
		}
	}
	if len(ids) == 0 {
		delete(s.owners, k)
	} else {
		s.owners[k] = slices.Clip(ids)
	}
	return true
}

// add counts one owner more.
func (s *Set) add(r ir.Rule) {
	s.refs[r.ID]++
	if s.refs[r.ID] > 1 {
		return
	}
	if s.del[r.ID] { // it is still in the targets
		delete(s.del, r.ID)
		return
	}
	s.put[r.ID] = r
}

func (s *Set) remove(id ir.RuleID) {
	if s.refs[id]--; s.refs[id] > 0 {
		return
	}
	delete(s.refs, id)
	if _, ok := s.put[id]; ok { // the targets have never seen it
		delete(s.put, id)
		return
	}
	s.del[id] = true
}

// Reset forgets everything: the targets are told to do the same.
func (s *Set) Reset() { *s = *NewSet() }

// Has tells whether k has rules.
func (s *Set) Has(k Key) bool { _, ok := s.owners[k]; return ok }

// Keys calls f for each owner.
func (s *Set) Keys(f func(Key)) {
	for k := range s.owners {
		f(k)
	}
}

// Len is the number of different rules.
func (s *Set) Len() int { return len(s.refs) }

// Pending tells whether Take has something to give.
func (s *Set) Pending() bool { return len(s.put)+len(s.del) > 0 }

// Take moves what changed since the last Take into d.
func (s *Set) Take(d *backend.Delta) {
	d.Put = make([]ir.Rule, 0, len(s.put))
	for _, r := range s.put {
		d.Put = append(d.Put, r)
	}
	d.Del = make([]ir.RuleID, 0, len(s.del))
	for id := range s.del {
		d.Del = append(d.Del, id)
	}
	s.put, s.del = map[ir.RuleID]ir.Rule{}, map[ir.RuleID]bool{}
}
