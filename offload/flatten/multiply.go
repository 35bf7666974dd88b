package flatten

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// multipliers says which rules are in most of the paths so far though others were
// possible in their place: those are the ones that multiply.
func (e *evaluation) multipliers() *Reason {
	type place struct {
		stage    fmt.Stringer
		datapath uint32
	}
	paths := map[*rule]int{}
	choices := map[place]int{}
	for _, d := range e.paths {
		for s := d.lineage; s != nil; s = s.before {
			if paths[s.rule]++; paths[s.rule] == 1 {
				choices[place{s.rule.Stage, s.rule.Datapath}]++
			}
		}
	}
	places := make([]place, 0, len(choices))
	for p, n := range choices {
		if n > 1 {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(choices[b], choices[a]), cmp.Compare(a.stage.String(), b.stage.String()), cmp.Compare(a.datapath, b.datapath))
	})
	const most = 5
	var parts []string
	for _, p := range places[:min(len(places), most)] {
		var top *rule
		for r, n := range paths {
			if (place{r.Stage, r.Datapath}) == p && (top == nil || n > paths[top] || n == paths[top] && r.ID < top.ID) {
				top = r
			}
		}
		parts = append(parts, fmt.Sprintf("%d rules of %s in datapath %d, such as %s %08x in %d paths",
			choices[p], p.stage, p.datapath, top.Owner.Kind, top.Owner.Cookie(), paths[top]))
	}
	return e.because(Reason{Code: Bound, Detail: fmt.Sprintf("%d paths; %s", e.Paths, strings.Join(parts, "; "))})
}
