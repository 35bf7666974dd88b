package flowset

import (
	"sync"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// set is the flows that are wanted, by whom, and what has changed of them since the switch was told. Its owner and the bridge's goroutine share it.
type set struct {
	mu      sync.Mutex
	flows   map[key]*wanted            // guarded by mu
	owned   map[uint64]map[key]*wanted // guarded by mu
	changed map[key]bool               // guarded by mu
	refused map[key]Refusal            // guarded by mu
	sending int                        // changes that the switch has not confirmed; guarded by mu
	whole   bool                       // Put has been called for all there is; guarded by mu
}

type wanted struct {
	Flow
	owner uint64
}

func newSet() *set {
	return &set{flows: map[key]*wanted{}, owned: map[uint64]map[key]*wanted{}, changed: map[key]bool{}, refused: map[key]Refusal{}}
}

// put states all flows of an owner. One that another owner has as well is from now on this one's.
func (s *set) put(owner uint64, flows []Flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.owned[owner]
	after := make(map[key]*wanted, len(flows))
	for _, f := range flows {
		k, w := s.want(owner, f)
		after[k] = w
	}
	for k, w := range before {
		if after[k] == nil && s.flows[k] == w { // else another owner has it by now
			delete(s.flows, k)
			s.changed[k] = true
		}
	}
	if s.owned[owner] = after; len(after) == 0 {
		delete(s.owned, owner)
	}
}

// want takes one flow of an owner.
func (s *set) want(owner uint64, f Flow) (key, *wanted) {
	k := keyOf(f.Table, f.Priority, f.Match)
	old := s.flows[k]
	if old == nil || old.Cookie != f.Cookie || string(old.Actions) != string(f.Actions) {
		s.changed[k] = true
	}
	w := &wanted{f, owner}
	s.flows[k] = w
	return k, w
}

// edit changes some flows of an owner.
func (s *set) edit(owner uint64, add, remove []Flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := s.owned[owner]
	if mine == nil {
		mine = map[key]*wanted{}
		s.owned[owner] = mine
	}
	for _, f := range remove {
		k := keyOf(f.Table, f.Priority, f.Match)
		if w := mine[k]; w != nil && s.flows[k] == w {
			delete(s.flows, k)
			s.changed[k] = true
		}
		delete(mine, k)
	}
	for _, f := range add {
		k, w := s.want(owner, f)
		mine[k] = w
	}
	if len(mine) == 0 {
		delete(s.owned, owner)
	}
}

// complete says that the set is whole, so that what the switch has besides is superfluous.
func (s *set) complete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = true
}

// take returns what brings a switch up to date that had everything before the last changes. Ok is false while the set is not whole.
func (s *set) take() (c changes, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.whole {
		return c, false
	}
	for k := range s.changed {
		c.add(k, s.flow(k))
		delete(s.refused, k)
	}
	s.sending = len(s.changed)
	clear(s.changed)
	return c, true
}

func (s *set) flow(k key) *Flow {
	if w := s.flows[k]; w != nil {
		return &w.Flow
	}
	return nil
}

// compare returns what brings a switch up to date that has these flows; stays tells which of those that nobody wants are let be.
func (s *set) compare(have []ofp.Flow, stays func(*ofp.Flow) bool) (c changes, right int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.changed)
	clear(s.refused)
	seen := make(map[key]bool, len(have))
	for i := range have {
		h := &have[i]
		m, err := h.Match.Canonical()
		if err != nil {
			m = h.Match // a field that is unknown here: the flow is not ours, and is removed as it is
		}
		k := keyOf(h.Table, h.Priority, m)
		switch f := s.flow(k); {
		case f == nil && stays(h):
		case f == nil:
			c.add(k, nil)
		case f.is(h):
			right++
			seen[k] = true
		}
	}
	for k, w := range s.flows {
		if !seen[k] {
			c.add(k, &w.Flow)
		}
	}
	s.sending = len(c.gone) + len(c.come)
	return c, right
}

// sent says that the switch has answered for all that take or compare returned.
func (s *set) sent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending = 0
}

// refuse notes that the switch does not take a flow.
func (s *set) refuse(k key, why *ofp.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flow(k); f != nil {
		s.refused[k] = Refusal{Flow: f.String(), Why: why.Cause(), Full: isFull(why)}
	}
}

// changes are flows to be added or removed: those that go come first, so that a match may go from one priority to another in a full table.
type changes struct {
	gone, come []change
}

type change struct {
	key  key
	flow *Flow // nil: remove
}

func (c *changes) add(k key, f *Flow) {
	if f == nil {
		c.gone = append(c.gone, change{k, nil})
	} else {
		c.come = append(c.come, change{k, f})
	}
}

func (c *changes) all() []change { return append(c.gone, c.come...) }
