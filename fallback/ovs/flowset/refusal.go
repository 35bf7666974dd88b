package flowset

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// Refusal is a flow that is wanted and that the switch does not take.
type Refusal struct {
	Flow string // in the words of ovs-ofctl(8)
	Why  string // in the switch's
	Full bool   // it has no room for it
}

// isFull tells whether the switch says that it has no room for a flow (OFPFMFC_TABLE_FULL).
func isFull(e *ofp.Error) bool { return errors.Is(e, &ofp.Error{Type: 5, Code: 1}) }

// Refusals are the flows that the switch does not take, in a fixed order. They are sent again each minute.
func (b *Bridge) Refusals() []Refusal {
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	return slices.SortedFunc(maps.Values(b.set.refused), func(x, y Refusal) int { return strings.Compare(x.Flow, y.Flow) })
}

// retry has what was refused sent again.
func (s *set) retry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.refused {
		s.changed[k] = true
	}
}

// leaveOut takes what the switch has refused out of a bundle. index says of each message which change it belongs to.
func (b *Bridge) leaveOut(r *ofconn.Refused, list []change, index []int) []change {
	out := map[int]bool{}
	for _, m := range r.Messages {
		i := index[m.Index]
		if !out[i] {
			b.set.refuse(list[i].key, m.Err)
			b.log.Warn("the switch does not take a flow: " + m.Err.Cause() + ": " + list[i].String())
		}
		out[i] = true
	}
	var left []change
	for i, c := range list {
		if !out[i] {
			left = append(left, c)
		}
	}
	return left
}

func (c change) String() string {
	if c.flow == nil {
		return "removal of " + c.key.remove().Flow().String()
	}
	return c.flow.String()
}
