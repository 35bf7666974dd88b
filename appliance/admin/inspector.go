package admin

import (
	"context"
	"maps"
	"sync"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// Inspector answers a program what the commands status and offload/status answer
// people. It may be asked by several goroutines.
type Inspector struct {
	table *table
	mu    sync.Mutex
	ids   map[ovsdb.UUID]map[string]string // guarded by mu: external_ids of the logical flows of the last answer
}

// NewInspector asks the chassis by way of its engine goroutine, like Commands.
func NewInspector(chassis Chassis, on unixctl.Executor) *Inspector {
	return &Inspector{table: &table{chassis: chassis, on: on}}
}

// Status is the answer to status.
func (x *Inspector) Status(ctx context.Context) (s Status, err error) {
	if done := x.table.on.Do(ctx, func() { s, err = x.table.overview() }); done != nil {
		err = done
	}
	return s, err
}

// Offload is the answer to offload/status. Who asks often asks for the same stages: the
// Southbound database is not asked again for the names of those of the last answer.
func (x *Inspector) Offload(ctx context.Context) (OffloadStatus, error) {
	return x.table.offloadStatusWith(ctx, x.names)
}

func (x *Inspector) names(ctx context.Context, of []*Origin) (*names, error) {
	x.mu.Lock()
	before := x.ids
	x.mu.Unlock()
	var unknown []*Origin
	known := map[ovsdb.UUID]map[string]string{}
	for _, o := range of {
		if o == nil {
			continue
		}
		id := ovsdb.UUID(o.rule.Owner.UUID)
		if ids, ok := before[id]; ok {
			known[id] = ids
		} else {
			unknown = append(unknown, o)
		}
	}
	n, err := x.table.names(ctx, unknown)
	maps.Copy(known, n.ids)
	n.ids = known
	x.mu.Lock()
	x.ids = known
	x.mu.Unlock()
	return n, err
}
