package idl_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// mark numbers the marker, once it is there, and waits until o has seen it.
func (o *owner) mark(n int64) {
	o.t.Helper()
	var tx idl.Tx
	if m := o.item(marker); m == nil {
		tx.Insert("Item", map[string]any{"name": marker, "int": n})
	} else {
		tx.Update("Item", m.UUID, map[string]any{"int": n})
	}
	if res := o.commit(&tx); res.Err != nil {
		o.t.Fatal(res.Err)
	}
	o.untilMark(n)
}

func (o *owner) untilMark(n int64) {
	o.t.Helper()
	o.until(fmt.Sprintf("mark %d", n), func() bool {
		m := o.item(marker)
		return m != nil && m.Int == n
	})
}

// Random transactions through our Tx: two replicas, one of which wrote them,
// ovsdb-client and libovsdb's client have the same rows.
func TestDifferential(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := startEverything(t)
			writer, reader := follow(t, s.Remote), follow(t, s.Remote)
			writer.check = func() { checkChanges(writer) }
			reader.check = func() { checkChanges(reader) }
			other := startLibovsdb(t, s)
			r := newRandom(t, seed)
			failed := 0
			for n := range int64(6) {
				for range 15 {
					res := writer.commit(r.tx(writer))
					var op *idl.OpError
					if res.Err != nil && (!errors.As(res.Err, &op) || op.Tag != "referential integrity violation") {
						t.Fatal(res.Err)
					}
					if res.Err != nil {
						failed++
					}
				}
				writer.mark(n)
				reader.untilMark(n)
				want := dump(t, s)
				if diff := cmp.Diff(want, writer.content()); diff != "" {
					t.Fatalf("seed %d, the writer's replica, -server +replica:\n%s", seed, diff)
				}
				if diff := cmp.Diff(want, reader.content()); diff != "" {
					t.Fatalf("seed %d, the reader's replica, -server +replica:\n%s", seed, diff)
				}
				other.expect(reader.content())
			}
			if failed > 60 || len(reader.seen) < 20 {
				t.Errorf("the test is too weak: %d transactions failed, %d units seen", failed, len(reader.seen))
			}
			checkIndexes(reader)
		})
	}
}

// checkChanges holds the newest unit against the tables: New is what a table
// has, Old is something else.
func checkChanges(o *owner) {
	o.t.Helper()
	c := o.seen[len(o.seen)-1]
	for _, x := range c.Item {
		if o.DB().Item.Get(x.ID) != x.New || x.Old == x.New || x.Old != nil && x.New != nil && cmp.Equal(x.Old, x.New) {
			o.t.Errorf("change %+v", x)
		}
	}
	for _, x := range c.Leaf {
		if o.DB().Leaf.Get(x.ID) != x.New || x.Old == x.New {
			o.t.Errorf("change %+v", x)
		}
	}
}

func checkIndexes(o *owner) {
	o.t.Helper()
	for r := range o.DB().Item.All() {
		found := func(rows []*itemRow) bool {
			for _, x := range rows {
				if x == r {
					return true
				}
			}
			return false
		}
		if !found(o.DB().ItemByName.Get(r.Name)) ||
			found(o.DB().ItemByLeaf.Get(r.Leaf)) != !r.Leaf.IsZero() ||
			found(o.DB().ItemByOptInt.Get(r.OptInt.V)) != r.OptInt.OK ||
			!found(o.DB().ItemByIntBool.Get(itemKey{Int: r.Int, Bool: r.Bool})) {
			o.t.Errorf("item %s is not in its indexes", r.UUID)
		}
	}
}

