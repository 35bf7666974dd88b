package plan

import (
	"cmp"
	"slices"

	"github.com/sluice-gw/sluice/offload/flatten"
)

// candidate is a path that room is given to or taken from.
type candidate struct {
	path    *flatten.Path
	segment flatten.SegmentID
	heat    float64 // packets per second
	// weight is how many entries there are more with the path than without, about: a
	// path that is offloaded behind others needs traps for those that are not, and one
	// that is not offloaded is one of these traps.
	weight  float64
	reached bool // packets get to where it is
}

// offloaded are the paths in the target: those first that have the fewest packets for
// the entries that they take.
func (p *Planner) offloaded() []candidate {
	var list []candidate
	for id, s := range p.installedTables() {
		weight := s.weights()
		for i, path := range s.seg.Paths {
			if s.why[i] == nil {
				list = append(list, candidate{path, id, p.heat(path), weight[i], true})
			}
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if a.weight == 0 || b.weight == 0 { // nothing is gained by it
			return cmp.Or(cmp.Compare(b.weight, a.weight), byHeat(a, b))
		}
		return cmp.Or(cmp.Compare(a.heat/a.weight, b.heat/b.weight), cmp.Compare(b.weight, a.weight), byHeat(a, b))
	})
	return list
}

func byHeat(a, b candidate) int {
	return cmp.Or(cmp.Compare(a.heat, b.heat), cmp.Compare(a.path.ID, b.path.ID))
}

// weights are how many entries would go with each offloaded path. A trap that several
// need is shared among them.
func (s *place) weights() []float64 {
	paths := s.seg.Paths
	weight := make([]float64, len(paths))
	behind := &flatten.Overlaps{}
	for i, path := range slices.Backward(paths) {
		var need []int
		behind.Each(path.Match, func(n int) bool {
			need = append(need, n)
			return s.why[i] != nil || len(need) == 0 // of an offloaded one it matters only if there is any
		})
		switch {
		case s.why[i] != nil:
			for _, n := range need {
				weight[n] += 1 / float64(len(need))
			}
		case need == nil:
			weight[i]++
		}
		if s.why[i] == nil {
			behind.Add(path.Match, i)
		}
	}
	return weight
}

// waiting are the cold paths, the hottest first, and of those with equally many packets
// those that packets get to.
func (p *Planner) waiting() []candidate {
	var list []candidate
	for id, s := range p.places {
		if !slices.ContainsFunc(s.alone, func(r *Reason) bool { return r != nil && r.Code == Room }) {
			continue
		}
		weight := s.demands()
		for i, path := range s.seg.Paths {
			if s.alone[i] != nil && s.alone[i].Code == Room {
				list = append(list, candidate{path, id, p.heat(path), weight[i], s.isReached()})
			}
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if a.heat == b.heat && a.reached != b.reached {
			if a.reached {
				return -1
			}
			return 1
		}
		return byHeat(b, a)
	})
	return list
}

// demands are how many entries would come with each cold path: itself, unless it is
// there as a trap already, and traps that are not there yet.
func (s *place) demands() []float64 {
	paths := s.seg.Paths
	weight := make([]float64, len(paths))
	installed := map[flatten.PathID]bool{}
	if s.table != nil {
		for _, e := range s.table.Entries {
			installed[e.Path.ID] = true
		}
	}
	missing := &flatten.Overlaps{}
	for i, path := range paths {
		if s.alone[i] != nil && s.alone[i].Code == Room {
			if !installed[path.ID] {
				weight[i]++
			}
			missing.Each(path.Match, func(int) bool { weight[i]++; return true })
		}
		if s.why[i] != nil && !installed[path.ID] {
			missing.Add(path.Match, i)
		}
	}
	return weight
}

// isReached tells whether the target is asked for what packets to s need: to an
// ingress they always come.
func (s *place) isReached() bool {
	_, root := s.seg.ID.Ingress()
	return root || s.reached
}
