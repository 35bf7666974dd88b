package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Origin is the row that a rule comes from.
type Origin struct {
	Table string `json:"table"` // of the Southbound database; "" for a rule that is built into the pipeline
	UUID  string `json:"uuid,omitempty"`
	// Stage is the name that ovn-northd gives it (external_ids:stage-name), or its number.
	Stage    string `json:"stage"`
	Datapath string `json:"datapath,omitempty"`
	// Hint is the beginning of the UUID of the Northbound row that the flow is made for
	// (external_ids:stage-hint), Source the place in ovn-northd that makes it.
	Hint     string `json:"northbound_hint,omitempty"`
	Source   string `json:"source,omitempty"`
	Priority int    `json:"priority"`
	Match    string `json:"match,omitempty"` // of a logical flow, as in its row
	Actions  string `json:"actions,omitempty"`

	rule *ir.Rule
}

// String is the origin on one line.
func (o *Origin) String() string {
	text := "the pipeline itself"
	if o.Table != "" {
		text = o.Table + " " + o.UUID
	}
	text += ", " + o.Stage
	if o.Datapath != "" {
		text += " of " + o.Datapath
	}
	text += fmt.Sprintf(", priority %d", o.Priority)
	if o.Hint != "" {
		text += ", Northbound hint " + o.Hint
	}
	if o.Source != "" {
		text += ", " + o.Source
	}
	return text
}

// originOf is the origin of a rule, with numbers for names.
func originOf(r *ir.Rule) *Origin {
	if r == nil {
		return nil
	}
	o := &Origin{Stage: r.Stage.String(), Priority: int(r.Priority), rule: r}
	if r.Owner.Kind != ir.OwnerNone {
		o.Table, o.UUID = r.Owner.Kind.String(), ovsdb.UUID(r.Owner.UUID).String()
	}
	if r.Datapath != 0 {
		o.Datapath = fmt.Sprintf("datapath %d", r.Datapath)
	}
	return o
}

// names are what people call datapaths and stages.
type names struct {
	datapaths map[uint32]string // by tunnel key
	rows      map[ovsdb.UUID]controller.LogicalFlow
	ids       map[ovsdb.UUID]map[string]string // external_ids of logical flows
}

func (n *names) datapath(key uint32) string {
	return cmp.Or(n.datapaths[key], fmt.Sprintf("datapath %d", key))
}

// into puts names into an origin.
func (n *names) into(o *Origin) {
	if o == nil {
		return
	}
	if o.rule.Datapath != 0 {
		o.Datapath = n.datapath(o.rule.Datapath)
	}
	if o.rule.Owner.Kind == ir.OwnerLogicalFlow {
		id := ovsdb.UUID(o.rule.Owner.UUID)
		ids, row := n.ids[id], n.rows[id]
		o.Stage = cmp.Or(ids["stage-name"], o.Stage)
		o.Hint, o.Source = ids["stage-hint"], ids["source"]
		o.Match, o.Actions = row.Match, row.Actions
	}
}

// namePatience bounds the wait for the Southbound database: an answer without names
// is better than none.
const namePatience = 5 * time.Second

// names asks for the names of all datapaths and of the logical flows among some
// origins. What is not known in time is not there, and err says why.
func (t *table) names(ctx context.Context, of []*Origin) (n *names, err error) {
	n = &names{datapaths: map[uint32]string{}, rows: map[ovsdb.UUID]controller.LogicalFlow{}}
	if t.other != nil { // its stages have no other names
		return n, t.on.Do(ctx, func() { n.datapaths = t.other.Datapaths() })
	}
	type found struct {
		ids map[ovsdb.UUID]map[string]string
		err error
	}
	asked := make(chan found, 1)
	err = t.on.Do(ctx, func() {
		c := t.controller()
		if c == nil {
			asked <- found{nil, errStarting}
			return
		}
		for _, d := range c.LocalDatapaths() {
			n.datapaths[d.Key] = d.Name
		}
		var ids []ovsdb.UUID
		for _, o := range of {
			if o == nil || o.rule.Owner.Kind != ir.OwnerLogicalFlow {
				continue
			}
			id := ovsdb.UUID(o.rule.Owner.UUID)
			if _, known := n.rows[id]; known {
				continue
			}
			n.rows[id], _ = c.LogicalFlow(id)
			ids = append(ids, id)
		}
		c.AskFlows(ids, func(m map[ovsdb.UUID]map[string]string, err error) { asked <- found{m, err} })
	})
	if err != nil {
		return n, err
	}
	limit := time.NewTimer(namePatience)
	defer limit.Stop()
	select {
	case f := <-asked:
		n.ids, err = f.ids, f.err
	case <-limit.C:
		err = fmt.Errorf("the Southbound database has not answered for %v", namePatience)
	case <-ctx.Done():
		return n, context.Cause(ctx)
	}
	if err != nil {
		err = &namesError{err}
	}
	return n, err
}

// namesError says that an answer has numbers in place of names.
type namesError struct{ error }

// nameless takes from err what only makes an answer less readable.
func nameless(err error) (why string, rest error) {
	if _, ok := errors.AsType[*namesError](err); ok {
		return err.Error(), nil
	}
	return "", err
}
