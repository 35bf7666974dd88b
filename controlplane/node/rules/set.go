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
	refs   map[ir.RuleID]ref   // of each rule

	put   []ir.Rule            // new since Take; one that went again has no Program
	putAt map[ir.RuleID]int32  // index in put
	del   map[ir.RuleID]uint32 // gone since Take: the cookie that the targets know
}

// NewSet makes an empty set.
func NewSet() *Set {
	return &Set{owners: map[Key][]ir.RuleID{}, refs: map[ir.RuleID]ref{},
		putAt: map[ir.RuleID]int32{}, del: map[ir.RuleID]uint32{}}
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
	fresh := make([]bool, len(ids)) // by index in ids: added in this call
	for i := range rs {
		id := rs[i].ID
		at, _ := slices.BinarySearch(ids, id)
		if _, had := slices.BinarySearch(old, id); !had && !fresh[at] {
			fresh[at] = true
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

// ref is what is known of a rule. The owner is not part of a rule's ID, but tools
// look flows up by its cookie, so the targets are told when another owner takes
// the place.
type ref struct {
	owners int32
	cookie uint32 // of the newest owner
	known  uint32 // cookie that the targets know, when sent
	sent   bool   // the targets have the rule
}

// add counts one owner more.
func (s *Set) add(r ir.Rule) {
	x := s.refs[r.ID]
	if known, gone := s.del[r.ID]; gone {
		delete(s.del, r.ID)
		x.sent, x.known = true, known
	}
	x.owners++
	x.cookie = r.Owner.Cookie()
	s.refs[r.ID] = x
	i, waiting := s.putAt[r.ID]
	switch news := !x.sent || x.known != x.cookie; {
	case news && waiting:
		s.put[i] = r
	case news:
		s.putAt[r.ID] = int32(len(s.put))
		s.put = append(s.put, r)
	case waiting:
		s.withdraw(r.ID, i)
	}
}

func (s *Set) remove(id ir.RuleID) {
	x := s.refs[id]
	if x.owners--; x.owners > 0 {
		s.refs[id] = x
		return
	}
	delete(s.refs, id)
	if i, waiting := s.putAt[id]; waiting {
		s.withdraw(id, i)
	}
	if x.sent {
		s.del[id] = x.known
	}
}

func (s *Set) withdraw(id ir.RuleID, i int32) {
	s.put[i] = ir.Rule{}
	delete(s.putAt, id)
}

// Reset forgets everything: the targets are told to do the same.
func (s *Set) Reset() { *s = *NewSet() }

// Has tells whether k has rules.
func (s *Set) Has(k Key) bool { _, ok := s.owners[k]; return ok }

// Of are the rules of k. They belong to the Set.
func (s *Set) Of(k Key) []ir.RuleID { return s.owners[k] }

// Keys calls f for each owner.
func (s *Set) Keys(f func(Key)) {
	for k := range s.owners {
		f(k)
	}
}

// Len is the number of different rules.
func (s *Set) Len() int { return len(s.refs) }

// Pending tells whether Take has something to give.
func (s *Set) Pending() bool { return len(s.putAt)+len(s.del) > 0 }

// takeRoom bounds the room for new rules that is made in advance.
const takeRoom = 1 << 13

// Take moves what changed since the last Take into d.
func (s *Set) Take(d *backend.Delta) {
	d.Put = s.put
	if len(s.putAt) < len(s.put) {
		d.Put = slices.DeleteFunc(s.put, func(r ir.Rule) bool { return r.Program == nil })
	}
	for i := range d.Put {
		x := s.refs[d.Put[i].ID]
		x.sent, x.known = true, x.cookie
		s.refs[d.Put[i].ID] = x
	}
	d.Del = make([]ir.RuleID, 0, len(s.del))
	for id := range s.del {
		d.Del = append(d.Del, id)
	}
	// While rules are sent batch by batch the next batch is much like this one.
	s.put = make([]ir.Rule, 0, min(len(d.Put), takeRoom))
	s.putAt, s.del = map[ir.RuleID]int32{}, map[ir.RuleID]uint32{}
}
