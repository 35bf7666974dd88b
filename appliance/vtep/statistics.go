package vtep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// BindingStatistics are what a switch has counted of a VLAN of one of its ports (Logical_Binding_Stats of vtep(5)).
type BindingStatistics struct {
	Switch        string `json:"switch"`
	Port          string `json:"port"`
	VLAN          int64  `json:"vlan"`
	LogicalSwitch string `json:"logical_switch"`
	// From the VLAN into the logical switch, and to the VLAN.
	PacketsFromLocal int64 `json:"packets_from_local"`
	BytesFromLocal   int64 `json:"bytes_from_local"`
	PacketsToLocal   int64 `json:"packets_to_local"`
	BytesToLocal     int64 `json:"bytes_to_local"`
}

// Statistics asks the switch's database for what the switch has counted, by switch, port and VLAN. The replica does not have it,
// as it changes all the time.
func (a *Agent) Statistics(ctx context.Context) ([]BindingStatistics, error) {
	type answer struct {
		list []BindingStatistics
		err  error
	}
	answers := make(chan answer, 1)
	if err := a.queue.Do(ctx, func() {
		a.askStatistics(func(list []BindingStatistics, err error) { answers <- answer{list, err} })
	}); err != nil {
		return nil, err
	}
	select {
	case got := <-answers:
		return got.list, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// askStatistics calls done on the agent's goroutine, now or later.
func (a *Agent) askStatistics(done func([]BindingStatistics, error)) {
	if !a.vtep.State().Connected {
		done(nil, errors.New("the switch's database is not connected"))
		return
	}
	list, rows := a.counted()
	if len(list) == 0 {
		done(nil, nil)
		return
	}
	var tx idl.Tx
	for _, id := range rows {
		tx.ReadInts("Logical_Binding_Stats", id, "packets_from_local", "bytes_from_local", "packets_to_local", "bytes_to_local")
	}
	a.vtep.Commit(&tx, func(r idl.Result) {
		if r.Err != nil {
			done(nil, fmt.Errorf("the switch's database does not tell what was counted: %w", r.Err))
			return
		}
		there := list[:0]
		for i, e := range list {
			n := r.Ops[i].Ints
			if n == nil {
				continue // the row has gone, or the schema has no such table
			}
			e.PacketsFromLocal, e.BytesFromLocal, e.PacketsToLocal, e.BytesToLocal = n["packets_from_local"], n["bytes_from_local"], n["packets_to_local"], n["bytes_to_local"]
			there = append(there, e)
		}
		done(there, nil)
	})
}

// counted are the VLANs that a switch counts for, without numbers, and the rows that have these.
func (a *Agent) counted() (list []BindingStatistics, ids []ovsdb.UUID) {
	db := a.vtep.DB()
	type entry struct {
		BindingStatistics
		row ovsdb.UUID
	}
	var entries []entry
	for sw := range db.PhysicalSwitch.All() {
		for _, id := range sw.Ports {
			port := db.PhysicalPort.Get(id)
			if port == nil {
				continue
			}
			for vlan, row := range port.VLANStats {
				e := entry{BindingStatistics{Switch: sw.Name, Port: port.Name, VLAN: vlan}, row}
				if ls := db.LogicalSwitch.Get(port.VLANBindings[vlan]); ls != nil {
					e.LogicalSwitch = ls.Name
				}
				entries = append(entries, e)
			}
		}
	}
	slices.SortFunc(entries, func(x, y entry) int {
		return cmp.Or(cmp.Compare(x.Switch, y.Switch), cmp.Compare(x.Port, y.Port), cmp.Compare(x.VLAN, y.VLAN))
	})
	for _, e := range entries {
		list, ids = append(list, e.BindingStatistics), append(ids, e.row)
	}
	return list, ids
}
