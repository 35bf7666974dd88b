package idl_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// numbers returns the numbers of the items that a replica has.
func (o *owner) numbers() []int64 {
	var list []int64
	for r := range o.DB().Item.All() {
		list = append(list, r.Int)
	}
	slices.Sort(list)
	return list
}

func numbered(list ...int64) map[string][]idl.Condition {
	clauses := []idl.Condition{}
	for _, n := range list {
		clauses = append(clauses, idl.Condition{Column: "int", Op: "==", Value: n})
	}
	return map[string][]idl.Condition{"Item": clauses}
}

// Once State.Conditions has reached the sequence the rows are those of the
// conditions, no sooner and no later.
func TestConditionChanges(t *testing.T) {
	s := startEverything(t)
	writer := follow(t, s.Remote)
	insertItems(writer, 1, 10)
	o := start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote}, Conditions: numbered(3)})
	o.until("the first conditions", func() bool { return o.State().Conditions == 1 })
	if diff := cmp.Diff([]int64{3}, o.numbers()); diff != "" {
		t.Error(diff)
	}
	for _, test := range []struct {
		where map[string][]idl.Condition
		want  []int64
	}{
		{numbered(3, 4, 99), []int64{3, 4}},
		{numbered(5), []int64{5}},
		{numbered(), nil},
		{nil, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{map[string][]idl.Condition{"Item": {{Column: "int", Op: ">=", Value: 9}, {Column: "name", Op: "==", Value: "item 2"}}}, []int64{2, 9, 10}},
		{map[string][]idl.Condition{"Item": {{Column: "newer", Op: "==", Value: "x"}}, "Newer": {}}, nil},
	} {
		seq := o.SetConditions(test.where)
		o.until("the conditions", func() bool { return o.State().Conditions == seq })
		if diff := cmp.Diff(test.want, o.numbers()); diff != "" {
			t.Errorf("%v: %s", test.where, diff)
		}
	}
	// A row moves into and out of the conditions.
	seq := o.SetConditions(numbered(100))
	o.until("the conditions", func() bool { return o.State().Conditions == seq })
	id := writer.item("item 1").UUID
	for _, n := range []int64{100, 1, 100} {
		var tx idl.Tx
		tx.Update("Item", id, map[string]any{"int": n})
		writer.commit(&tx)
		o.until("the row", func() bool { return (o.DB().Item.Get(id) != nil) == (n == 100) })
	}
}

// Conditions change while another client writes and the connection breaks.
func TestConditionsUnderStress(t *testing.T) {
	s := startEverything(t)
	writer := follow(t, s.Remote)
	insertItems(writer, 1, 20)
	p := ovsdbtest.NewProxy(t, s)
	o := follow(t, p.Remote)
	o.until("the connection", o.connected)
	r := rand.New(rand.NewPCG(3, 1))
	for round := range 10 {
		var seq uint64
		var list []int64
		for range 1 + r.IntN(3) {
			list = list[:0]
			for n := range int64(20) {
				if r.IntN(3) == 0 {
					list = append(list, n)
				}
			}
			seq = o.SetConditions(numbered(list...))
			var tx idl.Tx
			for item := range writer.DB().Item.All() {
				if r.IntN(2) == 0 {
					tx.Update("Item", item.UUID, map[string]any{"int": r.IntN(20)})
				}
			}
			writer.commit(&tx)
		}
		if round%2 == 1 {
			p.Cut()
			o.SetRemote(p.Remote)
		}
		writer.until("its own changes", func() bool { return true })
		o.until("the conditions", func() bool { return o.connected() && o.State().Conditions == seq })
		// The marker of this round is written after all else.
		var tx idl.Tx
		tx.Insert("Leaf", map[string]any{"name": fmt.Sprint("round ", round)})
		res := writer.commit(&tx)
		writer.until("the marker", func() bool { return writer.DB().Leaf.Get(res.Ops[0].UUID) != nil })
		o.until("the marker", func() bool { return o.DB().Leaf.Get(res.Ops[0].UUID) != nil })
		want := writer.content()["Item"]
		for id := range want {
			u, _ := ovsdb.ParseUUID(id)
			if !slices.Contains(list, writer.DB().Item.Get(u).Int) {
				delete(want, id)
			}
		}
		got := o.content()["Item"]
		if len(want)+len(got) > 0 {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("round %d, -want +replica:\n%s", round, diff)
			}
		}
	}
}
