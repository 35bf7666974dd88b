// Package isolate keeps what a database refuses apart from the rest of what is to be written, so that one bad row does not hold up
// the others.
package isolate

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// A refused part is tried again after firstRetry, then each time after twice as long,
// up to lastRetry. A kind that is searched for refused parts waits between two refusals,
// longer each time, up to lastSearch: there may be thousands of them.
const (
	firstRetry  = time.Second
	lastRetry   = time.Minute
	searchPause = 10 * time.Millisecond
	lastSearch  = time.Second
)

// Isolation is what one database refuses. It belongs to the goroutine that owns the replica.
// A server executes a
// transaction as a whole or not at all. Where it says which operation it refuses, the
// part that has it is left out from then on, and the other parts of that kind are sent
// apart from all else, as they may be refused for the same reason. Where it says only
// that the whole breaks a constraint, the kinds are sent one by one, and of the one that
// is refused again one half after the other.
type Isolation struct {
	now     func() time.Time
	report  func(idl.Part, error)
	refused map[idl.Part]*refusedPart
	search  map[string]*search // by kind
	trying  attempt            // what the transaction in flight is for
	turn    bool               // a search or a retry comes before the rest: that had its turn
}

type refusedPart struct {
	due   time.Time
	pause time.Duration
}

// search is how far a kind is searched for what is refused.
type search struct {
	only   [][]idl.Part // to be sent one after the other; none: all of the kind
	misses int          // transactions that were refused, in a row
	due    time.Time
}

// attempt is a transaction of one kind, or of one part that was refused; neither: of
// all the rest.
type attempt struct {
	kind  string
	retry idl.Part
}

// New returns an Isolation that refuses nothing yet. report is told why a part is left out, and nil when it is no more.
func New(now func() time.Time, report func(idl.Part, error)) *Isolation {
	return &Isolation{now: now, report: report, refused: map[idl.Part]*refusedPart{}, search: map[string]*search{}}
}

// Build makes the next transaction, empty when there is nothing to be sent now. write
// adds everything that is wanted and admitted, and tells whether it knew all that is
// wanted. The time says when to build again if nothing happens before; zero for never.
func (s *Isolation) Build(write func(*idl.Tx) bool) (*idl.Tx, time.Time) {
	attempts := []func(func(*idl.Tx) bool) *idl.Tx{s.rest, s.apart}
	if s.turn {
		slices.Reverse(attempts)
	}
	for _, try := range attempts {
		if tx := try(write); tx.Len() > 0 {
			return tx, time.Time{}
		}
	}
	var wake time.Time
	now := s.now()
	soonest := func(at time.Time) { // what is due and not sent waits for something else
		if at.After(now) && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	for _, r := range s.refused {
		soonest(r.due)
	}
	for _, k := range s.search {
		soonest(k.due)
	}
	return &idl.Tx{}, wake
}

// rest is all that nothing is known against.
func (s *Isolation) rest(write func(*idl.Tx) bool) *idl.Tx {
	return s.try(attempt{}, write, func(p idl.Part) bool { return s.search[p.Kind] == nil })
}

// apart is the next step of a search, or a part that may be tried again.
func (s *Isolation) apart(write func(*idl.Tx) bool) *idl.Tx {
	now := s.now()
	for _, kind := range slices.Sorted(maps.Keys(s.search)) {
		k := s.search[kind]
		for !now.Before(k.due) && s.search[kind] != nil {
			tx := s.try(attempt{kind: kind}, write, func(p idl.Part) bool {
				return p.Kind == kind && (len(k.only) == 0 || slices.Contains(k.only[0], p))
			})
			if tx.Len() > 0 {
				return tx
			}
			s.found(kind) // nobody wants these any more
		}
	}
	due := slices.SortedFunc(maps.Keys(s.refused), func(a, b idl.Part) int { return s.refused[a].due.Compare(s.refused[b].due) })
	for _, p := range due {
		if r := s.refused[p]; r != nil && !now.Before(r.due) {
			if tx := s.try(attempt{retry: p}, write, func(q idl.Part) bool { return p == q }); tx.Len() > 0 {
				return tx
			}
		}
	}
	return &idl.Tx{}
}

// try builds a transaction of the parts that admit wants, and forgets what was refused
// and is not wanted any more.
func (s *Isolation) try(a attempt, write func(*idl.Tx) bool, admit func(idl.Part) bool) *idl.Tx {
	tx := &idl.Tx{}
	wanted := map[idl.Part]bool{}
	tx.Admit(func(p idl.Part) bool {
		wanted[p] = true
		return admit(p) && (s.refused[p] == nil || p == a.retry)
	})
	s.trying = a
	if write(tx) {
		for p := range s.refused {
			if !wanted[p] {
				s.forget(p)
			}
		}
	}
	return tx
}

// Result learns from what became of tx. It is false when the failure is none of its
// content.
func (s *Isolation) Result(tx *idl.Tx, err error) bool {
	rest := s.trying == attempt{}
	var op *idl.OpError
	switch {
	case err == nil:
		for _, p := range tx.Parts() {
			s.forget(p)
		}
		if s.trying.kind != "" {
			s.search[s.trying.kind].misses = 0
			s.found(s.trying.kind)
		}
		s.turn = rest
		return true
	case !errors.As(err, &op) || !op.Refused():
		return false
	}
	s.turn = false // the rest first
	parts := tx.Parts()
	culprit, known := tx.PartOf(op.Index)
	if len(parts) == 1 {
		culprit, known = parts[0], true
	}
	switch {
	case known:
		s.refuse(culprit, op)
		if s.trying.retry == (idl.Part{}) {
			s.suspect(culprit.Kind)
		}
	case len(parts) == 0: // operations of no part
		return false
	case rest && parts[0].Kind != parts[len(parts)-1].Kind:
		for _, p := range parts {
			if s.search[p.Kind] == nil {
				s.suspect(p.Kind)
			}
		}
	default:
		k := s.suspect(parts[0].Kind)
		k.only = slices.Insert(k.only[min(1, len(k.only)):], 0, parts[:len(parts)/2], parts[len(parts)/2:])
	}
	return true
}

// suspect notes a refusal among the parts of a kind.
func (s *Isolation) suspect(kind string) *search {
	k := s.search[kind]
	if k == nil {
		k = &search{}
		s.search[kind] = k
	}
	if s.trying.kind == kind {
		k.misses++
	}
	k.due = s.now().Add(min(time.Duration(k.misses)*searchPause, lastSearch))
	return k
}

// found ends a step of a search: what was to be sent is in the database, or not wanted.
func (s *Isolation) found(kind string) {
	k := s.search[kind]
	if k.only = k.only[min(1, len(k.only)):]; len(k.only) == 0 {
		delete(s.search, kind)
	}
}

// refuse leaves a part out for a while.
func (s *Isolation) refuse(p idl.Part, why error) {
	r := s.refused[p]
	if r == nil {
		r = &refusedPart{}
		s.refused[p] = r
	}
	r.pause = min(cmp.Or(2*r.pause, firstRetry), lastRetry)
	r.due = s.now().Add(r.pause)
	s.report(p, why)
}

// forget ends the refusal of a part.
func (s *Isolation) forget(p idl.Part) {
	if s.refused[p] != nil {
		delete(s.refused, p)
		s.report(p, nil)
	}
}

// Searching tells whether something refused is still being searched for.
func (s *Isolation) Searching() bool { return len(s.search) > 0 }
