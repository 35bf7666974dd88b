package controller

import (
	"errors"
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// LogicalFlow is a row of that table as people know it.
type LogicalFlow struct {
	Pipeline string
	Table    int
	Priority int
	Match    string
	Actions  string
}

// LogicalFlow is the row with a UUID, as this chassis has it; ok is false for one that
// it does not have.
func (c *Controller) LogicalFlow(id ovsdb.UUID) (f LogicalFlow, ok bool) {
	row := c.w.SB.LogicalFlow.Get(id)
	if row == nil {
		return f, false
	}
	return LogicalFlow{row.Pipeline, int(row.TableID), int(row.Priority), row.Match, row.Actions}, true
}

// AskFlows reads external_ids of logical flows from the Southbound database: who they
// are made for (stage-name, stage-hint, source) costs too much memory to be kept for
// all. done is called on the goroutine of the controller, now or later, with what
// was found until then.
func (c *Controller) AskFlows(ids []ovsdb.UUID, done func(map[ovsdb.UUID]map[string]string, error)) {
	switch {
	case len(ids) == 0:
		done(nil, nil)
		return
	case c.paused:
		done(nil, errors.New("the controller is paused (debug/resume)"))
		return
	case !c.Connected():
		done(nil, errors.New("the Southbound database is not connected"))
		return
	}
	tx := &idl.Tx{}
	for _, id := range ids {
		tx.Read("Logical_Flow", id, "external_ids")
	}
	c.cfg.SB.Commit(tx, func(r idl.Result) {
		if r.Err != nil {
			done(nil, fmt.Errorf("the Southbound database does not tell: %w", r.Err))
			return
		}
		found := map[ovsdb.UUID]map[string]string{}
		for i, op := range r.Ops {
			found[ids[i]] = op.Map
		}
		done(found, nil)
	})
}
