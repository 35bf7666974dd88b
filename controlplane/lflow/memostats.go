package lflow

import (
	"unsafe"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// MemoStats is the state of the memo.
type MemoStats struct {
	Programs, Matches int
	Hits, Misses      uint64
	Peak              int    // the most entries there were since the last flush
	Rotations         uint64 // times that what was not asked for was dropped
	Bytes             uint64 // estimate of the memory that the entries hold
}

// MemoStats tells how large the memo is and how often it served. It looks at every entry.
func (c *Compiler) MemoStats() MemoStats {
	m := c.memo
	m.mu.Lock()
	defer m.mu.Unlock()
	s := MemoStats{Programs: len(m.programs[0]) + len(m.programs[1]), Matches: len(m.matches[0]) + len(m.matches[1]),
		Hits: m.hits, Misses: m.misses, Peak: m.peak, Rotations: m.rotations}
	for i := range 2 {
		for k, p := range m.programs[i] {
			s.Bytes += uint64(unsafe.Sizeof(k)+unsafe.Sizeof(p)) + uint64(len(k.text)+len(k.meter)) + programBytes(p.prog)
		}
		for k, conjs := range m.matches[i] {
			s.Bytes += uint64(unsafe.Sizeof(k)+unsafe.Sizeof(conjs)) + uint64(len(k.text)) + conjBytes(conjs)
		}
	}
	return s
}

// opBytes is a typical operation: its interface value and what that points to.
const opBytes = 16 + 64

func programBytes(p *ir.Program) uint64 {
	return uint64(unsafe.Sizeof(*p)) + uint64(len(p.Ops))*opBytes
}

func conjBytes(conjs []expr.Conj) (n uint64) {
	for i := range conjs {
		n += uint64(unsafe.Sizeof(conjs[i])) + matchBytes(conjs[i].Base)
		for _, dim := range conjs[i].Dims {
			for _, m := range dim {
				n += uint64(unsafe.Sizeof(m)) + matchBytes(m)
			}
		}
	}
	return n
}

func matchBytes(m ir.Match) (n uint64) {
	for t := range m.Terms() {
		n += uint64(unsafe.Sizeof(t))
	}
	return n
}
