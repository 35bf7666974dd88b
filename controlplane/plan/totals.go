package plan

import (
	"maps"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Totals is what a target has counted since the planner was made, with what entries that it adopted had
// counted before. It never becomes less, also when paths go.
type Totals struct {
	// All has each packet once, where its last path is.
	All Credit
	// ByPort has packets where they come in, by ingress.
	ByPort map[uint32]Credit
	// ByDatapath has packets once for each logical datapath on their way, by its tunnel key.
	ByDatapath map[uint32]Credit
}

func newTotals() Totals {
	return Totals{ByPort: map[uint32]Credit{}, ByDatapath: map[uint32]Credit{}}
}

// Totals are a copy of what was counted.
func (p *Planner) Totals() Totals {
	return Totals{p.totals.All, maps.Clone(p.totals.ByPort), maps.Clone(p.totals.ByDatapath)}
}

// sum adds what an entry of a path of s has counted more.
func (p *Planner) sum(s *place, path *flatten.Path, trap bool, more Credit) {
	plus := func(by map[uint32]Credit, key uint32) {
		x := by[key]
		x.plus(more)
		by[key] = x
	}
	if port, root := s.seg.ID.Ingress(); root {
		plus(p.totals.ByPort, port)
	}
	goesOn := path.Jump != nil && !trap
	// The datapath that a packet is still in when it jumps is counted where it leaves it.
	counted := map[uint32]bool{0: true}
	if goesOn {
		if to := p.places[path.Jump.To]; to != nil {
			counted[to.begin()] = true
		}
	} else {
		p.totals.All.plus(more)
	}
	for r := range path.Lineage() {
		if !counted[r.Datapath] {
			counted[r.Datapath] = true
			plus(p.totals.ByDatapath, r.Datapath)
		}
	}
}

// begin is the logical datapath in which packets come to a segment; 0 for none.
func (s *place) begin() uint32 {
	for _, path := range s.seg.Paths {
		first := uint32(0)
		for r := range path.Lineage() {
			if r.Datapath != 0 {
				first = r.Datapath
			}
		}
		if first != 0 {
			return first
		}
	}
	return 0
}

// Refusals are how many entries, traps among them, the target does not take at present, by kind.
func (p *Planner) Refusals() map[backend.Kind]int {
	n := map[backend.Kind]int{}
	for k, x := range p.refused {
		if s := p.places[x.segment]; s != nil && !x.trying {
			if _, there := s.find(k.path); there {
				n[x.kind]++
			}
		}
	}
	return n
}
