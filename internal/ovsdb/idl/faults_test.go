package idl_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// insertItems inserts items named from first to last.
func insertItems(o *owner, first, last int) {
	o.t.Helper()
	var tx idl.Tx
	for i := first; i <= last; i++ {
		tx.Insert("Item", map[string]any{"name": fmt.Sprint("item ", i), "int": i})
	}
	if res := o.commit(&tx); res.Err != nil {
		o.t.Fatal(res.Err)
	}
}

// neverEmpty makes a test fail if a unit leaves the items fewer than n.
func neverEmpty(o *owner, n int) {
	o.check = func() {
		if got := o.DB().Item.Len(); got < n {
			o.t.Errorf("only %d of %d items are visible", got, n)
		}
	}
}

// The server is killed and started again: the rows stay visible meanwhile, and
// what changed while there was no connection is told as a difference.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	s := startEverything(t)
	o, other := follow(t, s.Remote), follow(t, s.Remote)
	insertItems(o, 1, 50)
	other.until("the items", func() bool { return other.DB().Item.Len() == 50 })
	o.until("the items", func() bool { return o.DB().Item.Len() == 50 })
	neverEmpty(o, 49)
	for n := range 2 {
		s.Kill()
		o.until("the loss", func() bool { return !o.connected() })
		if o.State().Err == nil || o.DB().Item.Len() < 49 {
			t.Errorf("without a server: %d items, %v", o.DB().Item.Len(), o.State().Err)
		}
		s.Restart()
		var tx idl.Tx
		tx.Delete("Item", other.item(fmt.Sprint("item ", n+1)).UUID)
		tx.Insert("Item", map[string]any{"name": fmt.Sprint("item ", 51+n)})
		seen := len(o.seen)
		if res := other.commit(&tx); res.Err != nil { // waits for the connection
			t.Fatal(res.Err)
		}
		o.until("the change", func() bool { return o.connected() && o.item(fmt.Sprint("item ", 51+n)) != nil })
		changes := 0
		for _, c := range o.seen[seen:] {
			changes += len(c.Item)
		}
		if changes != 2 {
			t.Errorf("%d changes for one insert and one delete", changes)
		}
	}
	if diff := cmp.Diff(dump(t, s), o.content()); diff != "" {
		t.Error(diff)
	}
}

// Connections are cut again and again while another client writes.
func TestCutWhileWriting(t *testing.T) {
	s := startEverything(t)
	writer := follow(t, s.Remote)
	insertItems(writer, 1, 30)
	p := ovsdbtest.NewProxy(t, s)
	o := follow(t, p.Remote)
	o.until("the items", func() bool { return o.DB().Item.Len() == 30 })
	neverEmpty(o, 20)
	r := newRandom(t, 7)
	for n := range int64(8) {
		for range 10 {
			var tx idl.Tx
			leaves, items := writer.leaves(), writer.items()
			tx.Update("Item", items[r.IntN(len(items))], r.row("Item", leaves))
			tx.Insert("Leaf", r.row("Leaf", nil))
			if res := writer.commit(&tx); res.Err != nil {
				t.Fatal(res.Err)
			}
		}
		p.Cut()
		o.SetRemote(p.Remote)
		writer.mark(n)
		o.untilMark(n)
		if diff := cmp.Diff(dump(t, s), o.content()); diff != "" {
			t.Fatalf("round %d, -server +replica:\n%s", n, diff)
		}
	}
}

// A consumer that takes its time loses nothing: each step of a counter arrives
// or is merged by the server into a later one, in order, and memory is bounded.
func TestSlowConsumer(t *testing.T) {
	s := startEverything(t)
	writer := follow(t, s.Remote)
	o := start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote}, MaxPending: 8})
	writer.mark(0)
	o.untilMark(0)
	const steps = 2000
	pending := 0
	for n := int64(1); n <= steps; n++ {
		var tx idl.Tx
		tx.Update("Item", writer.item(marker).UUID, map[string]any{"int": n})
		tx.Insert("Leaf", map[string]any{"name": fmt.Sprint(n)})
		writer.Commit(&tx, func(res idl.Result) {
			pending--
			if res.Err != nil {
				t.Error(res.Err)
			}
		})
		pending++
		if pending >= 100 {
			writer.until("some results", func() bool { return pending < 50 })
		}
	}
	writer.until("the results", func() bool { return pending == 0 })
	// Nothing has been taken so far. From here one unit at a time.
	last, leaves := int64(0), 0
	for last < steps {
		<-o.Ready()
		c, ok := o.Next()
		if !ok {
			continue
		}
		for _, x := range c.Item {
			if x.Old.Int != last || x.New.Int <= last {
				t.Fatalf("from %d to %d after %d", x.Old.Int, x.New.Int, last)
			}
			last = x.New.Int
		}
		leaves += len(c.Leaf)
		if int64(leaves) != last {
			t.Fatalf("%d leaves at step %d: a transaction was torn", leaves, last)
		}
	}
	if o.State().Counters.Pauses == 0 {
		t.Error("the test is too weak: reading never stopped")
	}
}

