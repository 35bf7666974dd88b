package flattentest

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/offload/flatten"
)

// Content is all paths of all ingresses: order, actions, reasons and lineages. Segments
// are named by their content: after rules were removed, segments may be shared less
// than when they are made now.
func Content(f *flatten.Flattener) string {
	names := map[flatten.SegmentID]string{}
	lines := map[string]string{}
	var name func(s *flatten.Segment) string
	name = func(s *flatten.Segment) string {
		if n, ok := names[s.ID]; ok {
			return n
		}
		var b strings.Builder
		for _, p := range s.Paths {
			q := *p
			if p.Jump != nil {
				j := *p.Jump
				j.To = 0
				q.Jump = &j
			}
			fmt.Fprintf(&b, "  %s", &q)
			if p.Jump != nil {
				b.WriteString(" is " + name(f.Segment(p.Jump.To)))
			}
			for r := range p.Lineage() {
				fmt.Fprintf(&b, " %x/%d", uint64(r.ID), r.Owner.Cookie())
			}
			b.WriteByte('\n')
		}
		h := fnv.New64()
		h.Write([]byte(b.String()))
		n := fmt.Sprintf("%s-%x", s.Stage, h.Sum64())
		if _, root := s.ID.Ingress(); root {
			n = s.ID.String()
		}
		names[s.ID], lines[n] = n, b.String()
		return n
	}
	for s := range f.Segments() {
		name(s)
	}
	var b strings.Builder
	for _, n := range slices.Sorted(maps.Keys(lines)) {
		b.WriteString(n + "\n" + lines[n])
	}
	return b.String()
}

// Difference are the lines that only one of two texts has.
func Difference(got, want string) string {
	var b strings.Builder
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, l := range g {
		if !slices.Contains(w, l) {
			b.WriteString("incremental: " + l + "\n")
		}
	}
	for _, l := range w {
		if !slices.Contains(g, l) {
			b.WriteString("fresh:       " + l + "\n")
		}
	}
	if b.Len() == 0 {
		return "the order differs:\n" + got + "---\n" + want
	}
	return b.String()
}
