package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// guards are packets of some ports that always stay in the fallback, by port: those
// that come in by it and match, and those that match when they are to go out by it.
// Where a port leads to another bridge, that bridge has a say in what becomes of them.
type guards map[uint32][]ir.Match

func (g guards) of(port uint32) (alts alternatives) {
	for _, m := range g[port] {
		alts = append(alts, literalsOf(m))
	}
	return alts
}

// SetGuard says which packets of a port stay in the fallback, coming in or going out:
// those that one of the matches holds for. The matches must be on fields that every
// packet has. The result is how the paths change by it.
func (f *Flattener) SetGuard(port uint32, ms []ir.Match) []Change {
	if slices.Equal(f.guards[port], ms) {
		return nil
	}
	if f.guards[port] = slices.Clone(ms); len(ms) == 0 {
		delete(f.guards, port)
	}
	stale := map[SegmentID]bool{}
	for id, s := range f.segments {
		if in, root := id.Ingress(); root && in == port || s.asked[port] {
			stale[id] = true
		}
	}
	f.rebuild(stale)
	if f.lost {
		f.sweep()
	}
	return f.show()
}

// guard keeps what a port's guard is for out of the segment of the port.
func (e *evaluation) guard(st *state) {
	port, _ := e.env.inPort()
	for _, m := range e.guards[port] {
		e.emit(&draft{Path: Path{Match: m, Reason: e.because(Reason{Code: Guarded})}})
		st.excluded = append(st.excluded, literalsOf(m))
	}
}

// guarded is the guard of a port; nil if it has none.
func (e *evaluation) guarded(port uint32) alternatives {
	e.asked[port] = true
	return e.guards.of(port)
}

// past goes on with those packets that may leave by a port ahead of the fallback.
func (e *evaluation) past(st *state, port uint32, then func(*state) bool) bool {
	return e.when(st, e.guarded(port), func(st *state, holds bool) bool {
		if holds && e.guards[port] != nil {
			return e.trap(st, Reason{Code: Guarded})
		}
		return then(st)
	})
}
