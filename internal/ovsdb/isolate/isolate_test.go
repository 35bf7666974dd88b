package isolate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// judge is a database that refuses some parts and some pairs of parts, and has the others.
type judge struct {
	has     map[idl.Part]bool
	refuses map[idl.Part]bool     // at their operation
	pairs   map[idl.Part]idl.Part // at the commit, when the database would have both
}

func (j *judge) commit(tx *idl.Tx) error {
	parts := tx.Parts()
	for i, p := range parts { // each has one operation
		if j.refuses[p] {
			return &idl.OpError{Index: i, Op: "insert", Table: p.Table, Tag: "permission error"}
		}
	}
	for _, p := range parts {
		if q, ok := j.pairs[p]; ok && (j.has[q] || slices.Contains(parts, q)) {
			return &idl.OpError{Index: -1, Op: "commit", Tag: "constraint violation"}
		}
	}
	for _, p := range parts {
		j.has[p] = true
	}
	return nil
}

// TestIsolation: whatever the database refuses, it gets all else: other kinds with the next transaction but one, others
// of the same kind soon. When it refuses nothing any more it gets everything.
func TestIsolation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		refused := map[idl.Part]bool{}
		s := New(func() time.Time { return now }, func(p idl.Part, why error) {
			if refused[p] = true; why == nil {
				delete(refused, p)
			}
		})
		j := &judge{has: map[idl.Part]bool{}, refuses: map[idl.Part]bool{}, pairs: map[idl.Part]idl.Part{}}
		var all []idl.Part
		for _, kind := range []string{"chassis", "claim", "neighbor"} {
			for i := range rapid.IntRange(0, 12).Draw(t, kind) {
				p := idl.Part{Kind: kind, Table: "T", Name: fmt.Sprint(kind, " ", i)}
				all = append(all, p)
				switch rapid.IntRange(0, 9).Draw(t, "fate") {
				case 0, 1:
					j.refuses[p] = true
				case 2:
					j.pairs[p] = all[rapid.IntRange(0, len(all)-1).Draw(t, "rival")] // itself: always
				}
			}
		}
		write := func(tx *idl.Tx) bool {
			for _, p := range all {
				if !j.has[p] && tx.Part(p) {
					tx.Insert("T", nil)
				}
			}
			return true
		}
		step := func() (sent bool) {
			tx, wake := s.Build(write)
			if tx.Len() == 0 {
				if wake.IsZero() {
					return false
				}
				if !wake.After(now) {
					t.Fatal("woken for nothing")
				}
				now = wake
				return true
			}
			if !s.Result(tx, j.commit(tx)) {
				t.Fatal("not taken for a refusal")
			}
			return true
		}
		innocent := func(p idl.Part) bool {
			if j.refuses[p] {
				return false
			}
			for q, r := range j.pairs {
				if p == q || p == r {
					return false
				}
			}
			return true
		}
		missing := func(of func(idl.Part) bool) (out []idl.Part) {
			for _, p := range all {
				if of(p) && !j.has[p] {
					out = append(out, p)
				}
			}
			return out
		}
		bad := map[string]bool{}
		for _, p := range all {
			bad[p.Kind] = bad[p.Kind] || !innocent(p)
		}
		for range 6 { // together, the three kinds, and the halves of those that are refused
			step()
		}
		if m := missing(func(p idl.Part) bool { return !bad[p.Kind] }); len(m) > 0 {
			t.Fatalf("of kinds of which nothing is refused these are missing: %v", m)
		}
		start := now
		for range 4 * len(all) {
			step()
		}
		if m := missing(innocent); len(m) > 0 {
			t.Fatalf("%v are missing after %v", m, now.Sub(start))
		}
		for now.Sub(start) < time.Hour { // by now only what is refused is tried, now and then
			if !step() {
				break
			}
		}
		if left := missing(func(idl.Part) bool { return true }); len(left) != len(refused) {
			t.Fatalf("%v are not written, the status names %v", left, refused)
		}
		clear(j.refuses)
		clear(j.pairs)
		start = now
		for now.Sub(start) <= lastRetry && step() {
		}
		if m := missing(func(idl.Part) bool { return true }); len(m) > 0 || len(refused) > 0 {
			t.Fatalf("%v are not written though nothing is refused any more; refused: %v", m, refused)
		}
	})
}
