package txdiff

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl/everything"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var names = Names{By: map[string][]string{"Item": {"name"}, "Leaf": {"name"}}, Inline: []string{"Leaf"}}

// follower is a replica of a database that has everything.
type follower struct {
	*testing.T
	*everything.Replica
}

func follow(t *testing.T) *follower {
	t.Helper()
	s := ovsdbtest.Start(t, "../idl/everything/everything.ovsschema", "Everything")
	f := &follower{t, everything.NewReplica(everything.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote, Logger: slog.New(slog.DiscardHandler)}})}
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- f.Replica.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-end
	})
	f.until("the connection", func() bool { return f.State().Connected })
	return f
}

func (f *follower) until(what string, cond func() bool) {
	f.Helper()
	for limit := time.After(time.Minute); ; {
		for _, ok := f.Next(); ok; _, ok = f.Next() {
		}
		if cond() {
			return
		}
		select {
		case <-f.Ready():
		case <-limit:
			f.Fatalf("waited a minute for %s", what)
		}
	}
}

// commit executes a transaction, and returns when the replica has it.
func (f *follower) commit(tx *idl.Tx) idl.Result {
	f.Helper()
	mark := tx.Insert("Item", map[string]any{"name": ovsdb.NewUUID().String()})
	var res *idl.Result
	f.Commit(tx, func(r idl.Result) { res = &r })
	f.until("a transaction", func() bool { return res != nil && (res.Err != nil || f.DB().Item.Get(res.UUID(mark)) != nil) })
	if res.Err != nil {
		f.Fatal(res.Err)
	}
	return *res
}

func text(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintln(&b, c)
	}
	return b.String()
}

// TestOf: rows are shown by name, and what stays as it is is not.
func TestOf(t *testing.T) {
	f := follow(t)
	var tx idl.Tx
	leaf := tx.Insert("Leaf", map[string]any{"name": "leaf 1"})
	one := tx.Insert("Item", map[string]any{"name": "one", "int": 5, "strings": []string{"b", "a"}, "string_string": map[string]string{"k": "v", "l": ""}, "leaves": leaf})
	two := tx.Insert("Item", map[string]any{"name": "two", "opt_int": 7})
	made := f.commit(&tx)

	var change idl.Tx
	leaf2 := change.Insert("Leaf", map[string]any{"name": "leaf2"})
	change.Insert("Item", map[string]any{"name": "new", "leaf": leaf2, "leaves": []any{leaf2, made.UUID(leaf)}, "string_string": map[string]string{"a": "b c"}})
	change.Update("Item", made.UUID(one), map[string]any{"int": 6, "name": "one", "opt_int": nil, "leaves": nil, "leaf": leaf2})
	change.Mutate("Item", made.UUID(one), "strings", "insert", []string{"c", "a"})
	change.Mutate("Item", made.UUID(one), "strings", "delete", []string{"b", "x"})
	change.Mutate("Item", made.UUID(one), "string_string", "delete", []string{"l"})
	change.Mutate("Item", made.UUID(one), "string_string", "insert", map[string]string{"k": "w", "m": "n"})
	change.Delete("Item", made.UUID(two))
	change.Update("Item", ovsdb.NewUUID(), map[string]any{"int": 1}) // gone
	change.Wait("Item", made.UUID(one), map[string]any{"int": 5})
	got := Of(&change, f.Replica.Replica, names)
	want := `+ Item leaf=leaf2 leaves=["leaf 1", leaf2] name=new string_string={a="b c"}
~ Item one: int 5 -> 6, leaf [] -> leaf2, leaves "leaf 1" -> [], string_string {k=v, l=""} -> {k=v, m=n}, strings [a, b] -> [a, c]
`
	first, rest, _ := strings.Cut(text(got), "- Item ")
	if first != want {
		t.Errorf("got\n%swant\n%s", first, want)
	}
	if !strings.Contains(rest, "name=two") || !strings.Contains(rest, "opt_int=7") {
		t.Errorf("the removal is told as %s", rest)
	}
	if none := Of(&idl.Tx{}, f.Replica.Replica, names); none == nil || len(none) > 0 {
		t.Errorf("of nothing: %#v", none)
	}
}

// TestForetold: after random transactions rows are what was foretold. SLUICE_SEED repeats a run.
func TestForetold(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SLUICE_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SLUICE_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	f := follow(t)
	var tx idl.Tx
	var items []ovsdb.UUID
	var made []ovsdb.NamedUUID
	leaf := tx.Insert("Leaf", map[string]any{"name": "a leaf"})
	tx.Insert("Item", map[string]any{"name": "holder", "leaves": leaf})
	for i := range 4 {
		made = append(made, tx.Insert("Item", map[string]any{"name": fmt.Sprint("item", i)}))
	}
	res := f.commit(&tx)
	for _, n := range made {
		items = append(items, res.UUID(n))
	}
	words := func() (out []string) {
		for range r.IntN(4) {
			if w := string(rune('a' + r.IntN(5))); !strings.Contains(strings.Join(out, ""), w) {
				out = append(out, w)
			}
		}
		return out
	}
	pairs := func() map[string]string {
		out := map[string]string{}
		for _, k := range words() {
			out[k] = string(rune('u' + r.IntN(3)))
		}
		return out
	}
	for step := range 100 {
		var tx idl.Tx
		for range 1 + r.IntN(5) {
			id := items[r.IntN(len(items))]
			mutator := []string{"insert", "delete"}[r.IntN(2)]
			switch r.IntN(6) {
			case 0:
				tx.Update("Item", id, map[string]any{"strings": words(), "int": r.IntN(3)})
			case 1:
				tx.Update("Item", id, map[string]any{"string_string": pairs(), "opt_string": nil})
			case 2:
				tx.Mutate("Item", id, "strings", mutator, words())
			case 3:
				tx.Mutate("Item", id, "string_string", mutator, pairs())
			case 4:
				tx.Mutate("Item", id, "string_string", "delete", words())
			case 5:
				tx.Update("Item", id, map[string]any{"opt_string": "x", "leaf": res.UUID(leaf)})
			}
		}
		before := map[ovsdb.UUID]map[string]any{}
		for _, id := range items {
			before[id] = f.Values("Item", id)
		}
		foretold := map[string]string{}
		for _, c := range Of(&tx, f.Replica.Replica, names) {
			for _, col := range c.Columns {
				foretold[c.Row+" "+col.Name] = col.Old + " -> " + col.New
			}
		}
		f.commit(&tx)
		d := &differ{replica: f.Replica.Replica, names: names, called: map[ovsdb.UUID]string{}, tables: []string{"Item", "Leaf"}}
		for _, id := range items {
			for name, v := range f.Values("Item", id) {
				was, now, key := d.read(before[id][name]).String(), d.read(v).String(), id.String()+" "+name
				if was != now && foretold[key] != was+" -> "+now {
					t.Errorf("step %d: %s %s has become %s, foretold was %q", step, name, was, now, foretold[key])
				} else if was == now && foretold[key] != "" {
					t.Errorf("step %d: %s has stayed %s, foretold was %q", step, name, now, foretold[key])
				}
			}
		}
	}
}
