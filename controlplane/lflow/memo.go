package lflow

import (
	"sync"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// programKey is all that the program of an action text depends on when the text
// names no port and no chassis.
type programKey struct {
	text, meter               string
	ingress, sw, common, zero bool
	table                     uint8
	affinity                  action.AffinityRegs
}

// matchKey is all that the rules' matches depend on when the text names no set, no
// port and no chassis.
type matchKey struct {
	text         string
	aclConntrack bool
}

type programMemo struct {
	prog   *ir.Program
	prereq expr.Expr
	meters []string // that it uses
}

// memoLimit bounds each generation of the memo. Texts that many logical flows share
// are asked for all the time and stay; most of the others (a route's, a neighbour's)
// are never asked for again, and would only keep memory.
const memoLimit = 1 << 12

// memo remembers compiled texts that depend on nothing but themselves. Two
// generations: when the young one is full it becomes the old one, and what is
// still asked for moves back.
type memo struct {
	mu           sync.Mutex
	programs     [2]map[programKey]programMemo // guarded by mu, as are the next
	matches      [2]map[matchKey][]expr.Conj
	hits, misses uint64
	peak         int    // the most entries there were
	rotations    uint64 // times that an old generation was dropped
}

func newMemo() *memo {
	m := &memo{}
	m.flush()
	return m
}

func (m *memo) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.peak = 0
	for i := range 2 {
		m.programs[i] = map[programKey]programMemo{}
		m.matches[i] = map[matchKey][]expr.Conj{}
	}
}

func (m *memo) program(k programKey) (programMemo, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return lookup(m, &m.programs, k)
}

func (m *memo) setProgram(k programKey, p programMemo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	store(m, &m.programs, k, p)
}

func (m *memo) match(k matchKey) ([]expr.Conj, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return lookup(m, &m.matches, k)
}

func (m *memo) setMatch(k matchKey, c []expr.Conj) {
	m.mu.Lock()
	defer m.mu.Unlock()
	store(m, &m.matches, k, c)
}

func lookup[K comparable, V any](m *memo, gens *[2]map[K]V, k K) (V, bool) {
	v, ok := gens[0][k]
	if !ok {
		if v, ok = gens[1][k]; ok {
			store(m, gens, k, v)
		}
	}
	if ok {
		m.hits++
	} else {
		m.misses++
	}
	return v, ok
}

func store[K comparable, V any](m *memo, gens *[2]map[K]V, k K, v V) {
	if len(gens[0]) >= memoLimit {
		if len(gens[1]) > 0 {
			m.rotations++
		}
		gens[1], gens[0] = gens[0], map[K]V{}
	}
	gens[0][k] = v
	m.peak = max(m.peak, m.entries())
}

func (m *memo) entries() int {
	return len(m.programs[0]) + len(m.programs[1]) + len(m.matches[0]) + len(m.matches[1])
}

// FlushMemo forgets everything that is remembered.
func (c *Compiler) FlushMemo() { c.memo.flush() }