// Transactions of another client, several operations at once, with the escapes
// that it chooses.
func TestOtherWriter(t *testing.T) {
	s := startEverything(t)
	o := follow(t, s.Remote)
	s.Transact(`[
		{"op":"insert","table":"Leaf","uuid-name":"l","row":{"name":"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t\u0001"}},
		{"op":"insert","table":"Item","row":{"name":"i","leaf":["named-uuid","l"],"leaves":["named-uuid","l"],
			"string_leaf":["map",[["k",["named-uuid","l"]]]],"bools":["set",[true,false]],"ints":["set",[9223372036854775807,-9223372036854775808]],"reals":["set",[2,1.5]],"ephemeral":"e","note":"n"}},
		{"op":"insert","table":"Unknown_To_Us","row":{"name":"u"}}]`)
	o.until("the item", func() bool { return o.item("i") != nil })
	i := o.item("i")
	leaf := o.DB().Leaf.Get(i.Leaf)
	if leaf == nil || leaf.Name != "é😀\"\\/\b\f\n\r\t\x01" || i.Leaves[0] != leaf.UUID || i.StringLeaf["k"] != leaf.UUID {
		t.Errorf("item %+v, leaf %+v", i, leaf)
	}
	if diff := cmp.Diff([]int64{math.MinInt64, math.MaxInt64}, i.Ints); diff != "" {
		t.Error(diff)
	}
	if i.Note != "" {
		t.Error("a column that was not asked for arrived")
	}
	if diff := cmp.Diff(dump(t, s), o.content()); diff != "" {
		t.Error(diff)
	}
	extra := start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote}, Extra: map[string][]string{"Item": {"note"}}})
	extra.until("the item", func() bool { return extra.item("i") != nil })
	if extra.item("i").Note != "n" {
		t.Error("a column that was asked for did not arrive")
	}
}

// libovsdb is the client of another project, as an independent opinion.
type libovsdb struct {
	t *testing.T
	c client.Client
}

type libItem struct {
	UUID         string            `ovsdb:"_uuid"`
	Name         string            `ovsdb:"name"`
	Int          int               `ovsdb:"int"`
	Real         float64           `ovsdb:"real"`
	Bool         bool              `ovsdb:"bool"`
	ID           string            `ovsdb:"uuid"`
	OptString    *string           `ovsdb:"opt_string"`
	OptInt       *int              `ovsdb:"opt_int"`
	OptReal      *float64          `ovsdb:"opt_real"`
	OptBool      *bool             `ovsdb:"opt_bool"`
	Leaf         *string           `ovsdb:"leaf"`
	Strings      []string          `ovsdb:"strings"`
	Ints         []int             `ovsdb:"ints"`
	Reals        []float64         `ovsdb:"reals"`
	Bools        []bool            `ovsdb:"bools"`
	Leaves       []string          `ovsdb:"leaves"`
	StringString map[string]string `ovsdb:"string_string"`
	IntString    map[int]string    `ovsdb:"int_string"`
	StringInt    map[string]int    `ovsdb:"string_int"`
	StringLeaf   map[string]string `ovsdb:"string_leaf"`
	BoolReal     map[bool]float64  `ovsdb:"bool_real"`
	Ephemeral    string            `ovsdb:"ephemeral"`
}

// CloneModel and CloneModelInto replace libovsdb's copying by way of JSON,
// which loses a map with keys that are no strings.
func (i *libItem) CloneModel() model.Model {
	c := *i
	return &c
}

func (i *libItem) CloneModelInto(m model.Model) { *m.(*libItem) = *i }

type libLeaf struct {
	UUID string   `ovsdb:"_uuid"`
	Name string   `ovsdb:"name"`
	Tags []string `ovsdb:"tags"`
}

func startLibovsdb(t *testing.T, s *ovsdbtest.Server) *libovsdb {
	t.Helper()
	m, err := model.NewClientDBModel("Everything", map[string]model.Model{"Item": &libItem{}, "Leaf": &libLeaf{}})
	if err != nil {
		t.Fatal(err)
	}
	log := logr.Discard()
	c, err := client.NewOVSDBClient(m, client.WithEndpoint(s.Remote), client.WithLogger(&log))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, err := c.MonitorAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &libovsdb{t, c}
}

// expect compares its cache with a replica. It changes row by row and there is
// no way to tell when it is in step, so it is looked at again and again.
func (l *libovsdb) expect(ours content) {
	l.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	diff := ""
	for range 1000 {
		if diff = cmp.Diff(l.content(), ours); diff == "" {
			return
		}
		<-tick.C
	}
	l.t.Fatalf("-libovsdb +replica:\n%s", diff)
}

func (l *libovsdb) content() content {
	l.t.Helper()
	c := make(content)
	tables := described(l.t)
	var items []libItem
	var leaves []libLeaf
	if err := l.c.List(context.Background(), &items); err != nil {
		l.t.Fatal(err)
	}
	if err := l.c.List(context.Background(), &leaves); err != nil {
		l.t.Fatal(err)
	}
	for _, r := range items {
		if r.ID == "" { // how it shows a required UUID that was never set
			r.ID = ovsdb.UUID{}.String()
		}
		c.add("Item", r.UUID, rowText(&r, tables["Item"]))
	}
	for _, r := range leaves {
		c.add("Leaf", r.UUID, rowText(&r, tables["Leaf"]))
	}
	return c
}