// A transaction with very many rows, and rows that are very large.
func TestRowStorm(t *testing.T) {
	s := startEverything(t)
	o := start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote}, MaxPending: 100})
	insertItems(o, 1, 5000)
	long := make([]string, 20_000)
	for i := range long {
		long[i] = fmt.Sprintf("192.168.%d.%d/32 and more of the same", i>>8, i&255)
	}
	var tx idl.Tx
	tx.Insert("Leaf", map[string]any{"name": "large", "tags": long})
	if res := o.commit(&tx); res.Err != nil {
		t.Fatal(res.Err)
	}
	o.until("the large row", func() bool { return o.DB().Leaf.Len() == 1 })
	for l := range o.DB().Leaf.All() {
		if len(l.Tags) != len(long) {
			t.Errorf("%d elements of %d", len(l.Tags), len(long))
		}
		var tx idl.Tx
		tx.Mutate("Leaf", l.UUID, "tags", "delete", long[:5])
		tx.Mutate("Leaf", l.UUID, "tags", "insert", []string{"new"})
		o.commit(&tx)
	}
	o.until("the mutation", func() bool {
		for l := range o.DB().Leaf.All() {
			return len(l.Tags) == len(long)-4
		}
		return false
	})
	if o.DB().Item.Len() != 5000 {
		t.Errorf("%d items", o.DB().Item.Len())
	}
	var all idl.Tx
	for _, id := range o.items() {
		all.Delete("Item", id)
	}
	o.commit(&all)
	o.until("the deletion", func() bool { return o.DB().Item.Len() == 0 })
	if n := len(o.seen); n > 10 {
		t.Errorf("%d units for 5 transactions", n)
	}
	if len(o.DB().ItemByName.Get("item 7")) != 0 {
		t.Error("an index keeps a row that is gone")
	}
}

// Results of transactions are exact: each has its own, failures name the
// operation and carry the server's words, and the queue is bounded.
func TestTransactions(t *testing.T) {
	s := startEverything(t)
	o := start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote}, MaxCommits: 10, CommitTimeout: 1})
	o.until("the connection", o.connected)

	var tx idl.Tx
	leaf := tx.Insert("Leaf", map[string]any{"name": "l", "tags": []string{"x"}})
	item := tx.Insert("Item", map[string]any{"name": "i", "leaf": leaf, "newer": "left out"})
	res := o.commit(&tx)
	if res.Err != nil || res.UUID(leaf).IsZero() || len(res.LeftOut) != 1 || res.LeftOut[0] != "column Item.newer" {
		t.Fatalf("result %+v", res)
	}
	o.until("the rows", func() bool { return o.DB().Item.Get(res.UUID(item)) != nil })
	if o.DB().Item.Get(res.UUID(item)).Leaf != res.UUID(leaf) {
		t.Error("the item does not refer to the leaf")
	}

	var bad idl.Tx
	bad.Update("Item", res.UUID(item), map[string]any{"int": 5})
	bad.Mutate("Item", res.UUID(item), "int", "/=", 0)
	var op *idl.OpError
	if got := o.commit(&bad); !errors.As(got.Err, &op) || op.Index != 1 || op.Table != "Item" || op.Tag != "domain error" {
		t.Errorf("division by zero: %#v", got.Err)
	}
	var wrong idl.Tx
	wrong.Insert("Item", map[string]any{"int": "five"})
	if got := o.commit(&wrong); got.Err == nil || got.Ops != nil {
		t.Errorf("a string for a number: %+v", got)
	}
	var stale idl.Tx
	stale.Wait("Item", res.UUID(item), map[string]any{"int": 4})
	stale.Update("Item", res.UUID(item), map[string]any{"int": 5})
	if got := o.commit(&stale); !errors.Is(got.Err, idl.ErrTryAgain) {
		t.Errorf("a Wait for another value: %v", got.Err)
	}
	var fresh idl.Tx
	fresh.Wait("Item", res.UUID(item), map[string]any{"int": 0, "strings": nil, "leaf": res.UUID(leaf)})
	fresh.Update("Item", res.UUID(item), map[string]any{"int": 5})
	fresh.Comment("a \"comment\"")
	if got := o.commit(&fresh); got.Err != nil || got.Ops[1].Count != 1 {
		t.Errorf("a Wait for the right value: %+v", got)
	}
	var locked idl.Tx
	locked.Assert("l")
	locked.Delete("Item", res.UUID(item))
	if got := o.commit(&locked); !errors.As(got.Err, &op) || op.Op != "assert" || op.Tag != "not owner" {
		t.Errorf("without the lock: %v", got.Err)
	}

	var full int
	done := 0
	for range 25 {
		var tx idl.Tx
		tx.Insert("Leaf", map[string]any{"name": "many"})
		o.Commit(&tx, func(res idl.Result) {
			done++
			if errors.Is(res.Err, idl.ErrQueueFull) {
				full++
			} else if res.Err != nil {
				t.Error(res.Err)
			}
		})
	}
	o.until("all results", func() bool { return done == 25 })
	if full != 15 {
		t.Errorf("%d of 25 transactions were refused, 10 have room", full)
	}
	o.until("the leaves", func() bool { return o.DB().Leaf.Len() == 11 })

	s.Kill()
	o.until("the loss", func() bool { return !o.connected() })
	var late idl.Tx
	late.Insert("Leaf", nil)
	if got := o.commit(&late); !errors.Is(got.Err, idl.ErrNotConnected) {
		t.Errorf("without a server: %v", got.Err)
	}
}

// Locks with a real server: the second client gets it when the first lets go.
func TestRealLocks(t *testing.T) {
	s := startEverything(t)
	a, b := follow(t, s.Remote), follow(t, s.Remote)
	a.Lock("l")
	a.until("the lock", func() bool { return a.Holds("l") })
	b.Lock("l")
	b.until("the connection", b.connected)
	if b.Holds("l") {
		t.Error("two clients hold a lock")
	}
	a.Unlock("l")
	b.until("the lock", func() bool { return b.Holds("l") })
	var tx idl.Tx
	tx.Assert("l")
	tx.Insert("Leaf", map[string]any{"name": "x"})
	if res := b.commit(&tx); res.Err != nil {
		t.Error(res.Err)
	}
	a.Steal("l")
	a.until("the lock", func() bool { return a.Holds("l") })
	b.until("the theft", func() bool { return !b.Holds("l") })
}
