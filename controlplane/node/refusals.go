package node

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// RefusalKey names a part of a Southbound row that a node may refuse.
type RefusalKey struct {
	Table string
	Row   ovsdb.UUID
	Part  string // the column, or what it is for
}

// Refusal is something of a row that is not put in force, and why.
type Refusal struct {
	Table string
	Text  string // names the row, the cause and, where there is one, the fix
}

// refusals are what the nodes refuse at present. Nodes may compile on several cores.
type refusals struct {
	mu  sync.Mutex
	by  map[RefusalKey][]string // guarded by mu
	log *slog.Logger            // guarded by mu; limited: rows can be many
}

// Refusals that are logged in a minute, and at once; the status has all of them.
const (
	refusalsPerMinute = 60
	refusalsAtOnce    = 100
)

// Refuse says all that is refused of a part of a row at present; without texts
// nothing is. A text that is new is logged.
func (w *World) Refuse(k RefusalKey, texts ...string) {
	r := &w.refused
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(texts) == 0 {
		delete(r.by, k)
		return
	}
	if r.by == nil {
		r.by = map[RefusalKey][]string{}
		r.log = vlog.Limit(w.Log, refusalsPerMinute, refusalsAtOnce)
	}
	for _, text := range texts {
		if !slices.Contains(r.by[k], text) {
			r.log.Warn(text)
		}
	}
	r.by[k] = slices.Clone(texts)
}

// Refusals are all refusals at present, by table and text.
func (w *World) Refusals() []Refusal {
	r := &w.refused
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Refusal, 0, len(r.by))
	for k, texts := range r.by {
		for _, text := range texts {
			out = append(out, Refusal{k.Table, text})
		}
	}
	slices.SortFunc(out, func(a, b Refusal) int { return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Text, b.Text)) })
	return out
}
